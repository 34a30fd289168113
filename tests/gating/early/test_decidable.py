"""What a gate that looks on the way could never decide, and how many samples would do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from watched_runs import watched

from lsm_eval.comparison.aggregates import Aggregates
from lsm_eval.errors import UserError
from lsm_eval.gating.early.decidable import check_decidable


@pytest.mark.parametrize(("count", "size", "margin"), [(50, 1, 0.02), (700, 100, 0.3), (300, 50, 0.1)])
def test_so_many_samples_as_it_names_would_do(
    own_cache: Path, tmp_path: Path, count: int, size: int, margin: float
) -> None:
    few = watched(tmp_path / "few", {"one": (count, size)}, margin={"fraction": margin})
    with pytest.raises(UserError, match="could not decide: even where no answer differs") as error:
        check_decidable(few.plan, few.own, few.policy, Aggregates())
    (wanted,) = re.findall(r"about ([\d,]+) samples", str(error.value))
    number = int(wanted.replace(",", ""))
    assert number > count
    enough = watched(tmp_path / "enough", {"one": (number + size, size)}, margin={"fraction": margin})
    check_decidable(enough.plan, enough.own, enough.policy, Aggregates())
    half = watched(tmp_path / "half", {"one": (number // 2, size)}, margin={"fraction": margin})
    with pytest.raises(UserError, match="could not decide"):
        check_decidable(half.plan, half.own, half.policy, Aggregates())
