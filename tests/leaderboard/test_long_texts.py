"""Texts of any length."""

from __future__ import annotations

import json

from lsm_eval.leaderboard.frame.safe import in_parts, safe_json
from lsm_eval.leaderboard.show import LONGEST, breakable, shown


def test_a_text_of_a_record_is_cut_and_a_long_one_of_ours_goes_in_parts() -> None:
    long = "A" * 30_000
    assert "".join(json.loads(safe_json(in_parts(long)))) == long
    assert len(json.loads(safe_json(long))) < 21_000, "what a record says makes no page endless"
    assert len(shown(long)) < LONGEST + 60
    assert "[cut: 5000 of 30000 characters shown]" in shown(long)
    assert len(str(breakable(long))) < LONGEST + 60
