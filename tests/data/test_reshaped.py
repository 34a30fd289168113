"""Rows of the hub in another shape, and further prompts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lsm_eval.data import DataOptions, Table, load
from lsm_eval.data.schema import Dataset
from lsm_eval.errors import UserError
from lsm_eval.tasks.registry import Registry, load_task
from lsm_eval.tasks.schema import Task


def test_a_hub_set_can_be_reshaped(hub_mirror: Path) -> None:
    columns = ["domain", "name", "category", "prompts"]
    given: dict[str, Any] = {
        "hub": "AmazonScience/bold",
        "config": "default",
        "split": "train",
        "columns": columns,
    }

    def read(**more: Any) -> Table:
        options = DataOptions(mirror=hub_mirror, offline=True)
        return load(Dataset(**{**given, **more}), base=Path(), options=options, pinned=None)

    plain, made = read(), read(reshape="lsm_eval.benchmarks.bias.bold.rows:rows", id_column="id")
    assert (len(plain.rows), len(made.rows)) == (7201, 23679)
    assert set(made.rows[0]) == {"id", "domain", "group", "name", "prompt"}
    assert made.ids[0] == made.rows[0]["id"]
    assert plain.sha256 != made.sha256
    with pytest.raises(UserError, match="no column 'number'"):
        read(reshape="lsm_eval.benchmarks.bias.bold.rows:rows", id_column="number")
    with pytest.raises(UserError, match=r"cannot be called with a list of rows and `dataset.arguments`"):
        read(reshape="lsm_eval.benchmarks.bias.bold.rows:rows", arguments={"first": 3})
    with pytest.raises(UserError, match="has no function 'nothing'"):
        read(reshape="lsm_eval.benchmarks.bias.bold.rows:nothing")
    with pytest.raises(ValueError, match="reshape goes with hub"):
        Dataset(file="rows.jsonl", columns=("a",), reshape="lsm_eval.benchmarks.bias.bold.rows:rows")


def test_further_prompts_with_choices_of_their_own_go_with_scores() -> None:
    task = load_task(Registry().tasks["bold"]).task
    with pytest.raises(ValueError, match="go with request: score"):
        Task(**{**task.model_dump(), "further": "{{ [] }}"})
