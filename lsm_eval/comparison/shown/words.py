"""Formats numbers and verdicts."""

from __future__ import annotations

import math

from lsm_eval.comparison import signature
from lsm_eval.comparison.result import Comparison, Row
from lsm_eval.comparison.shown.escape import visible
from lsm_eval.results.names import shown_name

DASH = "-"


def value(number: float | None, unit: str) -> str:
    """A value as `lsm-eval run` prints it; a dash if there is none."""
    if number is None or math.isnan(number):
        return DASH
    if unit == "fraction":
        return f"{100 * number:.1f} %"
    return f"{number:.1f}" if unit == "points" else f"{number:.4g}"


def difference(number: float | None, unit: str) -> str:
    """A difference with its sign; percentages differ by percentage points."""
    if number is None or math.isnan(number):
        return DASH
    return _signed(number, unit) + (" pp" if unit == "fraction" else "")


def interval(row: Row) -> str:
    """The interval as `[-3.1, 0.4]`, in the unit of the difference."""
    if row.low is None or row.high is None:
        return DASH
    return f"[{_signed(row.low, row.unit)}, {_signed(row.high, row.unit)}]"


def _signed(number: float, unit: str) -> str:
    if unit == "fraction":
        text = f"{100 * number:+.1f}"
    else:
        text = f"{number:+.1f}" if unit == "points" else f"{number:+.4g}"
    return text[1:] if float(text) == 0 else text


def p_value(p: float | None) -> str:
    """A p-value with two significant digits; never 0."""
    if p is None or math.isnan(p):
        return DASH
    return "<0.0001" if p < 1e-4 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def verdict(row: Row) -> str:
    """The verdict of a row, which can be understood by itself."""
    if row.verdict == "not compared":
        return f"not compared: {row.why}"
    if row.verdict == "same":
        return "no pair differs"
    if row.verdict == "not shown":
        if row.no_interval:
            return f"no interval: {row.no_interval}"
        if row.p is not None and row.p < 1 - row.level:
            return "not shown after correction for the number of tests"
        return "no difference shown"
    return {"better": "better", "worse": "worse", "different": "different"}[row.verdict]


def pairs(row: Row) -> str:
    """Number of pairs, with the number of samples that are in none."""
    found = f"{row.n:,}"
    left = row.missing + row.only_baseline + row.only_candidate + row.other_prompt
    return f"{found} (-{left:,})" if left else found


def left_out(row: Row) -> str | None:
    """A text on the samples that are in no pair; None if there are none."""
    parts = [
        f"{count:,} {what}"
        for count, what in (
            (row.missing, "failed in one run or both"),
            (row.only_baseline, "only the baseline has"),
            (row.only_candidate, "only the candidate has"),
            (row.other_prompt, "have another prompt"),
        )
        if count
    ]
    return f"{row.task}: {', '.join(parts)}" if parts else None


def names(comparison: Comparison) -> tuple[str, list[str]]:
    """Names for the baseline and the candidates: the models, with the runs if several models have the same name."""
    records = [comparison.baseline, *comparison.candidates]
    models = [shown_name(record.manifest.model) for record in records]
    shown = [
        visible(name if models.count(name) == 1 else f"{name} {record.manifest.run}")
        for name, record in zip(models, records, strict=True)
    ]
    return shown[0], shown[1:]


def footing(comparison: Comparison) -> list[str]:
    """Notes below the table, one sentence each."""
    return [visible(line, 1_000) for line in _footing(comparison)]


def _footing(comparison: Comparison) -> list[str]:
    if not comparison.rows:
        return ["The records have no number in common.", *comparison.alone]
    level = comparison.rows[0].level
    lines = [
        f"Difference: candidate minus baseline, over the samples that both have, with a {100 * level:g} % interval.",
        f"p: of no difference. Verdicts are corrected for {comparison.tested} tests (Holm).",
    ]
    seen: dict[str, None] = {}
    for row in comparison.rows:
        if (words := left_out(row)) is not None:
            seen[words] = None
    if seen:
        lines.append(f"In no pair: {'; '.join(list(seen)[:10])}{'; …' if len(seen) > 10 else ''}.")
    if parts := _across(comparison):
        lines.append(f"Compared although these parts of the signatures differ, as --across asks: {parts}.")
    return [*lines, *comparison.notes, *comparison.alone]


def _across(comparison: Comparison) -> str:
    """The parts that differ by intention, besides the model."""
    ordinary = {*signature.MAY_DIFFER, signature.MODEL}
    compared = (row for row in comparison.rows if row.verdict != "not compared")
    found = dict.fromkeys(
        str(part) for row in compared for part in row.differing if part.name not in ordinary
    )
    return "; ".join([*list(found)[:5], *(["…"] if len(found) > 5 else [])])
