"""Agreement of raters: a textbook case, and XSTest's published agreement by model."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import pytest

from lsm_eval.statistics.raters import agreement_share, fleiss_kappa

# Fourteen raters, five classes: the example that textbooks give for Fleiss' kappa, .210.
COUNTS = (
    (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
)  # fmt: skip


def test_a_known_example() -> None:
    ratings = [[label for label, count in enumerate(row) for _ in range(count)] for row in COUNTS]
    assert fleiss_kappa(ratings) == pytest.approx(0.2099, abs=1e-4)
    assert agreement_share(ratings) == 0.1


def test_edges() -> None:
    assert fleiss_kappa([["a", "a"], ["b", "b"]]) == 1
    assert fleiss_kappa([["a", "b"], ["b", "a"]]) == -1
    assert math.isnan(fleiss_kappa([["a", "a"], ["a", "a"]]))
    assert math.isnan(agreement_share([]))
    for wrong in ([["a"]], [["a", "b"], ["a", "b", "c"]], []):
        with pytest.raises(ValueError, match="raters"):
            fleiss_kappa(wrong)


def test_xstests_published_agreement_by_model(golden: Path) -> None:
    folder = golden / "xstest_completions"
    with gzip.open(folder / "completions.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    entries = [
        e for e in json.loads((folder / "expected.json").read_text())["expected"] if e["prompts"] == "all"
    ]
    assert len(entries) == 10
    for entry in entries:
        ratings = [(r["annotation_1"], r["annotation_2"]) for r in rows if r["model"] == entry["model"]]
        found = fleiss_kappa(ratings) if entry["metric"] == "fleiss_kappa" else 100 * agreement_share(ratings)
        assert found == pytest.approx(entry["value"], abs=entry["tolerance"]), entry
