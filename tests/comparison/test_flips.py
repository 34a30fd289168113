"""Samples that changed: losses first, whichever direction is better, and nothing shown that is to be hidden."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from compared_runs import Runs

from lsm_eval.comparison.find import find
from lsm_eval.comparison.flips import LONGEST, Flip, flips
from lsm_eval.comparison.pairs import Pairs, match
from lsm_eval.comparison.tables import Table, read


def table(runs: Runs, task: str, **columns: list[Any]) -> Table:
    found = read(find(str(runs.first)), task)
    made = found.columns
    for name, values in columns.items():
        at = made.column_names.index(name)
        made = made.set_column(at, name, pa.array(values, made.schema.field(name).type))
    return replace(found, columns=made)


def of_first(pairs: Pairs, changes: list[float], *, higher: bool | None = True, most: int = 9) -> list[Flip]:
    second = np.zeros(24)
    second[: len(changes)] = changes
    return flips(0, pairs, "acc", np.zeros(24), second, most, higher_is_better=higher)


@pytest.mark.parametrize(
    ("higher", "most", "samples"),
    [
        (True, 9, ["1", "3", "0", "2", "4"]),
        (None, 9, ["1", "3", "0", "2", "4"]),
        (False, 9, ["0", "2", "4", "1", "3"]),
        (True, 2, ["1", "0"]),
        (False, 2, ["0", "1"]),
        (False, 4, ["0", "2", "1", "3"]),
        (True, 0, []),
    ],
)
def test_losses_come_first(runs: Runs, higher: bool | None, most: int, samples: list[str]) -> None:
    one = table(runs, "choose")
    found = of_first(match(one, one), [1.0, -1.0, 1.0, -1.0, 1.0], higher=higher, most=most)
    assert [flip.sample for flip in found] == [one.ids[int(at)] for at in samples]
    assert of_first(match(one, one), [np.nan], higher=higher) == []


def test_what_either_run_calls_sensitive_is(runs: Runs) -> None:
    """A task file that was marked later hides the answers of the runs before, too."""
    one = table(runs, "say")
    marked = [row.model_copy(update={"sensitive": True}) for row in one.record.manifest.tasks]
    manifest = one.record.manifest.model_copy(update={"tasks": marked})
    other = replace(one, record=replace(one.record, manifest=manifest))
    assert not of_first(match(one, one), [1.0])[0].sensitive
    for pair in ((one, other), (other, one)):
        assert of_first(match(*pair), [1.0])[0].sensitive


def test_odd_lists_are_no_fault(runs: Runs) -> None:
    one = table(runs, "choose", logprobs=[[None, -1.0, None]] + [[]] * 23, target=[[None, "0"]] * 24)
    found = of_first(match(one, one), [1.0, -1.0])
    assert [flip.first_answer for flip in found] == ["", "log-probability -1"]
    first = one.columns["choices"].to_pylist()[1][0]
    assert found[0].target == first


def test_a_very_long_answer_is_cut(runs: Runs) -> None:
    long = "é" * 1_000_000
    one = table(runs, "say", completion=[long] * 24)
    (found,) = of_first(match(one, one), [1.0])
    assert found.first_answer == f"{long[:LONGEST]} … (1,000,000 characters)"
