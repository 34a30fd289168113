"""Differences in how two runs answered a task: choices that one scored and the other had the model write, and answers that ran
out of tokens."""

from __future__ import annotations

from collections.abc import Iterator

from lsm_eval.comparison.shown.escape import visible
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import TaskRow

_WORTH_SAYING = 0.01
"""Share of a task's samples."""


def ran_out(baseline: Record, candidate: Record) -> Iterator[str]:
    """A sentence for each task in which more than a few answers of a run ran out of tokens: the difference may be due to the token budget,
    whether such answers are graded or missing."""
    for name in sorted(set(baseline.tasks) & set(candidate.tasks)):
        both = [record.tasks[name] for record in (baseline, candidate)]
        counts = [0 if row.cut_off is None else row.cut_off.samples for row in both]
        if any(count > _WORTH_SAYING * (row.samples or 0) for count, row in zip(counts, both, strict=True)):
            first, second = (f"{count:,} of {row.samples:,}" for count, row in zip(counts, both, strict=True))
            yield f"{name}: {first} answers ran out of tokens in the baseline, {second} in the candidate."


def choices_mismatch(task: str, first: TaskRow, second: TaskRow, *, names: tuple[str, str]) -> str | None:
    """A sentence if one run scored the choices and the other had the model write them; else None. `names`: words for the records."""
    if (first.choices is None) == (second.choices is None):
        return None
    ways = [
        f"{'scored' if row.choices is None else f'written ({visible(row.choices)})'} in the {name}"
        for row, name in zip((first, second), names, strict=True)
    ]
    return f"{task}: choices differ: they were {' and '.join(ways)}, so that their numbers are not comparable: run both with the same --choices."
