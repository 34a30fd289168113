"""What there is to be asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import call

import lsm_eval


def test_tasks_are_those_of_the_command_line(small_tasks: Path) -> None:
    rows = json.loads(call("list", "tasks", "--json", "--include", small_tasks).out)
    tasks = lsm_eval.list_tasks(include=[small_tasks])
    assert [(task.name, task.title, list(task.metrics), task.licence) for task in tasks] == [
        (row["task"], row["title"], row["metrics"], row["licence"]) for row in rows
    ]
    assert {"choose", "say", "read"} <= {task.name for task in tasks}
    assert hash(tasks[0])
    with pytest.raises(AttributeError):
        tasks[0].name = "another"  # type: ignore[misc]


def test_of_one_area() -> None:
    areas = {task.area for task in lsm_eval.list_tasks("bias")}
    assert areas == {"bias"}
    with pytest.raises(lsm_eval.UserError, match=r"^unknown area 'bais': did you mean 'bias'\?$"):
        lsm_eval.list_tasks("bais")


def test_suites_are_those_of_the_command_line() -> None:
    rows = json.loads(call("list", "suites", "--json").out)
    suites = {suite.name: suite for suite in lsm_eval.list_suites()}
    assert [*suites] == [row["suite"] for row in rows]
    assert "quickstart_bias" in suites["quickstart"].tasks or any(
        "quickstart" in one for one in suites["quickstart"].tasks
    )
    assert all(isinstance(task, str) for suite in suites.values() for task in suite.tasks)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("task: broken\narea: [")
    with pytest.warns(UserWarning, match="^broken is left out: ") as said:
        tasks = lsm_eval.list_tasks(include=tmp_path)
    assert said[0].filename == __file__
    assert "quickstart_bias" in {task.name for task in tasks}
