"""A baseline is replaced, and the reason kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from gate_runs import GateRuns, copy
from honest import edit

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


def test_a_record_that_cannot_be_a_baseline(gate_runs: GateRuns, tmp_path: Path) -> None:
    """It is not what it says, a file of it is nowhere, or it would be copied into itself for ever; nothing is left behind."""
    to = tmp_path / "baseline"
    made = copy(gate_runs.baseline, tmp_path)
    with pytest.raises(UserError, match="lies inside the record"):
        accept(find(str(made)), made / "baseline", "why not")
    assert not (made / "baseline").exists()
    (made / "note.txt").symlink_to("nowhere")
    with pytest.raises(UserError, match=r"note.txt cannot be copied \("):
        accept(find(str(made)), to, "why not")
    (made / "note.txt").unlink()
    edit(made / "estimates.json", lambda rows: rows[0].update(value=0.1, low=None, high=None))
    with pytest.raises(UserError, match=r"the record .* is not what it says: .* it says 0.1, and the mean"):
        accept(find(str(made)), to, "why not")
    assert not to.exists() or not list(to.iterdir())
