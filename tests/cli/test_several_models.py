"""`--model` several times: a record for each, as runs of their own would have it."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Outcome, Runner, call

from lsm_eval.results.reader import Record, read_record


def records(done: Outcome) -> list[Record]:
    lines = [line.removeprefix("record: ") for line in done.out.splitlines() if line.startswith("record: ")]
    return [read_record(Path(line)) for line in lines]


def test_each_has_the_record_that_a_run_of_its_own_has(run: Runner) -> None:
    done = run("--model", "builtin:longest", "--store", "none", model="builtin:first")
    assert done.code == 0, done.err
    alone = [run("--store", "none", model=name) for name in ("builtin:first", "builtin:longest")]
    for one, own in zip(records(done), alone, strict=True):
        (other,) = records(own)
        assert [(row.signature, row.value) for row in one.estimates] == [
            (row.signature, row.value) for row in other.estimates
        ]
        assert one.manifest.model == other.manifest.model


def test_a_file_may_name_several(run: Runner, tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(
        f"tasks: choose\ninclude: {run.tasks}\nmodel:\n  - builtin:first\n  - builtin:longest\nstore: none\n"
    )
    done = call("run", "--config", file, "--out", run.out)
    assert [one.manifest.model.name for one in records(done)] == ["builtin:first", "builtin:longest"]


def test_one_that_fails_does_not_lose_the_others(run: Runner) -> None:
    done = run("--model", "./gone", "--model", "builtin:longest", "--store", "none", model="builtin:first")
    assert done.code == 2
    assert [one.manifest.model.name for one in records(done)] == ["builtin:first", "builtin:longest"]
    (sentence,) = [line for line in done.err.splitlines() if line.startswith("lsm-eval: ")]
    assert "./gone: no such folder" in sentence


def test_the_same_one_twice_is_one(run: Runner) -> None:
    assert len(records(run("--model", "builtin:first", "--store", "none", model="builtin:first"))) == 1


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            ["--adapter", "./lora"],
            "--adapter belongs to one model, and --model names 2 (builtin:first, builtin:longest)",
        ),
        (["--name", "mine"], "--name is what one model is called"),
        (["--base-url", "http://localhost:1/v1"], "--base-url is no address of builtin:first"),
        (["--max-cost", "1"], "--max-cost is kept for one model"),
    ],
)
def test_options_that_fit_one_are_refused(run: Runner, options: list[str], expected: str) -> None:
    assert expected in run("--model", "builtin:longest", *options, model="builtin:first").sentence()


def test_a_gate_takes_one(run: Runner) -> None:
    (record,) = records(run("--store", "none", model="builtin:first"))
    done = run(
        "--model",
        "builtin:longest",
        "--gate",
        "pull-request",
        "--baseline",
        record.folder,
        model="builtin:first",
    )
    assert done.sentence().startswith("--gate judges one candidate, and --model names several: name one")


def test_what_shows_one_model_takes_one(run: Runner) -> None:
    done = call(
        "show",
        "task",
        "choose",
        "--include",
        run.tasks,
        "--model",
        "builtin:first",
        "--model",
        "builtin:longest",
    )
    assert done.sentence() == "--model is given 2 times, and this shows one model at a time: name one model."


def test_a_dry_run_of_each(run: Runner) -> None:
    done = run("--model", "builtin:longest", "--dry-run", model="builtin:first")
    assert done.code == 0
    assert done.out.count("Nothing was asked.") == 2
