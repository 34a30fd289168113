"""A gate's result as Markdown, for a step summary or a comment that is replaced at each run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lsm_eval.comparison.flips import Flip
from lsm_eval.comparison.shown import words
from lsm_eval.comparison.shown.escape import cell_markdown, markdown, plain_markdown
from lsm_eval.gating.result import Finding, GateResult
from lsm_eval.gating.written.wording import (
    interval,
    lacking,
    looks,
    loss,
    margin,
    names,
    rates,
    shown_flips,
    verdict,
    worst_first,
)

MARKER = "<!-- lsm-eval gate -->"
"""The first line, which is not visible: it marks the comment to replace."""
COMMENT = 65_536
"""Size limit of a comment on GitHub."""
SUMMARY = 1_024 * 1_024
"""Size limit of a step summary on GitHub."""
LEAST = 16_384
"""The smallest limit that holds the verdict and a row."""

_SENTENCES = 20
"""Largest number of findings with a sentence above the table."""
_SPARE = 640
"""Reserved for the sentences on what is left out, at most one of each of five kinds."""
_HEADER = (
    "answer",
    "task",
    "metric",
    "baseline",
    "candidate",
    "loss",
    "interval",
    "margin",
    "samples",
)
_RIGHT = frozenset({3, 4, 5, 6, 7, 8})
_FLIP_HEADER = ("sample", "score", "asked", "right", "baseline", "candidate")
_SIGNS = {"pass": "✅", "fail": "❌", "not enough data": "❔", "not comparable": "🚫"}


def to_markdown(result: GateResult, limit: int = COMMENT) -> str:
    """The verdict in words, the findings (worst first), notes on the numbers, and the samples that changed, folded.

    `limit`: the largest size in bytes of UTF-8, which also limits the characters. What does not fit is left out in whole
    rows, from the end, and a sentence says how many. Raises ValueError if the limit is below `LEAST`."""
    if limit < LEAST:
        raise ValueError(f"limit is {limit}, and a gate's verdict needs {LEAST:,} bytes")
    head = [MARKER, f"## {_SIGNS[result.answer]} Gate: {result.answer}", "", *_head(result)]
    table = ["", *_table(_HEADER, _RIGHT)] if result.findings else []
    footing = ["", *_footing(result)]
    page = _Page(limit - _size([*head, "", *table, *footing]))
    found = worst_first(result.findings)
    why = list(_why(found))
    page.lines += [*head, ""] if result.reasons or why else head
    # A different list marker, so that the footing does not continue this list.
    page.rows([f"* {plain_markdown(reason, 500)}" for reason in result.reasons], "reasons")
    page.rows(why, "sentences on what does not pass")
    page.lines += table
    page.rows([_row(_cells(one)) for one in found], "findings, none of them worse,")
    page.lines += footing
    page.rows([f"- {plain_markdown(note, 500)}" for note in result.notes], "notes")
    for summary, rows in _flip_parts(shown_flips(result)):
        if not page.fold(summary, rows):
            page.lines += ["", _left_out("Samples that changed")]
            break
    return "\n".join(page.lines) + "\n"


def _left_out(what: str) -> str:
    return f"{what} are left out here for want of room; gate.json has them all."


class _Page:
    """Collects lines, and rows as long as there is room."""

    def __init__(self, room: int) -> None:
        self.lines: list[str] = []
        self._room = room - _SPARE

    def rows(self, rows: Sequence[str], what: str) -> None:
        """Add as many of the rows as fit, and a sentence on how many do not."""
        for at, row in enumerate(rows):
            if _size([row]) > self._room:
                self.lines += ["", _left_out(f"{len(rows) - at:,} more {what}")]
                return
            self.lines.append(row)
            self._room -= _size([row])

    def fold(self, summary: str, rows: Sequence[str]) -> bool:
        """Add a folded part with as many of the rows as fit. Returns False if none does."""
        head = ["", f"<details><summary>{summary}</summary>", "", *_table(_FLIP_HEADER, frozenset())]
        foot = ["", "</details>"]
        around = _size([*head, *foot, "", _left_out(f"{len(rows):,} more samples")])
        if _size(rows[:1]) + around > self._room:
            return False
        self._room -= around
        self.lines += head
        self.rows(rows, "samples")
        self.lines += foot
        return True


def _head(result: GateResult) -> Iterator[str]:
    baseline, candidate = names(result)
    against = f" against {markdown(baseline, 100)}" if baseline is not None else ""
    yield f"**{plain_markdown(verdict(result))}**"
    yield ""
    yield f"{markdown(candidate, 100)}{against}, under the policy {markdown(result.policy, 100)}."


def _why(found: Sequence[Finding]) -> Iterator[str]:
    """A sentence on each finding that does not pass: in the table it would be wider than a comment."""
    short = [one for one in found if one.answer != "pass"]
    for one in short[:_SENTENCES]:
        of = ", ".join(markdown(name) for name in (one.task, one.metric) if name)
        yield f"* {_SIGNS[one.answer]} {of}: {cell_markdown(one.why, 300)}"
    if (more := len(short) - _SENTENCES) > 0:
        yield f"* {more:,} more do not pass; gate.json says why."


def _loss(result: GateResult) -> str:
    """Explanation of the columns `loss` and `interval`."""
    levels = {
        f"{100 * one.level:.4g} %" for one in result.findings if one.kind == "loss" and one.loss is not None
    }
    interval = f", with its {min(levels)} interval" if len(levels) == 1 else ""
    return f"Loss: how much worse the candidate is, over the samples that both have{interval}; negative where it is better."


def _footing(result: GateResult) -> list[str]:
    lines = [
        _loss(result),
        rates(result),
    ]
    if (ended := looks(result)) is not None:
        lines.append(f"The run {ended}.")
    if (more := lacking(result)) is not None:
        lines.append(more)
    return [f"- {plain_markdown(line)}" for line in lines]


def _cells(finding: Finding) -> list[str]:
    return [
        f"{_SIGNS[finding.answer]} {finding.answer}",
        markdown(finding.task),
        markdown(finding.metric),
        *map(
            cell_markdown,
            (
                words.value(finding.baseline, finding.unit),
                words.value(finding.candidate, finding.unit),
                loss(finding),
                interval(finding),
                margin(finding),
                f"{finding.n:,}",
            ),
        ),
    ]


def _flip_parts(flips: Sequence[Flip]) -> Iterator[tuple[str, list[str]]]:
    """The samples that changed, one part for each metric."""
    groups: dict[tuple[str, str], list[Flip]] = {}
    for flip in flips:
        groups.setdefault((flip.task, flip.metric), []).append(flip)
    for (task, metric), found in groups.items():
        rows = [
            _row(
                [
                    markdown(one.sample, 100),
                    f"{one.first:.4g} → {one.second:.4g}",
                    markdown(one.asked),
                    markdown(one.target),
                    markdown(one.first_answer),
                    markdown(one.second_answer),
                ]
            )
            for one in found
        ]
        yield f"{markdown(task)}, {markdown(metric)}: samples that changed", rows


def _table(header: Sequence[str], right: frozenset[int]) -> list[str]:
    return [_row(header), _row(["---:" if at in right else "---" for at in range(len(header))])]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _size(lines: Sequence[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)
