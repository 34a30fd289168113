"""Prepares a row of a sample table for its page."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lsm_eval.leaderboard.show import DASH, clip, visible

TEXT_LIMIT = 4000
"""The most characters of one text (prompt, completion, choice, reference) that a page shows."""

LIST_LIMIT = 50
"""The most choices, references, requests, judgements or metadata of one sample that a page shows."""

NAME = 200
"""The most characters of an id, or of a text's label, that a page shows."""

WEIGHT = 40_000
"""About the most bytes of one sample on a page; longer samples are shortened."""

_LIMITS = ((TEXT_LIMIT, LIST_LIMIT), (1000, 20), (250, 10), (40, 4))
"""Limits on the characters of a text and the items of a list, tried in order until the sample fits into `WEIGHT`."""

_ESCAPED = re.compile("[&<>'\"]")

_FRAME, _LINE = 1200, 260
"""Bytes of markup around a sample, and around each line of its lists."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a scored sample."""

    text: str
    right: bool
    picked: bool
    """Whether its log-probability is the highest (before any normalisation by a metric)."""
    logprob: str
    per_token: str
    tokens: str
    greedy: bool
    share: str = DASH
    """Its probability among the choices: `exp(log-probability)` divided by the sum over all choices."""


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
    """Number of choices or references left out."""
    completion: str | None
    thoughts: str | None
    """A reasoning model's thoughts, removed from the completion."""
    finish: str | None
    likelihood: str
    references: tuple[str, ...]
    truncated: int
    scores: tuple[tuple[str, str], ...]
    """Metric and the sample's score."""
    judgements: tuple[tuple[str, str], ...]
    """Metric and question, and the judge's answer."""
    metadata: tuple[tuple[str, str], ...]
    failure: str | None
    failure_detail: str | None
    further: tuple[tuple[str, str], ...] = ()
    """The sample's other requests, each with its answer."""
    shortened: bool = False
    """Whether more was cut than for other samples, because it is very long."""


def sample_view(row: Mapping[str, Any]) -> SampleView:
    """The view of one row (`results.schema.SAMPLE_COLUMNS` and `score.` columns), shortened to about `WEIGHT`."""
    view = _view(row, *_LIMITS[0])
    for limits in _LIMITS[1:]:
        if weight(view) <= WEIGHT:
            break
        view = replace(_view(row, *limits), shortened=True)
    return view


def weight(view: SampleView) -> int:
    """About the bytes of the sample on its page, escaped and in UTF-8."""
    pairs = (*view.scores, *view.judgements, *view.metadata, *view.further)
    texts = [
        view.id,
        view.cluster,
        view.finish,
        view.failure,
        view.prompt,
        view.completion,
        view.thoughts,
        view.failure_detail,
    ]
    texts += [choice.text for choice in view.choices]
    texts += [*view.references, *(text for pair in pairs for text in pair)]
    lines = len(view.choices) + len(view.references) + len(pairs)
    return _FRAME + _LINE * lines + sum(_bytes(text) for text in texts if text)


def _bytes(text: str) -> int:
    plain = visible(text)
    length = len(plain) if plain.isascii() else len(plain.encode("utf-8", "replace"))
    if not _ESCAPED.search(plain):
        return length
    # `&amp;`, `&#39;` and `&#34;`; `&lt;` and `&gt;`.
    more = 4 * (plain.count("&") + plain.count("'") + plain.count('"')) + 3 * (
        plain.count("<") + plain.count(">")
    )
    return more + length


def _view(row: Mapping[str, Any], limit: int, most: int) -> SampleView:
    target = [str(item) for item in row["target"] or ()]
    scored = row["request"] == "score"
    texts = list(row["choices"] or row["continuations"] or ()) if scored else []
    completion = row["completion"]
    if not scored and (
        listed := row["choices"]
    ):  # a choice that the model had to write: the right one in words
        target = [listed[int(t)] if t.isdecimal() and int(t) < len(listed) else t for t in target]
    return SampleView(
        id=clip(row["sample"] or "", NAME),
        index=int(row["index"] or 0),
        cluster=None if row["cluster"] is None else clip(row["cluster"], NAME),
        request=row["request"] or "",
        prompt=clip(row["prompt"] or "", limit),
        choices=_choices(row, texts, target, limit)[:most],
        more=max(len(texts if scored else target) - most, 0),
        completion=None if completion is None or scored else clip(completion, limit),
        thoughts=None if row.get("thoughts") is None else clip(row["thoughts"], limit),
        finish=None if row["finish"] is None else clip(row["finish"], NAME),
        likelihood=_likelihood(row) if row["request"] == "perplexity" else "",
        references=() if scored else tuple(clip(text, limit) for text in target[:most]),
        truncated=int(row["truncated"] or 0),
        scores=tuple(
            (clip(name.removeprefix("score."), min(limit, NAME)), _number(score, ".4g"))
            for name, score in row.items()
            if name.startswith("score.")
        )[:most],
        judgements=_judgements(row.get("judgements"), limit)[:most],
        metadata=_metadata(row["metadata"], limit)[:most],
        failure=None if row["failure"] is None else clip(row["failure"], NAME),
        failure_detail=None if row["failure_detail"] is None else clip(row["failure_detail"], limit),
        further=_further(row.get("further"), limit)[:most],
    )


def _choices(
    row: Mapping[str, Any], texts: Sequence[str], target: Sequence[str], limit: int
) -> tuple[Choice, ...]:
    logprobs, tokens, greedy = row["logprobs"] or [], row["tokens"] or [], row["greedy"] or []
    finite = [number for number in logprobs if number is not None and not math.isnan(number)]
    best = max(finite) if finite else None
    # Shares are given only if all choices have likelihoods; otherwise their sum would be incomplete.
    known = best is not None and math.isfinite(best) and len(finite) == len(texts)
    whole = sum(math.exp(number - best) for number in finite) if known and best is not None else 0.0
    choices = []
    for place, text in enumerate(texts):
        logprob = logprobs[place] if place < len(logprobs) else None
        count = tokens[place] if place < len(tokens) else None
        choices.append(
            Choice(
                text=clip(text or "", limit),
                right=str(place) in target,
                picked=best is not None and logprob == best,
                logprob=_number(logprob, ".3f"),
                per_token=_number(logprob / count if logprob is not None and count else None, ".3f"),
                tokens=DASH if count is None else str(count),
                greedy=bool(greedy[place]) if place < len(greedy) else False,
                share=_percent(logprob, best, whole),
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


def _percent(logprob: float | None, best: float | None, whole: float) -> str:
    return (
        f"{100 * math.exp(logprob - best) / whole:.1f}%"
        if whole and logprob is not None and best is not None
        else DASH
    )


def _metadata(text: str | None, limit: int) -> tuple[tuple[str, str], ...]:
    if not text or text == "{}":
        return ()
    try:
        content = json.loads(text)
    except ValueError:
        return (("metadata (no JSON)", clip(text, limit)),)
    if not isinstance(content, dict):
        return (("metadata", clip(text, limit)),)
    return tuple(
        (
            clip(name, min(limit, NAME)),
            clip(thing if isinstance(thing, str) else json.dumps(thing, ensure_ascii=False), limit),
        )
        for name, thing in content.items()
    )


def _further(text: str | None, limit: int) -> tuple[tuple[str, str], ...]:
    """The prompt and the answer of each request after the first."""
    if not text:
        return ()
    try:
        return tuple(
            (clip(str(part["prompt"]), limit), clip(_answer(part), limit)) for part in json.loads(text) or ()
        )
    except (ValueError, AttributeError, TypeError, KeyError):
        return ((clip(text, limit), "unreadable"),)


def _answer(part: Mapping[str, Any]) -> str:
    if part.get("completion") is not None:
        return str(part["completion"])
    texts, numbers = part.get("continuations") or (), part.get("logprobs") or ()
    if texts:
        return "\n".join(
            f"{text} ({_number(number, '.3f')})" for text, number in zip(texts, numbers, strict=False)
        )
    return ", ".join(_number(number, ".3f") for number in numbers)


def _judgements(text: str | None, limit: int) -> tuple[tuple[str, str], ...]:
    """From JSON: metric → list over the answers → question → what the judge said."""
    if not text:
        return ()
    found = []
    try:
        for metric, answers in json.loads(text).items():
            for place, answer in enumerate(answers):
                which = f" {place + 1}" if len(answers) > 1 else ""
                for question, said in answer.items():
                    verdict = said["answer"] or f"could not judge ({said.get('why')})"
                    share = f", {100 * said['share']:.0f}% sure" if said.get("share") is not None else ""
                    found.append(
                        (
                            clip(f"{metric}{which}: {question}", min(limit, NAME)),
                            clip(f"{verdict}{share}", min(limit, NAME)),
                        )
                    )
    except (ValueError, AttributeError, TypeError, KeyError):
        return (("judgements (unreadable)", clip(text, limit)),)
    return tuple(found)


def _number(number: float | None, form: str) -> str:
    if number is None or math.isnan(number):
        return DASH
    if math.isinf(number):
        return "∞" if number > 0 else "−∞"
    return format(number, form).replace("-", "−", 1)
