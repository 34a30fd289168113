"""A baseline is replaced, and the reason kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from gate_runs import GateRuns

from lsm_eval.comparison.find import find
from lsm_eval.errors import UserError
from lsm_eval.gating.accept import ACCEPTED, accept


def test_one_record_and_all_reasons(gate_runs: GateRuns, tmp_path: Path) -> None:
    to = tmp_path / "baseline"
    first, second = find(str(gate_runs.baseline)), find(str(gate_runs.candidate))
    made = accept(first, to, "the start\nof it, token=abcdef")
    assert made.replaced is None
    assert find(str(to)).manifest == first.manifest
    made = accept(second, to, "better answers")
    assert made.replaced == first.manifest.run
    assert find(str(to)).manifest == second.manifest
    assert sorted(path.name for path in to.iterdir()) == sorted([second.manifest.run, ACCEPTED])
    assert (made.folder / "samples" / "same.parquet").read_bytes() == second.sample_file("same").read_bytes()
    lines = [json.loads(line) for line in (to / ACCEPTED).read_text().splitlines()]
    assert [line["why"] for line in lines] == ["the start of it, token=***", "better answers"]
    assert [line["replaced"] for line in lines] == [None, first.manifest.run]


def test_what_is_refused(gate_runs: GateRuns, tmp_path: Path) -> None:
    record = find(str(gate_runs.baseline))
    with pytest.raises(UserError, match="--why is empty"):
        accept(record, tmp_path / "a", " \n")
    accept(record, tmp_path / "a", "once")
    with pytest.raises(UserError, match="is the baseline already"):
        accept(record, tmp_path / "a", "twice")
    with pytest.raises(UserError, match="not accepted there"):
        accept(record, gate_runs.baseline.parent.parent, "into the reports")
    assert find(str(gate_runs.baseline)).manifest == record.manifest
