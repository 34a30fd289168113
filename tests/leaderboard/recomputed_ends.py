"""The interval of each of a table's metrics, made anew where `recomputed_intervals` has its method. Shares no code with the package."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from recomputed import BY_TYPE, Table
from recomputed_intervals import (
    Ends,
    Part,
    Sample,
    alikeness,
    box,
    exact_of_hits,
    newcombe,
    t_of_numbers,
    t_of_positive,
    wilson_of_hits,
    wilson_of_means,
)
from recomputed_scores import Row, attempted, shares, yes, yes_over_no
from recomputed_wholes import WHOLE, biased, score, terms_of

WIDE = {"qa_score": (-1, 1), "bbq_bias_disambig": (-1, 1), "bbq_bias_disambig_physical_published": (-1, 1)}
"""Metrics that keep to another range than 0 to 1, or to 100."""


def ends_of(table: Table, said: Mapping[str, Any], part: Callable[[str], Part | None]) -> Ends | None:
    """Made anew, or none where this cannot; `part` has another metric of the same table."""
    metric, method = said["metric"], said["method"]
    base, bracket, group = metric.partition("[")
    if method.startswith("box"):
        lms, ss = (part(f"stereoset_{name}{bracket}{group}") for name in ("lms", "ss"))
        return box(lms[1], ss[1]) if lms and ss else None
    if method.startswith("newcombe"):
        one, other = (
            [_with_weight(row, at, *of) for at, row, of in side] for side in _sides(table, metric, base)
        )
        ends = [(_mean(side), wilson_of_means(side)) for side in (one, other)]
        return newcombe(ends[0], ends[1], alikeness(one, other))
    if method == "t":
        return t_of_numbers([score(row, metric) or 0.0 for row in table.counted(metric)])
    if method == "t(log ratio)" and base == "target_perplexity":
        low, high = t_of_positive([-row["logprobs"][0] for row in table.counted(metric)])
        return math.exp(low), math.exp(high)
    least, most = WIDE.get(base, (0, 100 if said["unit"] == "points" else 1))
    if method.endswith(", terms)"):
        samples = _terms(table, metric, base)
    else:
        samples = _samples(table, metric, base, (least, most))
    if not samples:
        return None
    if method in ("wilson", "clopper-pearson"):
        # Of a ratio the samples that count, each of which counts as one.
        values = [value for value, weight, _ in samples if weight]
        low, high = (wilson_of_hits if method == "wilson" else exact_of_hits)(values)
    elif method.startswith("wilson(effective"):
        low, high = wilson_of_means(samples)
    else:
        return None
    return least + low * (most - least), least + high * (most - least)


def _with_weight(row: Row, at: int, value: float, weight: float) -> Sample:
    return value, row["weight"] * weight, at if row["cluster"] is None else row["cluster"]


def _mean(samples: list[Sample]) -> float:
    return sum(value * weight for value, weight, _ in samples) / sum(weight for _, weight, _ in samples)


Side = list[tuple[int, Row, tuple[float, float]]]
"""Samples of one of the two means of a difference: place, row, and value and weight."""


def _sides(table: Table, metric: str, base: str) -> tuple[Side, Side]:
    """The two means that a difference is of."""
    rows = list(enumerate(table.counted(metric)))
    labels = "biased_published" if base.endswith("_published") else "biased"
    if base == "injection_effect":
        one, other = (
            [(at, row, (row[f"score.{name}"], 1.0)) for at, row in rows]
            for name in ("injection_success", "injection_control")
        )
        return one, other
    if base.startswith("bbq_bias_ambig"):
        ratio = _biased_of_known(labels)
        found = [(at, row, ratio(row)) for at, row in rows]
        return (
            [(at, row, (part, 1.0)) for at, row, (part, _) in found],
            [(at, row, (whole - part, 1.0)) for at, row, (part, whole) in found],
        )
    if base == "gap":
        first = [row["meta"]["condition"] == "pro" for _, row in rows]
    else:
        first = [int(row["target"][0]) not in biased(row, labels) for _, row in rows]
    sides = [
        [
            (at, row, (score(row, "acc") or 0.0, 1.0))
            for (at, row), one in zip(rows, first, strict=True)
            if one is of
        ]
        for of in (True, False)
    ]
    return sides[0], sides[1]


def _samples(table: Table, metric: str, base: str, span: tuple[float, float]) -> list[Sample]:
    """Values from 0 to 1; nothing of a metric that is neither a mean nor a ratio."""
    least, most = span
    found: list[Sample] = []
    for at, row in enumerate(table.counted(metric)):
        cluster = at if row["cluster"] is None else row["cluster"]
        value, weight = _value(row, metric, base)
        if value is not None:
            inside = value if base in RATIOS else (value - least) / (most - least)
            found.append((inside, row["weight"] * weight, cluster))
    return found


def _value(row: Row, metric: str, base: str) -> tuple[float | None, float]:
    """The sample's value, and how much of it counts."""
    if base in RATIOS:
        part, whole = RATIOS[base](row)
        return (part / whole if whole else 0.0), whole
    if base in WHOLE:
        return None, 0.0
    return score(row, metric if base in BY_TYPE else base), 1.0


def _biased_of_known(labels: str) -> Callable[[Row], tuple[float, float]]:
    def ratio(row: Row) -> tuple[float, float]:
        parts = shares(row["logprobs"])
        return sum(parts[at] for at in biased(row, labels)), 1 - parts[row["meta"]["unknown"]]

    return ratio


def _made_up_of_yes(row: Row) -> tuple[float, float]:
    said = [(yes(gap), made) for gap, made in yes_over_no(row)]
    return sum(one for one, made in said if made), sum(one for one, _ in said)


def _right_of_attempted(row: Row) -> tuple[float, float]:
    return row["score.qa_correct"], float(attempted(row))


RATIOS: dict[str, Callable[[Row], tuple[float, float]]] = {
    "bbq_bias_disambig": _biased_of_known("biased"),
    "bbq_bias_disambig_physical_published": _biased_of_known("biased_published"),
    "halueval_precision": _made_up_of_yes,
    "qa_correct_attempted": _right_of_attempted,
}
"""Metrics that are a part of a whole which is not one a sample: the sample's part, and its whole."""


def _terms(table: Table, metric: str, base: str) -> list[Sample]:
    """StereoSet's terms, each a sample that stands alone."""
    place = ("stereoset_lms", "stereoset_ss").index(base)
    return [(pair[place] / 100, 1.0, at) for at, pair in enumerate(terms_of(table.counted(metric)))]
