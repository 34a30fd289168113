"""What users mistype: one sentence that offers what was meant, exit code 2, and nothing on stdout."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from command_line import QUESTIONS, SCORE, Runner, call, write_task


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ("chose", "unknown task 'chose': did you mean 'choose'?"),
        ("quikstart", "unknown task 'quikstart': did you mean 'quickstart'?"),
        ("choose,zzzqqq", "unknown task 'zzzqqq': see `lsm-eval list tasks`."),
        ("qqq*", "unknown task 'qqq*': see `lsm-eval list tasks`."),
        (" , ", "--tasks names no task: see `lsm-eval list tasks`."),
    ],
)
def test_unknown_task(run: Runner, monkeypatch: pytest.MonkeyPatch, tasks: str, expected: str) -> None:
    monkeypatch.setattr("lsm_eval.tasks.registry._harness_is_installed", lambda: False)
    assert run(tasks=tasks).sentence() == expected


def test_an_unknown_task_may_be_one_of_the_harness(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lsm_eval.tasks.registry._harness_is_installed", lambda: True)
    hint = " If lm-evaluation-harness has a task of that name, it is lm-eval:{} here."
    assert run(tasks="chose").sentence().endswith("did you mean 'choose'?" + hint.format("chose"))
    assert run(tasks="zzzqqq").sentence().endswith("see `lsm-eval list tasks`." + hint.format("zzzqqq"))
    assert "lm-eval:" not in run(tasks="qqq*").sentence(), "a pattern is no name"


def test_unknown_task_is_told_before_a_model_is_fetched(own_cache: Path) -> None:
    # The built-in model would be fetched and converted first: 93 MB for a typing error.
    assert "did you mean 'mmlu'?" in call("run", "--tasks", "mmlo").sentence()
    assert "did you mean 'mmlu'?" in call("show", "task", "mmlo").sentence()
    assert not list(own_cache.iterdir())


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("builtin:smolm2-135m", "unknown model 'builtin:smolm2-135m': did you mean 'builtin:smollm2-135m'?"),
        ("uniform", "unknown model 'uniform': did you mean 'builtin:uniform'?"),
        ("zzz", "unknown model 'zzz': see `lsm-eval list models`."),
        ("", "unknown model '': see `lsm-eval list models`."),
        (
            "org/name",
            "unknown model 'org/name': for a model of the hub write hf:org/name, for a folder ./org/name.",
        ),
        ("./gone", "--model ./gone: no such folder; name a folder that holds a transformers checkpoint."),
        ("hf:", "--model hf:: write hf:ORG/NAME, or hf:ORG/NAME@REVISION."),
    ],
)
def test_unknown_model(run: Runner, model: str, expected: str) -> None:
    arguments = run.arguments()
    arguments[arguments.index("--model") + 1] = model
    assert call(*arguments).sentence() == expected


def test_a_file_is_no_model(run: Runner, tiny_llama: Path) -> None:
    assert ": not a folder; name a folder" in run(model=tiny_llama / "config.json").sentence()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["rnu"], "No such command 'rnu'. Did you mean 'run'? See `lsm-eval --help`."),
        (["list", "taskz"], "No such command 'taskz'. Did you mean 'tasks'? See `lsm-eval list --help`."),
        (["run", "--allow-drifft"], "No such option '--allow-drifft'. Did you mean '--allow-drift'? See `lsm-eval run --help`."),
        (["run"], "Missing option '--tasks'. See `lsm-eval run --help`."),
        (["list", "tasks", "--area", "bais"], "unknown area 'bais': did you mean 'bias'?"),
    ],
)  # fmt: skip
def test_commands_and_options(arguments: list[str], expected: str) -> None:
    assert call(*arguments).sentence() == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--limit", "0"], "--limit 0: give a number of samples, 1 or more, or a share of each task's"),
        (["--limit", "two"], "--limit two: give a number of samples"),
        (["--limit", "1.5"], "--limit 1.5: give a number of samples"),
        (["--limit", "1.0"], "--limit 1.0: give a number of samples"),
        (["--limit", "0.0"], "--limit 0.0: give a number of samples"),
        (["--limit", "-1"], "--limit -1: give a number of samples"),
        (["--limit", "nan"], "--limit nan: give a number of samples"),
        (["--limit", "100%"], "--limit 100%: give a number of samples"),
        (["--limit", ""], "--limit : give a number of samples"),
        (["--shots", "-1"], "Invalid value for '--shots'"),
        (["--shots", "99"], "choose: 99 shots are asked for and only 23 examples fit sample '0': lower --shots."),
        (["--chat", "on"], "--chat on needs a chat template, and the model has none: use --chat off."),
        (["--batch-tokens", "0"], "--batch-tokens 0: give `auto` or a number of tokens, 1 or more."),
        (["--batch-tokens", "many"], "--batch-tokens many: give `auto` or"),
        (["--batch-tokens", "²"], "--batch-tokens ²: give `auto` or"),
        (["--device", "gpu"], "--device gpu: no such device; use auto, cpu, cuda, cuda:0 or mps."),
        (["--device", "cuda:²"], "--device cuda:²: no such device"),
        (["--device", "cuda:99"], "--device cuda:99: this machine has"),
        (["--dtype", "int8"], "--dtype int8: unknown; use auto, float32, bfloat16, float16."),
        (["--overflow", "cut"], "Invalid value for '--overflow': 'cut' is not one of 'error', 'truncate', 'skip'."),
        (["--adapter", "./gone"], "--adapter gone: has no adapter_config.json; name the folder of a PEFT adapter."),
        (["--store", ""], "--store is empty: name a folder, or give auto or none."),
        (["--include", "/gone"], "--include /gone: no such folder; name a folder of task files (.yaml)."),
        (["--data-mirror", "/gone"], "--data-mirror /gone: no such folder; make one with `lsm-eval data mirror`."),
    ],
)  # fmt: skip
def test_values(run: Runner, arguments: list[str], expected: str) -> None:
    assert run(*arguments).sentence().startswith(expected)


def test_cuda_without_a_gpu(run: Runner) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    expected = "--device cuda: this machine has no CUDA device that PyTorch can use; try --device auto."
    assert run("--device", "cuda").sentence() == expected


def test_a_folder_without_an_adapter(run: Runner, tmp_path: Path) -> None:
    assert "has no adapter_config.json" in run("--adapter", tmp_path).sentence()


@pytest.mark.parametrize("option", [["--dtype", "float32"], ["--batch-tokens", "9"], ["--adapter", "x"]])
def test_no_model_takes_no_options_of_one(run: Runner, option: list[str]) -> None:
    assert (
        run(*option, model="builtin:uniform")
        .sentence()
        .startswith("builtin:uniform is no model and takes no ")
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"metrics": ["acq"]}, "unknown metric 'acq': did you mean 'acc'?"),
        ({"metrics": ["accuracy"]}, "unknown metric 'accuracy': did you mean 'acc'?"),
        ({"metrics": ["Quasi-Exact-Match"]}, "unknown metric 'Quasi-Exact-Match': did you mean 'exact_match'?"),
        ({"metrics": ["perplexity"]}, "unknown metric 'perplexity': did you mean 'byte_perplexity', 'word_perplexity' or 'token_perplexity'?"),
        ({"metrics": [{"acc": {"nam": "x"}}]}, "metric 'acc' has no option 'nam': did you mean 'name'?"),
        ({"metrics": [{"acc": {"name": 3}}]}, "metric 'acc': option 'name' is not valid"),
        ({"metrics": [{"acc": "x"}]}, "FILE: metrics.0.acc: Input should be a valid dictionary; correct it."),
        ({"metrics": ["bleu"]}, "metric 'bleu' reads answers to generate requests, but the task asks score"),
        ({"metrics": []}, "FILE: metrics: Tuple should have at least 1 item"),
        ({"promt": "x"}, "FILE: unknown key 'promt': did you mean 'prompt'?"),
        ({"fewshot": {"shot": 1}}, "FILE: unknown key 'fewshot.shot': did you mean 'shots'?"),
        ({"prompt": None}, "FILE: the key 'prompt' is missing: add it."),
        ({"version": "one"}, "FILE: version: Input should be a valid integer"),
        ({"area": "biass"}, "FILE: area: Input should be 'accuracy', "),
        ({"choices": None}, "FILE: request: score needs choices; correct it."),
        ({"prompt": "{{ question"}, "FILE, prompt: the template is broken (unexpected end of template"),
        ({"prompt": "{{ question | nofilter }}"}, "FILE, prompt: the template is broken (No filter named 'nofilter')"),
        ({"prompt": "{{ qestion }}"}, "FILE, prompt: 'qestion' is undefined; the columns are answer, choices, question."),
        ({"prompt": "{{ 1 // 0 }}"}, "FILE, prompt: the template fails on a row (ZeroDivisionError: "),
        ({"prompt": "{% for i in range(10**9) %}x{% endfor %}"}, "FILE, prompt: the template fails on a row (OverflowError: "),
        ({"prompt": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"}, "FILE, prompt: the template fails on a row (RecursionError: "),
        ({"prompt": "{{ ''.__class__.__mro__ }}"}, "FILE, prompt: the template reaches for what it may not"),
        ({"choices": "{{ question }}"}, "FILE: choices of sample '0' are no list, or an empty one."),
        ({"choices": "{{ [] }}"}, "FILE: choices of sample '0' are no list, or an empty one."),
        ({"choices": ["{{ question }}", ""], "delimiter": ""}, "FILE: choice 1 of sample '0' is empty, and nothing of it can be scored"),
        ({"target": "{{ 7 }}"}, "FILE: target 7 of sample '0' is not among its 2 choices (the first is 0)."),
        ({"target": "x"}, "FILE: target 'x' of sample '0' is no index."),
        ({"dataset": {"file": "bad.jsonl", "columns": ["qestion"]}}, "DATA has no column 'qestion', which the task file names: did you mean 'question'?"),
        ({"dataset": {"file": "gone.jsonl", "columns": ["question"]}}, "the data file "),
        ({"dataset": {"hub": "a/b", "file": "bad.jsonl", "columns": ["question"]}}, "FILE: dataset: give exactly one of hub, file, files or python"),
        ({"dataset": {"python": "nowhere.at:all", "columns": ["question"]}}, "FILE: dataset.python names nowhere.at:all, which an included file may not run: "),
    ],
)  # fmt: skip
def test_task_files(run: Runner, tmp_path: Path, fields: dict[str, Any], expected: str) -> None:
    path = write_task(tmp_path / "defs", "bad", QUESTIONS, **{**SCORE, **fields})
    expected = expected.replace("FILE", str(path)).replace("DATA", str(path.with_suffix(".jsonl")))
    assert run(tasks="bad", include=path.parent).sentence().startswith(expected)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"task: bad\n  - x: [", ", line 2: is not valid YAML ("),
        (b"task: bad\nversion: @1\n", ", line 2: is not valid YAML ("),
        (b"- a\n- b\n", ": has neither `task:` nor `suite:`"),
        (b"", ": has neither `task:` nor `suite:`"),
        (b"task: 3\n", ": the name 3 is no text; give it in quotes."),
        (b"task: \xff\xfe\n", ": is not UTF-8 text; save it as UTF-8."),
        (b"suite: s\ntitle: x\ntasks: [choose]\nmodel: x\n", ": unknown key 'model'"),
    ],
)
def test_files_that_are_no_task(run: Runner, tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "defs" / "bad.yaml"
    path.parent.mkdir()
    path.write_bytes(content)
    assert f"{path}{expected}" in run(tasks="s", include=path.parent).sentence()


def test_two_tasks_of_one_name(run: Runner, tmp_path: Path) -> None:
    first = write_task(tmp_path / "defs", "bad", QUESTIONS, **SCORE)
    second = shutil.copy(first, first.with_name("other.yaml"))
    expected = f"task 'bad' is defined twice: rename it in {first} or {second}."
    assert run(tasks="bad", include=first.parent).sentence() == expected


def test_suite_that_holds_itself(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("suite: a\ntitle: x\ntasks: [b]\n")
    (tmp_path / "b.yaml").write_text("suite: b\ntitle: x\ntasks: [a]\n")
    assert run(tasks="a", include=tmp_path).sentence() == "suite 'a' contains itself: a > b > a."


def test_two_metrics_of_one_name(run: Runner, tmp_path: Path) -> None:
    fields = {**SCORE, "metrics": ["acc", {"acc_norm": {"name": "acc"}}]}
    path = write_task(tmp_path / "defs", "bad", QUESTIONS, **fields)
    expected = f"{path}: two metrics are named 'acc': give one the option `name`."
    assert run(tasks="bad", include=path.parent).sentence() == expected


def test_empty_dataset(run: Runner, tmp_path: Path) -> None:
    path = write_task(tmp_path / "defs", "bad", [], **SCORE)
    expected = f"{path.with_suffix('.jsonl')} has no rows: check the split, or fetch the data again."
    assert run(tasks="bad", include=path.parent).sentence() == expected
    assert not list(run.out.rglob("*.json")), "no record of nothing"


def test_where_that_leaves_nothing(run: Runner, tmp_path: Path) -> None:
    dataset = {"file": "bad.jsonl", "columns": ["question", "choices", "answer"], "where": "answer == 99"}
    path = write_task(tmp_path / "defs", "bad", QUESTIONS, **{**SCORE, "dataset": dataset})
    assert (
        run(tasks="bad", include=path.parent).sentence().startswith("`where: answer == 99` leaves no row of ")
    )
