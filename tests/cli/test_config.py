"""`run --config` and `--save-config`: the options of a run in a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Outcome, Runner, call

from lsm_eval.results.reader import read_record
from lsm_eval.yaml_reader import read_yaml


def numbers(done: Outcome) -> list[tuple[str, float | None]]:
    assert done.code == 0, done.err
    return [(row.signature, row.value) for row in read_record(done.record).estimates]


def test_a_config_that_was_written_asks_the_same(run: Runner, tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    options = (
        "--limit", "0.5", "--seed", "3", "--shots", "2", "--temperature", "0.7", "--stop", "\n", "--stop", "off",
        "--system", "You: are\u2028 \"the\" cat, 3",
        "--max-tokens", "5", "--overflow", "truncate", "--chat", "off", "--store", "none", "--name", "No",
    )  # fmt: skip
    first = run(*options, "--save-config", file, tasks="choose,say")
    again = call("run", "--config", file)
    assert numbers(first) == numbers(again)
    saved, other = tmp_path / "other.yaml", run.out
    assert numbers(call("run", "--config", file, "--save-config", saved, "--out", other)) == numbers(first)
    assert saved.read_text() == file.read_text()
    record = read_record(again.record)
    assert record.manifest.settings == read_record(first.record).manifest.settings
    assert record.manifest.command[:4] == ["lsm-eval", "run", "--tasks", "choose,say"], "without the file"


def test_what_it_looks_like(run: Runner, tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    done = run("--limit", "2", "--strict", "--dry-run", "--save-config", file, model="builtin:first")
    assert "Nothing was asked." in done.out
    content = read_yaml(file)
    assert content["tasks"] == "choose"
    assert content["model"] == "builtin:first"
    assert content["limit"] == "2"
    assert content["strict"] is True
    assert (content["seed"], content["overflow"]) == (0, "error")
    assert not {"dry-run", "config", "save-config", "judge", "trust-remote-code"} & {*content}


def test_the_command_line_wins(run: Runner, tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(
        f"tasks: [choose, say]\nmodel: builtin:first\ninclude: {run.tasks}\nlimit: 4\n"
        "store: none\nfrom_start: true\nchat: on\n"
    )
    done = call(
        "run", "--config", file, "--tasks", "choose", "--limit", "2", "--chat", "auto", "--out", run.out
    )
    assert done.code == 0, done.err
    record = read_record(done.record)
    assert list(record.tasks) == ["choose"]
    assert record.tasks["choose"].samples == 2
    assert record.manifest.settings["first"] is True


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("modle: builtin:first", "`modle` is no option of run: did you mean `model`?"),
        ("config: other.yaml", "`config` is no option of run: "),
        ("dry-run: perhaps", "`dry-run` is yes or no: write true or false."),
        ("limit: [1, 2]", "`limit` takes one value, and a list stands there: choose one of it."),
        ("model: {name: x}", "`model` takes a text or a number, or a list of them."),
        (
            "model-args: dtype=float32",
            "`model-args` stands for other options: write those, each by its name.",
        ),
        ("- tasks", "holds no options"),
        ("", "holds no options"),
        ("tasks: a\ntasks: b", "`tasks` is given twice"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(text)
    sentence = call("run", "--config", file, "--tasks", "quickstart").sentence()
    assert sentence.startswith(str(file))
    assert expected in sentence


def test_values_are_checked_as_on_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("tasks: quickstart\nshots: many\n")
    assert call("run", "--config", file).sentence().startswith("Invalid value for '--shots'")
    assert (
        call("run", "--config", tmp_path / "gone.yaml")
        .sentence()
        .startswith(f"--config {tmp_path}/gone.yaml: no such")
    )


def test_no_secret_is_written(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "run.yaml"
    server = ("--base-url", "http://user:word@localhost:1/v1", "--api-key-env", "MY_KEY")
    done = run(*server, "--save-config", file, model="openai:x")
    assert "--base-url holds what looks like a key or a password" in done.sentence()
    assert not file.exists()
    for given in (
        ("--api-key-env", "Zq81mmPl0ktRR77xyz"),
        ("--header-env", "Authorization=Bearer abcdefghijkl"),
    ):
        done = run("--base-url", "http://localhost:1/v1", *given, "--save-config", file, model="openai:x")
        assert f"{given[0]} names no variable that is set" in done.sentence()
        assert given[1] not in done.err
        assert not file.exists()
    monkeypatch.setenv("MY_KEY", "a")
    monkeypatch.setenv("MY_HEADER", "b")
    named = (
        "--base-url",
        "http://localhost:1/v1",
        "--api-key-env",
        "MY_KEY",
        "--header-env",
        "Api-Key=MY_HEADER",
    )
    run(*named, "--save-config", file, "--offline", model="openai:x")
    content = read_yaml(file)
    assert (content["api-key-env"], content["header-env"]) == ("MY_KEY", "Api-Key=MY_HEADER")


def test_what_the_environment_says_is_not_written(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSM_EVAL_DATA_MIRROR", str(tmp_path))
    file = tmp_path / "run.yaml"
    assert run("--save-config", file, "--dry-run", model="builtin:first").code == 0
    assert "data-mirror" not in read_yaml(file)


def test_a_command_that_is_wrong_writes_none(run: Runner, tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    assert run("--limit", "0", "--save-config", file).code == 2
    assert not file.exists()
    assert run("--save-config", tmp_path / "no" / "run.yaml").sentence().startswith("--save-config ")
