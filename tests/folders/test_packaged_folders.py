"""The folders of benchmarks that come with lsm-eval: code of ours, under one name in a checkout and in a wheel."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lsm_eval.errors import CodeRefused
from lsm_eval.folders.declared import declared
from lsm_eval.folders.own_code import packaged_metrics
from lsm_eval.folders.packaged import module_name, packaged_tasks
from lsm_eval.scoring import registry as metrics
from lsm_eval.tasks.registry import LoadedTask, Registry, load_task
from lsm_eval.tasks.templates import Templates


def loaded(folder: Path, *, code: bool = True, name: str) -> LoadedTask:
    (task,) = Registry([folder], code=code).resolve([name])
    return task


@cache
def options_in_use() -> dict[str, dict[str, Any]]:
    """By metric, options with which some task of ours makes it, without groups and a name of its own."""
    specs = [spec for file in Registry().tasks.values() for spec in load_task(file).task.metrics]
    return {
        name: {key: value for key, value in options.items() if key not in ("by", "name")}
        for name, options in map(metrics.parse, specs)
    }


def test_what_comes_with_us_is_code_of_ours() -> None:
    found = load_task(Registry().tasks["bbq_generated"])
    assert found.own is not None
    assert found.code is None
    by_path = Registry().resolve([str(found.path)])[0]
    assert (by_path.own is None, by_path.code) == (False, None), "a file of ours needs nobody's word"
    assert load_task(Registry().tasks["arc_easy"]).own is None


def test_packaged_metrics_are_of_one_folder_each_and_can_be_sent_to_another_process() -> None:
    files = sorted(packaged_tasks().glob("*/*/code.py"))
    named = [name for file in files for name in declared(file).metrics]
    assert len(named) == len(set(named)) == len(packaged_metrics())
    assert set(named) <= set(metrics.BUILT_IN)
    options = options_in_use()
    for name in named:
        made = metrics.create({name: options[name]} if name in options else name)
        if not options.get(name):  # options may hold templates of a task, which are compiled and go nowhere
            made = pickle.loads(pickle.dumps(made))
        assert made.name == name
        folder = metrics.BUILT_IN[name].factory.partition(":")[0].removesuffix(".code")
        assert type(made).__module__.rpartition(".")[0] == folder
    again = subprocess.run(
        [sys.executable, "-c", "import pickle, sys; print(pickle.load(sys.stdin.buffer).signature)"],
        input=pickle.dumps(metrics.create("bbq_bias_ambig")),
        capture_output=True,
        check=True,
        cwd=packaged_tasks().parent,
    )
    assert again.stdout.decode().strip() == "bbq_bias_ambig"


def test_the_code_of_a_folder_shadows_no_module_of_pythons() -> None:
    metrics.create("bbq_bias_ambig")
    import code

    assert hasattr(code, "InteractiveConsole")
    assert module_name(packaged_tasks() / "bias" / "bbq" / "code.py") == "lsm_eval.benchmarks.bias.bbq.code"
    assert module_name(Path(__file__)) is None


def test_a_folder_of_ours_works_outside(tmp_path: Path) -> None:
    """Copied, with tasks of other names: the same metrics, by the copy's own code."""
    folder = tmp_path / "mine"
    shutil.copytree(packaged_tasks() / "bias" / "bbq", folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in folder.glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(f"task: {file.stem}\n", f"task: my_{file.stem}\n", 1), encoding="utf-8")
    with pytest.raises(CodeRefused, match="bbq"):
        loaded(folder, code=False, name="my_bbq")
    mine, ours = loaded(folder, name="my_bbq"), load_task(Registry().tasks["bbq"])
    assert mine.code
    for spec in ours.task.metrics:
        one, two = (metrics.create(spec, own=task.own) for task in (mine, ours))
        assert one.signature == two.signature
    assert type(metrics.create("bbq_bias_ambig", own=mine.own)).__module__.startswith("lsm_eval_included_")
    row = {
        "ans0": "a", "ans1": "b", "ans2": "Unknown", "label": 2, "question_polarity": "neg", "category": "Age",
        "answer_info": {"ans0": ["a", "old"], "ans1": ["b", "nonOld"], "ans2": ["Unknown", "unknown"]},
        "additional_metadata": {"stereotyped_groups": ["old"]},
    }  # fmt: skip
    said = [Templates(task).value("m", task.task.metadata["biased"])(row) for task in (mine, ours)]
    assert said == [0, 0]


def test_a_link_to_a_file_of_ours_lends_its_neighbours_no_trust(tmp_path: Path) -> None:
    ours = packaged_tasks() / "bias" / "bbq"
    (tmp_path / "bbq.yaml").symlink_to(ours / "bbq.yaml")
    mark = tmp_path / "ran"
    (tmp_path / "code.py").write_text(f'FUNCTIONS = ("bbq_metadata",)\nopen({str(mark)!r}, "w").close()\n')
    with pytest.raises(CodeRefused, match="the function bbq_metadata is code of its folder"):
        Registry().resolve([str(tmp_path / "bbq.yaml")])
    assert not mark.exists()
    # A folder that is one of ours by another path is ours.
    (tmp_path / "linked").symlink_to(ours, target_is_directory=True)
    (task,) = Registry().resolve([str(tmp_path / "linked" / "bbq.yaml")])
    assert (task.own is None, task.code) == (False, None)
