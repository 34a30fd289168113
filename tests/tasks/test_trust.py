"""Names and code of task files from elsewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from lsm_eval import plugins
from lsm_eval.data import DataOptions, load
from lsm_eval.data.schema import Dataset
from lsm_eval.errors import UserError
from lsm_eval.runner.check_tasks import check_tables
from lsm_eval.tasks import trust
from lsm_eval.tasks.registry import LoadedTask, Registry, load_task
from lsm_eval.tasks.schema import Suite, Task

BASE: dict[str, Any] = {
    "task": "sums", "version": 1, "title": "Sums", "area": "accuracy", "licence": "CC0-1.0", "source": "here",
    "dataset": {"file": "t.jsonl", "columns": ["q", "a"]}, "request": "generate", "prompt": "{{ q }}",
    "target": "{{ a }}", "metrics": ["exact_match"],
}  # fmt: skip


def write(folder: Path, name: str = "sums.yaml", **changes: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps({**BASE, **changes}), encoding="utf-8")
    return path


def included(folder: Path, code: bool = False) -> LoadedTask:
    (task,) = Registry([folder], code=code).resolve(["sums"])
    return task


def refusal(folder: Path, code: bool = False, **changes: Any) -> str:
    write(folder, **changes)
    with pytest.raises(UserError) as caught:
        included(folder, code)
    return str(caught.value)


@pytest.mark.parametrize("reference", ["os:system", "lsm_eval.cli:main", "lsm_eval.benchmarks:os", "x:y", "a", ":b",
                                       "lsm_eval.benchmarks.bias.bold.rows:_turn", "lsm_eval.benchmarks.bias.bold.rows:hashlib", "lsm_eval.templates.functions:hashlib", "lsm_eval.benchmarks.bias.bold.x y:z"])  # fmt: skip
def test_an_included_file_names_no_function_of_its_choice(tmp_path: Path, reference: str) -> None:
    dataset = {"python": reference, "columns": ["q"]}
    assert "which an included file may not run" in refusal(tmp_path, dataset=dataset)
    assert "which an included file may not run" in refusal(tmp_path, code=True, dataset=dataset)


@pytest.mark.parametrize(
    "reference",
    ["lsm_eval.benchmarks.privacy.pii_leak.people:records", "lsm_eval.benchmarks.bias.bold.rows:rows"],
)
def test_functions_that_are_there_for_it_may_be_named(tmp_path: Path, reference: str) -> None:
    write(tmp_path, dataset={"python": reference, "columns": ["q"]})
    assert included(tmp_path).code is None


def test_a_registered_function_may_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    points = [EntryPoint("mine", "json:loads", trust.GROUP)]
    monkeypatch.setattr(plugins, "points", lambda group: points if group == trust.GROUP else ())
    write(tmp_path, dataset={"python": "json:loads", "columns": ["q"]})
    assert included(tmp_path).code is None


def test_code_beside_the_file_runs_with_the_users_word_and_is_hashed(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    code = f"open({str(mark)!r}, 'w').close()\ndef rows(n): return [{{'q': str(i), 'a': str(i)}} for i in range(n)]\n"
    (tmp_path / "rows.py").write_text(code)
    dataset = {"python": "rows.py:rows", "arguments": {"n": 2}, "columns": ["q", "a"]}
    assert "add --include-code if you trust it" in refusal(tmp_path, dataset=dataset)
    task = included(tmp_path, code=True)
    assert not mark.exists()
    assert task.code
    table = load(task.task.dataset, base=task.folder, options=DataOptions(), pinned=None)
    assert [row["q"] for row in table.rows] == ["0", "1"]
    assert table.name == "rows.py:rows"
    (tmp_path / "rows.py").write_text(code.replace("str(i)", "'x'"))
    assert included(tmp_path, code=True).code != task.code
    table = load(task.task.dataset, base=task.folder, options=DataOptions(), pinned=None)
    assert [row["q"] for row in table.rows] == ["x", "x"]


def test_code_is_nowhere_but_beside_the_file(tmp_path: Path) -> None:
    for reference in ("../rows.py:rows", "/tmp/rows.py:rows"):
        dataset = {"python": reference, "columns": ["q"]}
        assert "is not beneath the folder" in refusal(tmp_path, code=True, dataset=dataset)
    assert "cannot be read" in refusal(tmp_path, code=True, dataset={"python": "no.py:x", "columns": ["q"]})


def test_a_fault_of_that_code_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "rows.py").write_text("def rows(): return 1 / 0\ndef more(): pass\n")
    for function, why in (
        ("rows", "failed (ZeroDivisionError: division by zero, rows.py, line 1)"),
        ("more", "returned NoneType"),
    ):
        dataset = Dataset(python=f"rows.py:{function}", columns=("q",))
        with pytest.raises(UserError, match=rf"^rows\.py:{function} {re.escape(why)}"):
            load(dataset, base=tmp_path, options=DataOptions(), pinned=None)
    (tmp_path / "rows.py").write_text("import nowhere_at_all\n")
    with pytest.raises(UserError, match=r"rows\.py cannot be run \(ModuleNotFoundError"):
        load(dataset, base=tmp_path, options=DataOptions(), pinned=None)


def test_a_metric_by_path_is_code(tmp_path: Path) -> None:
    metrics: list[Any] = ["evaluate:./own.py", "evaluate:someone/metric", {"evaluate:/own": {}}]
    for metric in metrics:
        assert "add --include-code" in refusal(tmp_path, metrics=[metric])
        assert included(tmp_path, code=True).task.metrics


@pytest.mark.parametrize("ending", [".yaml", ".yml"])
def test_a_file_is_found_by_name_and_by_path(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, f"sums{ending}")
    assert included(tmp_path).path == path
    monkeypatch.chdir(tmp_path)
    for name in (str(path), f"./sums{ending}", f"sums{ending}"):
        assert Registry().resolve([name])[0].task.task == "sums"
    assert len(Registry([tmp_path]).resolve(["sums", str(path)])) == 1
    with pytest.raises(UserError, match="no such file"):
        Registry().resolve(["gone.yaml"])


def test_a_path_is_no_way_around(tmp_path: Path) -> None:
    path = write(tmp_path, dataset={"python": "os:getcwd", "columns": ["q"]})
    with pytest.raises(UserError, match="may not run"):
        Registry().resolve([str(path)])
    other = write(tmp_path, "hellaswag.yaml", task="hellaswag")
    with pytest.raises(UserError, match="'hellaswag' is defined twice"):
        Registry().resolve(["hellaswag", str(other)])


def test_a_suite_by_path(tmp_path: Path) -> None:
    (tmp_path / "few.yml").write_text("suite: few\ntitle: Few\ntasks: [lambada, winogender]\n")
    assert len(Registry().resolve([str(tmp_path / "few.yml")])) == 2


def test_files_in_hidden_folders_are_others(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci" / "build.yml").write_text("jobs: 1\n")
    write(tmp_path)
    assert included(tmp_path).task.task == "sums"


@pytest.mark.parametrize(
    "name", ["a.", "a-", "a_", "con", "nul.txt", "com1", "a\n", "a" * 101, "A", "-a", "", "a/b"]
)
def test_names_that_make_no_file(name: str) -> None:
    with pytest.raises(ValueError, match=r"name|file"):
        Task.model_validate({**BASE, "task": name})
    with pytest.raises(ValueError, match=r"name|file"):
        Suite(suite=name, title="t", tasks=("x",))


def test_shipped_names_are_good() -> None:
    for file in Registry().tasks.values():
        assert load_task(file).task.task == file.name


def test_two_tasks_of_one_table_are_refused() -> None:
    def loaded(name: str) -> LoadedTask:
        task = Task.model_construct(**{**BASE, "task": name})
        return LoadedTask(task, Path(), Path(name))

    with pytest.raises(UserError, match=r"'a@typos' and 'a--typos' would write the same sample table"):
        check_tables([loaded("a"), loaded("a--typos")], ["typos"])
    check_tables([loaded("a"), loaded("a--typos")], ["upper"])


@pytest.mark.parametrize(
    "changes",
    [{"hub": "../outside"}, {"hub": "/abs"}, {"hub": "a/b/c"}, {"hub": "a/.."}, {"hub": "a/b", "config": ".."},
     {"hub": "a/b", "config": "x/y"}, {"hub": "a/b", "split": "../x"}, {"hub": "a/b", "config": "x\\y"},
     {"file": "/etc/hosts"}, {"file": "../t.jsonl"}, {"file": "a/../../t.jsonl"}, {"file": "C:\\t.jsonl"},
     {"file": "t.jsonl", "ids": "/etc/hosts", "id_column": "q"}, {"hub": "a/b\n", "config": "x"}],
)  # fmt: skip
def test_data_sets_stay_in_their_folders(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"hub id|no name of a|beneath the folder"):
        Dataset.model_validate({"columns": ["q"], **({"config": "c"} if "hub" in changes else {}), **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"choices": [True, False], "request": "score", "metrics": ["acc"]}, "choices.0: YAML reads true as a boolean: quote it."),
        ({"prompt": 5}, "prompt: YAML reads 5 as a number: quote it."),
        ({"prompt": None}, "prompt: YAML reads null here"),
        ({"target": True}, "target: "),
        ({"max_tokens": True}, "max_tokens: true is a boolean, and a number is needed"),
        ({"fewshot": {"examples": [{"q": "x", "a": True}]}}, "fewshot.examples: YAML reads true as a boolean: quote it"),
        ({"draws": {"n": 2, "temperature": float("inf")}}, "draws.temperature: Input should be a finite number"),
        ({"draws": {"n": 10**9}}, "draws.n: Input should be less than or equal to 10000"),
        ({"metrics": [{"exact_match": {"name": "a\nb"}}]}, "metrics: a metric's name is one line"),
    ],
)  # fmt: skip
def test_what_a_value_was_read_as(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    (tmp_path / "sums.yaml").write_text(json.dumps({**BASE, **changes}).replace("Infinity", ".inf"))
    with pytest.raises(UserError) as caught:
        included(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'sums.yaml'}: {message}")


def test_a_module_that_lies_in_the_working_directory_is_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`evaluate` would run it in place of its own module of that name."""
    (tmp_path / "accuracy").mkdir()
    (tmp_path / "accuracy" / "accuracy.py").write_text("", encoding="utf-8")
    write(tmp_path, metrics=["evaluate:accuracy"])
    assert included(tmp_path).task.metrics == ("evaluate:accuracy",)
    monkeypatch.chdir(tmp_path)
    assert "needs your word" in refusal(tmp_path, metrics=["evaluate:accuracy"])
    assert included(tmp_path, code=True).task.metrics == ("evaluate:accuracy",)
