"""A comparison for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lsm_eval.comparison.flips import Flip
from lsm_eval.comparison.result import Comparison, Row
from lsm_eval.comparison.shown import words
from lsm_eval.comparison.shown.escape import visible

HEADER = (
    "task",
    "metric",
    "baseline",
    "candidate",
    "difference",
    "interval",
    "p",
    "pairs",
    "differ",
    "verdict",
)
RIGHT = frozenset({2, 3, 4, 5, 6, 7, 8})


def cells(row: Row) -> list[str]:
    """One row of the table under `HEADER`. Names and reasons are escaped, since records may contain anything."""
    return [visible(cell, 500) for cell in _cells(row)]


def _cells(row: Row) -> list[str]:
    if row.verdict == "not compared":
        values = words.value(row.baseline_value, row.unit), words.value(row.candidate_value, row.unit)
        return [row.task, row.metric, *values, *[words.DASH] * 5, words.verdict(row)]
    return [
        row.task,
        row.metric,
        words.value(row.baseline_value, row.unit),
        words.value(row.candidate_value, row.unit),
        words.difference(row.difference, row.unit),
        words.interval(row),
        words.p_value(row.p),
        words.pairs(row),
        words.DASH if row.discordant is None else f"{row.discordant:,}",
        words.verdict(row),
    ]


def flip_lines(flips: Sequence[Flip], names: Sequence[str], *, reveal: bool) -> Iterator[str]:
    """Lines on changed samples with both answers; texts of sensitive tasks as hashes unless `reveal`. `names`: the candidates' names."""
    last: tuple[object, ...] = ()
    for flip in flips:
        shown = flip if reveal or not flip.sensitive else flip.hidden()
        if (flip.candidate, flip.task, flip.metric) != last:
            last = (flip.candidate, flip.task, flip.metric)
            of = f", {names[flip.candidate]}" if len(names) > 1 else ""
            yield ""
            yield f"{visible(flip.task)}, {visible(flip.metric)}{of}: samples that changed"
        # Not the id first: a line that begins with `::` is a command to GitHub's runner.
        yield f"  sample {visible(shown.sample)}: {shown.first:.4g} -> {shown.second:.4g}"
        yield f"    asked      {visible(shown.asked)}"
        yield f"    right      {visible(shown.target)}"
        yield f"    baseline   {visible(shown.first_answer)}"
        yield f"    candidate  {visible(shown.second_answer)}"


def by_candidate(comparison: Comparison) -> Iterator[tuple[str, list[Row]]]:
    """The rows of each candidate with its name."""
    for at, name in enumerate(words.names(comparison)[1]):
        yield name, [row for row in comparison.rows if row.candidate == at]
