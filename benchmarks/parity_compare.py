"""Two tools' answers to the same samples, held against each other."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from parity_tasks import Comparison, MetricPair

TOLERANCE = 1e-3
"""Nats that two summed log-probabilities may differ by; choices that are nearer to each other may rank either
way."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One sample as one of the tools asked and scored it."""

    prompt: str
    continuations: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    """The continuations without their delimiter; ours only."""
    logprobs: tuple[float, ...] = ()
    greedy: tuple[bool, ...] = ()
    text: str | None = None
    """What was generated; None for scores."""
    scores: Mapping[str, float | None] = field(default_factory=dict)
    """The sample's value of each metric, by our names."""
    failure: str | None = None


@dataclass
class Finding:
    """What the comparison of one task came to."""

    name: str
    samples: int = 0
    logprobs: int = 0
    """How many log-probabilities were compared."""
    largest: float = 0.0
    """The largest difference of two of them, in nats."""
    choices: int = 0
    """How many choices were compared, by sum and by sum over characters."""
    close: int = 0
    """How many of them were too close to count, and fell otherwise."""
    texts: int = 0
    """How many generated texts were compared."""
    values: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Metric to its value here and there."""
    differences: list[str] = field(default_factory=list)
    """What is not the same, one sentence each; empty where the tools agree."""


def ours(comparison: Comparison, rows: Iterable[Mapping[str, Any]]) -> dict[int, Answered]:
    """The samples of our record's table, by index, with the choices that the comparison is about."""
    found = {}
    for row in rows:
        chosen = list(range(len(row["continuations"] or ())))
        if comparison.labels:
            labels = json.loads(row["metadata"])[comparison.labels]
            chosen = [place for place in chosen if labels[place] is not None]

        def pick(column: str, row: Mapping[str, Any] = row, chosen: list[int] = chosen) -> tuple[Any, ...]:
            return tuple(row[column][place] for place in chosen) if row[column] else ()

        found[int(row["index"])] = Answered(
            prompt=row["prompt"],
            continuations=pick("continuations"),
            choices=pick("choices"),
            logprobs=pick("logprobs"),
            greedy=pick("greedy"),
            text=row["completion"],
            scores={pair.ours: row[f"score.{pair.ours}"] for pair in comparison.metrics},
            failure=row["failure"],
        )
    return found


def theirs(comparison: Comparison, rows: Iterable[Mapping[str, Any]]) -> dict[int, Answered]:
    """The samples that `parity_peer` wrote, by index. It has one row for each sample and filter."""
    found: dict[int, Answered] = {}
    scores: dict[int, dict[str, float | None]] = {}
    for row in rows:
        index = int(row["index"])
        own = scores.setdefault(index, {})
        for pair in comparison.metrics:
            if row["filter"] == pair.filter:
                own[pair.ours] = row["metrics"][pair.theirs]
        found[index] = Answered(
            prompt=row["context"],
            continuations=tuple(row["continuations"]),
            logprobs=tuple(row["logprobs"]),
            greedy=tuple(row["greedy"]),
            text=row["text"],
            scores=own,
        )
    return found


def compare(
    comparison: Comparison,
    here: Mapping[int, Answered],
    there: Mapping[int, Answered],
    values_here: Mapping[str, float | None],
    values_there: Mapping[str, float],
) -> Finding:
    """Everything that can be held against each other.

    `here` and `there` are samples by index; `values_here` our estimates by metric; `values_there` the peer's
    results, whose keys are `metric,filter`.
    """
    finding = Finding(comparison.name, samples=len(here))
    if set(here) != set(there):
        finding.differences.append(f"{len(here)} samples here and {len(there)} there, or not the same ones.")
    excused: dict[str, int] = {}
    for index in sorted(set(here) & set(there)):
        mine, other = here[index], there[index]
        if comparison.labels:
            mine, other = _by_text(mine), _by_text(other)
        for problem in _sample(comparison, mine, other, finding, excused):
            finding.differences.append(f"sample {index}: {problem}")
    for pair in comparison.metrics:
        _value(pair, values_here, values_there, excused.get(pair.ours, 0), finding)
    return finding


def margin(scores: Sequence[float]) -> float:
    """How far the best score is ahead of the second; infinite where there is only one."""
    ranked = sorted(scores, reverse=True)
    return _gap(ranked[0], ranked[1]) if len(ranked) > 1 else math.inf


def _sample(
    comparison: Comparison, mine: Answered, other: Answered, finding: Finding, excused: dict[str, int]
) -> Iterable[str]:
    """The differences of one sample; counts what was compared."""
    if mine.failure:
        yield f"no answer here ({mine.failure})."
        return
    asked = [("prompt", mine.prompt, other.prompt)]
    asked += [
        (f"continuation {place}", *texts)
        for place, texts in enumerate(zip(mine.continuations, other.continuations, strict=False))
    ]
    unlike = [_unlike(what, a, b) for what, a, b in asked if a != b]
    if len(mine.continuations) != len(other.continuations):
        unlike.append(f"{len(mine.continuations)} continuations here and {len(other.continuations)} there.")
    if unlike:
        # Another question: its answers say nothing.
        yield from unlike
        return
    yield from _logprobs(mine, other, finding)
    close: set[str] = set()
    for ranked in {pair.ranked for pair in comparison.metrics if pair.ranked}:
        yield from _choice(ranked, mine, other, finding, close)
    if mine.text is not None or other.text is not None:
        finding.texts += 1
        if mine.text != other.text:
            yield _unlike("generated text", mine.text or "", other.text or "")
    for pair in comparison.metrics:
        a, b = mine.scores.get(pair.ours), other.scores.get(pair.ours)
        if pair.perplexity:
            continue
        if a is None or b is None:
            yield f"{pair.ours} is {a} here and {b} there."
        elif not _gap(a, b) <= TOLERANCE:
            if pair.ranked in close:
                excused[pair.ours] = excused.get(pair.ours, 0) + 1
            else:
                yield f"{pair.ours} is {a:g} here and {b:g} there."


def _logprobs(mine: Answered, other: Answered, finding: Finding) -> Iterable[str]:
    for place, (a, b) in enumerate(zip(mine.logprobs, other.logprobs, strict=True)):
        gap = _gap(a, b)
        finding.logprobs += 1
        finding.largest = gap if math.isnan(gap) else max(finding.largest, gap)
        if not gap <= TOLERANCE:  # also where it is NaN
            yield f"log-probability of continuation {place} is {a:.6f} here and {b:.6f} there."
    if len(mine.logprobs) == 1 and mine.greedy != other.greedy:
        yield f"greedy is {mine.greedy[0]} here and {other.greedy[0]} there."


def _choice(ranked: str, mine: Answered, other: Answered, finding: Finding, close: set[str]) -> Iterable[str]:
    """Whether both prefer the same choice, unless two lie too near each other; those go to `close`."""
    lengths = [len(choice) if ranked == "characters" else 1 for choice in mine.choices]
    a, b = (
        # An empty choice is never preferred: either tool takes the quotient for -inf.
        [
            value / length if length else -math.inf
            for value, length in zip(side.logprobs, lengths, strict=True)
        ]
        for side in (mine, other)
    )
    finding.choices += 1
    # A log-probability that is off by the tolerance moves no score further than this.
    if min(margin(a), margin(b)) <= TOLERANCE / min(filter(None, lengths), default=1):
        close.add(ranked)
    first, second = a.index(max(a)), b.index(max(b))
    if first == second:
        return
    if ranked in close:
        finding.close += 1
    else:
        yield f"by {ranked} choice {first} is preferred here and {second} there."


def _value(
    pair: MetricPair,
    values_here: Mapping[str, float | None],
    values_there: Mapping[str, float],
    excused: int,
    finding: Finding,
) -> None:
    a, b = values_here.get(pair.ours), values_there.get(f"{pair.theirs},{pair.filter}")
    if a is None or b is None:
        finding.differences.append(f"{pair.ours} over all samples is {a} here and {b} there.")
        return
    finding.values[pair.ours] = (a, b)
    if pair.perplexity:
        same = a > 0 and b > 0 and _gap(math.log(a), math.log(b)) <= TOLERANCE
    elif pair.ranked:
        same = _gap(a, b) <= excused / max(finding.samples, 1) + 1e-9
    else:
        same = _gap(a, b) <= TOLERANCE
    if not same:
        finding.differences.append(f"{pair.ours} over all samples is {a:.6f} here and {b:.6f} there.")


def _by_text(answered: Answered) -> Answered:
    """The same sample with its continuations in alphabetical order."""
    order = sorted(range(len(answered.continuations)), key=lambda place: answered.continuations[place])

    def arrange(values: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(values[place] for place in order) if values else ()

    return Answered(
        prompt=answered.prompt,
        continuations=arrange(answered.continuations),
        choices=arrange(answered.choices),
        logprobs=arrange(answered.logprobs),
        greedy=arrange(answered.greedy),
        text=answered.text,
        scores=answered.scores,
        failure=answered.failure,
    )


def _gap(a: float, b: float) -> float:
    """Absolute difference; 0 for equal infinities, NaN where either is NaN."""
    return 0.0 if a == b else abs(a - b)


def _unlike(what: str, a: str, b: str) -> str:
    shared = min(len(a), len(b))
    at = next((i for i in range(shared) if a[i] != b[i]), shared)
    return f"{what} differs from character {at} on: {a[at : at + 30]!r} here and {b[at : at + 30]!r} there."
