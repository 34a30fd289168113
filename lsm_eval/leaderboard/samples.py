"""One row of a sample table, made ready for its page."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lsm_eval.leaderboard.show import DASH, clip

TEXT_LIMIT = 4000
"""Characters of one text (prompt, completion, choice, reference) that a page shows."""

LIST_LIMIT = 50
"""Choices or references of one sample that a page shows."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a scored sample."""

    text: str
    right: bool
    picked: bool
    """Whether its log-probability is the highest (before any normalisation that a metric does)."""
    logprob: str
    per_token: str
    tokens: str
    greedy: bool


@dataclass(frozen=True, slots=True)
class SampleView:
    """One sample as its page shows it."""

    id: str
    index: int
    cluster: str | None
    request: str
    prompt: str
    choices: tuple[Choice, ...]
    more: int
    """Choices or references left out."""
    completion: str | None
    thoughts: str | None
    """A reasoning model's, taken off the completion."""
    finish: str | None
    likelihood: str
    references: tuple[str, ...]
    truncated: int
    scores: tuple[tuple[str, str], ...]
    """Metric and the sample's own score."""
    judgements: tuple[tuple[str, str], ...]
    """Metric and question, and what the judge answered."""
    metadata: tuple[tuple[str, str], ...]
    failure: str | None
    failure_detail: str | None


def sample_view(row: Mapping[str, Any]) -> SampleView:
    """The view of one row (`results.schema.SAMPLE_COLUMNS` and `score.` columns)."""
    target = [str(item) for item in row["target"] or ()]
    scored = row["request"] == "score"
    texts = list(row["choices"] or row["continuations"] or ()) if scored else []
    completion = row["completion"]
    if not scored and (listed := row["choices"]):  # a choice that was to be written: the right one in words
        target = [listed[int(t)] if t.isdecimal() and int(t) < len(listed) else t for t in target]
    return SampleView(
        id=clip(row["sample"] or "", 200),
        index=int(row["index"] or 0),
        cluster=None if row["cluster"] is None else clip(row["cluster"], 200),
        request=row["request"] or "",
        prompt=clip(row["prompt"] or "", TEXT_LIMIT),
        choices=_choices(row, texts, target)[:LIST_LIMIT],
        more=max(len(texts if scored else target) - LIST_LIMIT, 0),
        completion=None if completion is None or scored else clip(completion, TEXT_LIMIT),
        thoughts=None if row.get("thoughts") is None else clip(row["thoughts"], TEXT_LIMIT),
        finish=row["finish"],
        likelihood=_likelihood(row) if row["request"] == "perplexity" else "",
        references=() if scored else tuple(clip(text, TEXT_LIMIT) for text in target[:LIST_LIMIT]),
        truncated=int(row["truncated"] or 0),
        scores=tuple(
            (name.removeprefix("score."), _number(score, ".4g"))
            for name, score in row.items()
            if name.startswith("score.")
        ),
        judgements=_judgements(row.get("judgements")),
        metadata=_metadata(row["metadata"]),
        failure=row["failure"],
        failure_detail=None if row["failure_detail"] is None else clip(row["failure_detail"], TEXT_LIMIT),
    )


def _choices(row: Mapping[str, Any], texts: Sequence[str], target: Sequence[str]) -> tuple[Choice, ...]:
    logprobs, tokens, greedy = row["logprobs"] or [], row["tokens"] or [], row["greedy"] or []
    finite = [number for number in logprobs if number is not None and not math.isnan(number)]
    best = max(finite) if finite else None
    choices = []
    for place, text in enumerate(texts):
        logprob = logprobs[place] if place < len(logprobs) else None
        count = tokens[place] if place < len(tokens) else None
        choices.append(
            Choice(
                text=clip(text or "", TEXT_LIMIT),
                right=str(place) in target,
                picked=best is not None and logprob == best,
                logprob=_number(logprob, ".3f"),
                per_token=_number(logprob / count if logprob is not None and count else None, ".3f"),
                tokens=DASH if count is None else str(count),
                greedy=bool(greedy[place]) if place < len(greedy) else False,
            )
        )
    return tuple(choices)


def _likelihood(row: Mapping[str, Any]) -> str:
    logprob = next(iter(row["logprobs"] or ()), None)
    tokens = next(iter(row["tokens"] or ()), None)
    if logprob is None or not tokens:
        return ""
    # exp overflows from 710 nats on; nobody reads such a perplexity.
    per_token = -logprob / tokens
    perplexity = f"{math.exp(per_token):.2f}" if per_token < 700 else "∞"
    return (
        f"log-probability {_number(logprob, '.3f')} over {tokens} tokens; perplexity {perplexity} per token"
    )


def _metadata(text: str | None) -> tuple[tuple[str, str], ...]:
    if not text:
        return ()
    try:
        content = json.loads(text)
    except ValueError:
        return (("metadata (no JSON)", clip(text, TEXT_LIMIT)),)
    if not isinstance(content, dict):
        return (("metadata", clip(text, TEXT_LIMIT)),)
    return tuple(
        (name, clip(thing if isinstance(thing, str) else json.dumps(thing, ensure_ascii=False), TEXT_LIMIT))
        for name, thing in content.items()
    )


def _judgements(text: str | None) -> tuple[tuple[str, str], ...]:
    """From metric → list over the answers of question → what the judge said of it."""
    found = []
    try:
        for metric, answers in json.loads(text or "{}").items():
            for place, answer in enumerate(answers):
                which = f" {place + 1}" if len(answers) > 1 else ""
                for question, said in answer.items():
                    verdict = said["answer"] or f"could not judge ({said.get('why')})"
                    share = f", {100 * said['share']:.0f}% sure" if said.get("share") is not None else ""
                    found.append((clip(f"{metric}{which}: {question}", 200), clip(f"{verdict}{share}", 200)))
    except (ValueError, AttributeError, TypeError, KeyError):
        return (("judgements (unreadable)", clip(text or "", TEXT_LIMIT)),)
    return tuple(found)


def _number(number: float | None, form: str) -> str:
    if number is None or math.isnan(number):
        return DASH
    if math.isinf(number):
        return "∞" if number > 0 else "−∞"
    return format(number, form).replace("-", "−", 1)
