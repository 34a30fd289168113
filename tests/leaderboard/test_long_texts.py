"""Texts of any length."""

from __future__ import annotations

import json

from lsm_eval.leaderboard.frame.safe import safe_json
from lsm_eval.leaderboard.show import LONGEST, breakable, shown


def test_a_text_is_cut_where_it_is_shown_and_never_in_data() -> None:
    long = "A" * 30_000
    assert json.loads(safe_json([long])) == [long]
    assert len(shown(long)) < LONGEST + 60
    assert "[cut: 5000 of 30000 characters shown]" in shown(long)
    assert len(str(breakable(long))) < LONGEST + 60
