"""A comparison as Markdown, for a step summary or a comment. Text from models cannot make markup."""

from __future__ import annotations

from collections.abc import Sequence

from lsm_eval.comparison.flips import Flip
from lsm_eval.comparison.result import Comparison
from lsm_eval.comparison.shown import words
from lsm_eval.comparison.shown.escape import cell_markdown, markdown, plain_markdown
from lsm_eval.comparison.shown.text import HEADER, RIGHT, by_candidate, cells


def to_markdown(comparison: Comparison) -> str:
    """The comparison as Markdown."""
    baseline, _ = words.names(comparison)
    lines = []
    for name, rows in by_candidate(comparison):
        lines += [f"### {cell_markdown(name)} against {cell_markdown(baseline)}", ""]
        lines += table(HEADER, [[cell_markdown(cell) for cell in cells(row)] for row in rows], RIGHT)
        lines.append("")
    lines += [f"- {plain_markdown(line)}" for line in words.footing(comparison)]
    if comparison.flips:
        lines += ["", *flips(comparison.flips, words.names(comparison)[1])]
    return "\n".join(lines) + "\n"


def table(header: Sequence[str], rows: list[list[str]], right: frozenset[int]) -> list[str]:
    """A table of cells that are already escaped."""
    marks = ["---:" if at in right else "---" for at in range(len(header))]
    return [f"| {' | '.join(line)} |" for line in (list(header), marks, *rows)]


def flips(found: Sequence[Flip], names: Sequence[str]) -> list[str]:
    """Changed samples, folded away. `names`: the candidates' names."""
    lines = ["<details><summary>Samples that changed</summary>", ""]
    header = ("task", "metric", "sample", "score", "asked", "right", "baseline", "candidate")
    several = len(names) > 1
    made = []
    for flip in found:
        shown = flip.hidden() if flip.sensitive else flip
        made.append(
            [
                *([cell_markdown(names[shown.candidate])] if several else []),
                cell_markdown(shown.task),
                cell_markdown(shown.metric),
                markdown(shown.sample),
                f"{shown.first:.4g} → {shown.second:.4g}",
                markdown(shown.asked),
                markdown(shown.target),
                markdown(shown.first_answer),
                markdown(shown.second_answer),
            ]
        )
    return [*lines, *table(("of", *header) if several else header, made, frozenset()), "", "</details>"]
