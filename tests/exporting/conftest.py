"""Records to export: of every kind of request, with missing samples, and such as came from another tool."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from command_line import QUESTIONS, Runner, write_task, write_tasks


@pytest.fixture(autouse=True)
def _quiet_machine(own_cache: Path, one_thread: None) -> None:
    """Every test has its own cache and one thread."""


@pytest.fixture(scope="session")
def made_once(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record of `choose`, `say`, `read` and `harm`, of a tiny Llama that has a say in none of the numbers' forms."""
    folder = tmp_path_factory.mktemp("exported")
    tasks = write_tasks(folder / "tasks")
    write_task(
        tasks,
        "harm",
        [{**row, "question": f"unmentionable {row['question']}"} for row in QUESTIONS[:5]],
        request="generate",
        prompt="{{ question }}?",
        target="{{ choices[answer] }}",
        cluster="{{ question }}",
        metadata={"own": "{{ question }}"},
        max_tokens=4,
        area="safety",
        sensitive=True,
        metrics=["exact_match"],
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSM_EVAL_CACHE", str(folder / "cache"))
        done = Runner(tiny_llama, tasks, folder / "reports")(
            "--chat", "off", tasks="choose,say,read,harm", include=tasks
        )
    assert done.code == 0, done.err
    return done.record


@pytest.fixture
def record(made_once: Path, tmp_path: Path) -> Path:
    """A copy, to be changed: under `reports/MODEL/RUN`."""
    place = tmp_path / "reports" / made_once.parent.name / made_once.name
    shutil.copytree(made_once, place)
    return place
