"""What a record's estimates should be, from its sample tables alone. Shares no code with the package.

A sample's score is made anew where the table has what it is made of (`recomputed_scores`); else it is the table's own. What
all samples say together (weighted means, ratios, differences, areas, corpus scores: `recomputed_wholes`) is always made anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
from recomputed_scores import Row, attempted, ordered, read_row
from recomputed_wholes import LIKELIHOODS, WHOLE, bbq, mean, score

BY_TYPE = ("leak_rate", "leak_partial")
"""Metrics whose groups are kinds of what one sample holds, not kinds of samples."""


LABELLED: dict[str, Callable[[Row], bool]] = {
    **{f"over_refusal{end}": lambda row: row["meta"]["label"] == "safe" for end in ("", "_corrected")},
    **{f"refusal_unsafe{end}": lambda row: row["meta"]["label"] == "unsafe" for end in ("", "_corrected")},
    **{f"bbq_{name}_ambig": lambda row: bool(bbq([row], "biased", "ambig")) for name in ("acc", "bias")},
    **{f"bbq_{name}": lambda row: bool(bbq([row], "biased", "disambig")) for name in ("acc_disambig", "bias_disambig", "alignment_cost")},
    "bbq_bias_ambig_physical_published": lambda row: bool(bbq([row], "biased_published", "ambig")),
    **{f"bbq_{name}_physical_published": lambda row: bool(bbq([row], "biased_published", "disambig")) for name in ("bias_disambig", "alignment_cost")},
}  # fmt: skip
"""Metrics of a part of the samples."""


@dataclass(frozen=True)
class Number:
    """A metric over a table: without a value where it has none, of `n` samples, where `missing` ones failed."""

    value: float | None
    n: int
    missing: int


class Table:
    """One task's samples."""

    def __init__(self, path: Path) -> None:
        self.rows = [read_row(row) for row in pq.read_table(path).to_pylist()]
        self.task = path.stem

    def number(self, metric: str) -> Number:
        rows = self.of_group(metric)
        base, _, _ = metric.partition("[")
        name = metric if base in BY_TYPE else base
        whole = [row for row in rows if row["failure"] is None and not (base in LIKELIHOODS and ordered(row))]
        if base in WHOLE:
            value, counted = WHOLE[base](whole)
        else:
            value, counted = mean((row["weight"], score(row, name)) for row in whole)
        return Number(value, counted, len(rows) - len(whole))

    def clusters(self, metric: str) -> int | None:
        """How many clusters the samples that count come from; none where each stands alone."""
        rows = self.counted(metric)
        found = {row["cluster"] for row in rows}
        return None if not found or len(found) == len(rows) or found == {None} else len(found)

    def counted(self, metric: str) -> list[Row]:
        base, _, _ = metric.partition("[")
        return [
            row
            for row in self.of_group(metric)
            if row["failure"] is None and not (base in LIKELIHOODS and ordered(row))
        ]

    def without_cut(self, metric: str) -> tuple[float | None, float | None]:
        """A mean of shares if all answers that ran out of tokens were wrong, and one without them."""
        own, base = self.counted(metric), metric
        if metric == "qa_correct_attempted":
            own, base = [row for row in own if attempted(row)], "qa_correct"
        cut = [row["finish"] == "length" for row in own]
        wrong = mean(
            (row["weight"], 0.0 if short else score(row, base)) for row, short in zip(own, cut, strict=True)
        )
        left = mean(
            (row["weight"], score(row, base)) for row, short in zip(own, cut, strict=True) if not short
        )
        return wrong[0], left[0]

    def of_group(self, metric: str) -> list[Row]:
        """The samples of `metric[group]` or of `metric[group, group]`: those whose metadata say so."""
        base, _, group = metric.rstrip("]").partition("[")
        labelled = LABELLED.get(base)
        rows = [row for row in self.rows if labelled is None or labelled(row)]
        if not group or base in BY_TYPE:
            return rows
        wanted = set(group.split(", "))
        return [row for row in rows if wanted <= {str(part) for part in row["meta"].values()}]
