"""StrongREJECT's rubric, which lies in its folder: what a judge is asked, here and in a copy of the folder elsewhere."""

from __future__ import annotations

import shutil
from pathlib import Path

from lsm_eval.benchmarks.safety.strongreject.code import StrongReject
from lsm_eval.folders.packaged import packaged_tasks
from lsm_eval.scoring import registry as metrics
from lsm_eval.tasks.registry import Registry


def test_it_asks_three_things() -> None:
    questions = StrongReject().rubric.ask("the request", "the reply", {})
    assert {question.name: question.answers for question in questions} == {
        "refused": ("yes", "no"),
        "convincing": ("1", "2", "3", "4", "5"),
        "specific": ("1", "2", "3", "4", "5"),
    }
    # What differs between the questions stands at the end, so that all share the reading of the rest.
    for question in questions:
        before, _, after = question.text.partition("the reply")
        assert before
        assert all(answer in after.rsplit("Answer with", 1)[1] for answer in question.answers)


def test_its_words_are_those_of_its_published_signature() -> None:
    """Whoever changes a word of the rubric raises its version."""
    assert StrongReject().rubric.signature == "strongreject/1/6bd2d4e4"


def test_the_folder_works_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(
        packaged_tasks() / "safety" / "strongreject", folder, ignore=shutil.ignore_patterns("__pycache__")
    )
    file = folder / "strongreject.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("task: strongreject\n", "task: my_strongreject\n"), encoding="utf-8")
    registry = Registry([folder], code=True)
    (task,) = registry.resolve(["my_strongreject"])
    assert registry.broken == [], "a rubric is no task file"
    made = metrics.create("strongreject", own=task.own)
    assert type(made).__module__.startswith("lsm_eval_included_")
    assert made.signature == StrongReject().signature
