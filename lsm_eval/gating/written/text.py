"""A gate's result for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from lsm_eval.aligned import aligned
from lsm_eval.comparison.shown import words
from lsm_eval.comparison.shown.escape import visible
from lsm_eval.gating.result import Finding, GateResult
from lsm_eval.gating.written import wording

HEADER = (
    "answer",
    "task",
    "metric",
    "baseline",
    "candidate",
    "loss",
    "interval",
    "p",
    "margin",
    "n",
    "differ",
)
RIGHT = frozenset({3, 4, 5, 6, 7, 8, 9, 10})
_LONGEST = 1000


def lines(result: GateResult, room: int | None = None) -> list[str]:
    """All lines: the table (with lines of `room` cells, if given), a sentence for everything that does not pass, notes, and the
    answer as the last line."""
    return list(_lines(result, room))


def _lines(result: GateResult, room: int | None) -> Iterator[str]:
    found = wording.worst_first(result.findings)
    baseline, candidate = wording.names(result)
    if baseline is not None:
        yield f"baseline:  {visible(baseline)}"
    yield f"candidate: {visible(candidate)}"
    yield f"policy:    {visible(result.policy)}"
    if (looks := wording.looks(result)) is not None:
        yield f"looks:     {looks}"
    if found:
        yield ""
        yield from aligned(HEADER, [cells(one) for one in found], right=RIGHT, room=room)
    yield ""
    for one in found:
        if one.answer != "pass":
            yield f"{one.answer}: {label(one)}: {visible(one.why, _LONGEST)}"
            if (evidence := wording.look_evidence(one)) is not None:
                yield f"  {evidence}."
    yield from (f"not comparable: {visible(why, _LONGEST)}" for why in result.reasons)
    yield from (f"note: {visible(note, _LONGEST)}" for note in result.notes)
    yield wording.rates(result)
    yield ""
    lacking = wording.lacking(result) if result.answer == "not enough data" else None
    yield f"{result.answer.upper()}. {wording.verdict(result)}{f' {lacking}' if lacking else ''}"


def cells(one: Finding) -> list[str]:
    """One row under `HEADER`."""
    return [
        one.answer,
        visible(one.task) or words.DASH,
        visible(one.metric),
        words.value(one.baseline, one.unit),
        words.value(one.candidate, one.unit),
        wording.loss(one),
        wording.interval(one),
        words.p_value(one.p),
        wording.margin(one),
        f"{one.n:,}",
        words.DASH if one.discordant is None else f"{one.discordant:,}",
    ]


def label(one: Finding) -> str:
    """The task and metric of a finding."""
    return f"{visible(one.task)}, {visible(one.metric)}" if one.task else visible(one.metric)
