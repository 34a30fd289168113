"""`lsm-eval new task`: what it writes can be asked at once, nothing of the user's is lost, and mistakes are one sentence."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from command_line import call

from lsm_eval.tasks.registry import Registry
from lsm_eval.tasks.schema import Task


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def new(*arguments: str | Path) -> Path:
    """The folder of a new benchmark."""
    done = call("new", "task", *arguments)
    assert done.code == 0, done.err
    return Path(done.out.splitlines()[0].removeprefix("written to ").partition(": ")[0])


def loaded(folder: Path, name: str = "mine") -> Task:
    (found,) = Registry([folder], code=True).resolve([name])
    return found.task


def number(folder: Path, metric: str, *more: str, name: str = "mine") -> dict[str, Any]:
    """The estimate of a run."""
    done = call("run", "--tasks", name, "--include", folder, "--out", "out", "--store", "none", *more)
    assert done.code == 0, done.err
    rows = json.loads((done.record / "estimates.json").read_text(encoding="utf-8"))
    return next(row for row in rows if row["metric"] == metric)


def rows_file(name: str, rows: list[dict[str, Any]]) -> Path:
    path = Path(name)
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("code", [False, True])
@pytest.mark.parametrize(
    ("request_kind", "model", "metric"),
    [
        ("score", "builtin:uniform", "acc"),
        ("generate", "builtin:says_no", "exact_match"),
        ("perplexity", None, "byte_perplexity"),
    ],
)
def test_it_can_be_asked_at_once(
    request_kind: str, model: str | None, metric: str, code: bool, tiny_llama: Path
) -> None:
    with_code = ["--include-code"] if code else []
    folder = new("mine", "--request", request_kind, *(["--code"] if code else []))
    names = {"mine.yaml", "mine.jsonl", "README.md", *(["code.py"] if code else [])}
    assert {path.name for path in folder.iterdir()} == names
    checked = call("check-tasks", "--include", folder, *with_code)
    assert (checked.code, checked.err) == (0, "")
    assert checked.out.splitlines()[-1].split() == ["mine", "4", "4", "not", "pinned"]
    task = loaded(folder)
    assert (task.request, task.area) == (
        request_kind,
        "perplexity" if request_kind == "perplexity" else "accuracy",
    )
    own = task.metrics[-1]
    assert isinstance(own, str)
    row = number(folder, own if code else metric, "--model", model or str(tiny_llama), *with_code)
    assert row["value"] is not None
    assert row["n"] == 4
    assert (" code:" in row["signature"]) == code
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert all(f"- `{name}`: " in page for name in task.metrics)


def test_the_commands_that_it_tells_run(tmp_path: Path) -> None:
    import shlex

    done = call("new", "task", "mine", "--out", "a folder/here", "--area", "safety", "--code")
    commands = [line.strip() for line in done.out.partition("next:\n")[2].splitlines()]
    assert len(commands) == 3
    for command in commands:
        ran = call(*shlex.split(command)[1:])
        assert ran.code == 0, ran.err
        assert command in Path("a folder/here/README.md").read_text(encoding="utf-8")
    assert loaded(Path("a folder/here")).area == "safety"


def test_a_title() -> None:
    folder = new("mine", "--title", "Colours: which is  it?")
    assert loaded(folder).title == "Colours: which is it?"
    assert (folder / "README.md").read_text(encoding="utf-8").startswith("# Colours: which is it?\n")
    assert loaded(new("other"), "other").title == "other"
    assert loaded(new("third", "--title", " "), "third").title == "third"


QUESTIONS = ["one or two?", "left or right?", "up or down?"]
CASES: dict[str, tuple[list[dict[str, Any]], str, list[int] | list[str]]] = {
    "list and index": (
        [{"question": q, "choices": ["a", "b"], "answer": 1} for q in QUESTIONS],
        "score",
        [1],
    ),
    "list and text": ([{"prompt": q, "options": ["x", "y"], "target": "y"} for q in QUESTIONS], "score", [1]),
    "list and number from one": (
        [{"q": q, "options": ["x", "y"], "label": 2} for q in QUESTIONS],
        "score",
        [1],
    ),
    "list and letter": (
        [{"question": q, "endings": ["x", "y"], "answerKey": "b"} for q in QUESTIONS],
        "score",
        [1],
    ),
    "names that are none to a template": (
        [{"the question": q, "choices": ["x", "it's"], "right answer": "it's"} for q in QUESTIONS],
        "score",
        [1],
    ),
    "booleans": ([{"text": q, "label": True} for q in QUESTIONS], "score", [1]),
    "classes": ([{"text": q, "label": w} for w in ("it's bad", "good") for q in QUESTIONS], "score", [1]),
    "classes of numbers": ([{"text": q, "label": w} for w in (0, 1) for q in QUESTIONS], "score", [0]),
    "written": ([{"question": q, "answer": q.split()[0]} for q in QUESTIONS], "generate", ["one"]),
    "written, of several": (
        [{"question": q, "answer": [q, "1"]} for q in QUESTIONS],
        "generate",
        [QUESTIONS[0], "1"],
    ),
    "a text": ([{"text": q} for q in QUESTIONS], "perplexity", []),
}


@pytest.mark.parametrize("case", CASES)
def test_columns_are_found(case: str) -> None:
    rows, kind, first = CASES[case]
    more = ["--answer", "right answer"] if case.startswith("names") else []
    folder = new("mine", "--data", rows_file("own.jsonl", rows), *more)
    assert (folder / "mine.jsonl").read_text() == Path("own.jsonl").read_text()
    assert loaded(folder).request == kind
    shown = json.loads(
        call(
            "show",
            "task",
            "mine",
            "--include",
            folder,
            "--model",
            "builtin:uniform",
            "--json",
            "--samples",
            "9",
        ).out
    )
    samples = shown[0]["shown"]
    assert len(samples) == len(rows)
    expected = [0] if case == "classes of numbers" else first
    if case == "classes":  # sorted: good, it's bad
        expected = [1]
    assert samples[0]["target"] == expected
    assert QUESTIONS[0] in samples[0]["prompt"]


def test_columns_of_a_csv_with_a_choice_each() -> None:
    rows = [{"question": q, "option_a": "x", "option_b": "y", "Answer": "A"} for q in QUESTIONS]
    folder = new("mine", "--data", rows_file("own.csv", rows))
    assert loaded(folder).choices == ("{{ option_a }}", "{{ option_b }}")
    assert number(folder, "acc", "--model", "builtin:first")["value"] == 1
    assert loaded(folder).dataset.columns == ("question", "option_a", "option_b", "Answer")


def test_columns_that_the_user_names() -> None:
    rows = [{"Frage": q, "gut": "x", "schlecht": "y", "Antwort": "x"} for q in QUESTIONS]
    named = ["--question", "Frage", "--choices", "gut", "--choices", "schlecht", "--answer", "Antwort"]
    folder = new("mine", "--data", rows_file("own.csv", rows), *named)
    assert number(folder, "acc", "--model", "builtin:first")["value"] == 1
    written = new(
        "theirs", "--data", "own.csv", "--request", "generate", "--question", "Frage", "--answer", "Antwort"
    )
    assert loaded(written, "theirs").request == "generate"


def test_rows_that_lack_something_are_left_out() -> None:
    rows = [
        {"question": q, "answer": a}
        for q, a in zip([*QUESTIONS, "why?"], ["one", None, "", "so"], strict=True)
    ]
    folder = new("mine", "--data", rows_file("own.jsonl", rows))
    assert loaded(folder).dataset.where == "answer is not none and answer != ''"
    assert number(folder, "exact_match", "--model", "builtin:says_no")["n"] == 2


def test_nothing_is_written_over_unless_asked() -> None:
    folder = new("mine")
    (folder / "README.md").write_text("my own words")
    (folder / "notes.txt").write_text("mine")
    assert "has mine.yaml and mine.jsonl and README.md already" in call("new", "task", "mine").sentence()
    assert (folder / "README.md").read_text() == "my own words"
    new("mine", "--overwrite")
    assert "my own words" not in (folder / "README.md").read_text()
    assert (folder / "notes.txt").read_text() == "mine"
    # Rows that lie where their copy would stay, and are nobody's but the user's.
    rows = rows_file("mine/mine.jsonl", [{"text": q} for q in QUESTIONS]).read_text()
    (folder / "mine.yaml").unlink()
    (folder / "README.md").unlink()
    new("mine", "--data", "mine/mine.jsonl")
    assert (folder / "mine.jsonl").read_text() == rows
    Path("file").touch()
    assert (
        "file is a file: name a folder with --out."
        in call("new", "task", "other", "--out", "file").sentence()
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["My Task!"], "'My Task!' cannot be a task's name, as a name has lower-case letters"),
        (["My Task!"], "; try 'my_task'."),
        (["mine."], "; try 'mine'."),
        (["mmlu"], "there is a task 'mmlu' already"),
        (["quickstart"], "there is a suite 'quickstart' already"),
        (["mine", "--area", "bais"], "unknown area 'bais': did you mean 'bias'?"),
        (["mine", "--request", "scores"], "'scores' is not one of 'score', 'generate', 'perplexity'. See `lsm-eval new task --help`."),
        (["mine", "--data", "none.csv"], "--data none.csv: no such file; name a file with a sample a row"),
        (["mine", "--data", "rows.txt"], "rows.txt: data files end in .jsonl, .json, .csv, .parquet"),
        (["mine", "--data", "empty.jsonl"], "empty.jsonl has no rows"),
        (["mine", "--answer", "x"], "--question, --choices and --answer name columns of --data: add it"),
        (["mine", "--data", "odd.csv", "--answer", "x"], "--answer x: odd.csv has no such column: it has eins, zwei."),
        (["mine", "--data", "odd.csv", "--request", "generate"], "is called as an answer is (answer, target, label, …): it has eins, zwei"),
        (["mine", "--data", "odd.csv", "--answer", "zwei", "--request", "score"], "name them with --choices, or add --request generate"),
        (["mine", "--data", "three.csv"], "which column of three.csv is asked cannot be told: it has a1x, b1x, answer; name it with --question"),
        (["mine", "--data", "wrong.csv"], "'answer' is to name the right choice by its text, its letter (A, B, …) or its number"),
        (["taks"], None),
    ],
)  # fmt: skip
def test_mistakes(arguments: list[str], said: str | None) -> None:
    Path("rows.txt").touch()
    Path("empty.jsonl").touch()
    rows_file("odd.csv", [{"eins": "a", "zwei": str(number)} for number in range(12)])
    rows_file("three.csv", [{"a1x": "a", "b1x": "b", "answer": str(number)} for number in range(12)])
    rows_file("wrong.csv", [{"question": "a", "A": "x", "B": "y", "answer": answer} for answer in ("x", "z")])
    if said is None:
        assert "Did you mean 'task'?" in call("new", *arguments).sentence()
        return
    assert said in call("new", "task", *arguments).sentence()
    assert not Path("mine").exists(), "nothing is written"


def test_names_that_yaml_reads_otherwise() -> None:
    for name in ("123", "1e3", "null", "true"):
        assert loaded(new(name), name).task == name


def test_data_that_cannot_be_asked_is_named(tmp_path: Path) -> None:
    rows = [{"question": q, "answer": {"deep": 1}} for q in QUESTIONS]
    sentence = call("new", "task", "mine", "--data", rows_file("own.jsonl", rows)).sentence()
    assert sentence.startswith("the files are in mine, and the task cannot be asked yet: ")
    assert (tmp_path / "mine" / "mine.yaml").is_file(), "to be mended"
