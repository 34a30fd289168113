"""Pairs whose clusters the two runs do not agree on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from compared_runs import Runs

from lsm_eval.comparison.find import find
from lsm_eval.comparison.pairs import match, merge_clusters
from lsm_eval.comparison.tables import read


@pytest.mark.parametrize(
    ("first", "second", "groups"),
    [
        ("abcd", "....", [[0], [1], [2], [3]]),
        ("....", "aabb", [[0, 1], [2, 3]]),
        ("aabb", "xyyz", [[0, 1, 2, 3]]),
        ("aabb", "zzyy", [[0, 1], [2, 3]]),
        ("aab.b", "..x.x", [[0, 1], [2, 4], [3]]),
        ("abc", "bca", [[0], [1], [2]]),
        ("", "", []),
    ],
)
def test_what_hangs_together_in_either_run(first: str, second: str, groups: list[list[int]]) -> None:
    named = [[None if name == "." else name for name in names] for names in (first, second)]
    for one, other in (named, named[::-1]):
        found: dict[str | int, list[int]] = {}
        for at, name in enumerate(merge_clusters(one, other)):
            found.setdefault(at if name is None else name, []).append(at)
        assert list(found.values()) == groups


def test_a_run_that_knows_no_clusters_hides_none(runs: Runs, tmp_path: Path) -> None:
    """A task file that got its clusters later asks the same, so that the runs are compared."""
    table = read(find(str(runs.first)), "choose")
    with_clusters = table.columns.to_pandas().assign(cluster=[f"c{at // 4}" for at in range(24)])
    import pyarrow as pa

    other = type(table)(
        table.record, "choose", table.ids, table.asked, list(with_clusters["cluster"]), table.failed,
        pa.Table.from_pandas(pd.DataFrame(with_clusters)),
    )  # fmt: skip
    for one, two in ((table, other), (other, table), (other, other)):
        assert np.bincount(match(one, two).groups).tolist() == [4] * 6
    assert match(table, table).clusters == [None] * 24
