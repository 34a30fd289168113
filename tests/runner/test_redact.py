"""Records without texts, and tasks whose texts are shown to nobody who does not ask."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from command_line import Outcome, Runner, call, write_task

from lsm_eval.leaderboard.build import build
from lsm_eval.models.baselines import REPLIES
from lsm_eval.results.reader import read_record
from lsm_eval.results.redaction import MARK, withheld

ROWS = [{"question": f"unmentionable number {n}", "answer": f"unspeakable {n}"} for n in range(3)]
TEXTS = ("unmentionable", "unspeakable", REPLIES["says_no"][:20])


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """`open` and `closed`: the same questions, and only the second is sensitive."""
    fields = {
        "request": "generate",
        "prompt": "{{ question }}",
        "target": "{{ answer }}",
        "cluster": "{{ question }}",
        "metadata": {"own": "{{ question }}"},
        "metrics": ["exact_match"],
    }
    write_task(tmp_path / "tasks", "open", ROWS, **fields)
    write_task(tmp_path / "tasks", "closed", ROWS, **fields, area="bias", sensitive=True)
    return tmp_path / "tasks"


def texts_in(folder: Path) -> set[str]:
    """Those of the texts that stand in files of the folder."""
    content = ""
    for path in folder.rglob("*"):
        if path.suffix == ".parquet":
            content += json.dumps(pq.read_table(path).to_pylist(), ensure_ascii=False)
        elif path.is_file():
            content += path.read_text(errors="replace")
    return {text for text in TEXTS if text in content}


def go(run: Runner, tasks: Path, *more: str) -> Outcome:
    done = run(*more, tasks="open,closed", model="builtin:says_no", include=tasks)
    assert done.code == 0, done.err
    return done


def test_nothing_is_withheld_unless_asked(run: Runner, tasks: Path) -> None:
    done = go(run, tasks)
    found = read_record(done.record)
    assert texts_in(done.record) == set(TEXTS)
    assert not found.manifest.redacted
    assert {name: task.sensitive for name, task in found.tasks.items()} == {"open": False, "closed": True}
    assert not {text for text in TEXTS if text in done.out + done.err}


@pytest.mark.parametrize("option", [["--redact"], ["--redact", "all"]])
def test_all_texts_are_withheld(run: Runner, tasks: Path, option: list[str]) -> None:
    plain, done = go(run, tasks), go(run, tasks, *option)
    assert texts_in(done.record) == set()
    found = read_record(done.record)
    assert found.manifest.redacted
    assert all(task.redacted for task in found.tasks.values())
    assert found.manifest.settings["redact"] == "all"
    assert found.samples("open")["prompt"][0].as_py() == withheld("unmentionable number 0")
    assert [row.value for row in found.estimates] == [
        row.value for row in read_record(plain.record).estimates
    ]
    assert [row.clusters for row in found.estimates] == [
        row.clusters for row in read_record(plain.record).estimates
    ]
    assert "response store" in done.err
    assert "--store none" in done.err
    assert "response store" not in go(run, tasks, *option, "--store", "none").err


def test_texts_of_sensitive_tasks_are_withheld(run: Runner, tasks: Path) -> None:
    found = read_record(go(run, tasks, "--redact", "sensitive").record)
    assert found.manifest.redacted
    assert {name: task.redacted for name, task in found.tasks.items()} == {"open": False, "closed": True}
    assert found.samples("open")["prompt"][0].as_py() == "unmentionable number 0"
    assert found.samples("closed")["prompt"][0].as_py().startswith(MARK)


@pytest.mark.parametrize(
    ("level", "hidden"),
    [
        ("none", set()),
        ("licence", {"news"}),
        ("sensitive", {"news", "closed"}),
        ("all", {"news", "closed", "open"}),
    ],
)
def test_each_level_withholds_texts_of_its_tasks_and_those_of_the_level_before(
    run: Runner, tasks: Path, level: str, hidden: set[str]
) -> None:
    write_task(
        tasks, "news", ROWS, request="generate", prompt="{{ question }}", target="{{ answer }}", metrics=["exact_match"],
        redistributable=False,
    )  # fmt: skip
    done = run("--redact", level, tasks="open,closed,news", model="builtin:says_no", include=tasks)
    assert done.code == 0, done.err
    found = read_record(done.record)
    assert {name for name, task in found.tasks.items() if task.redacted} == hidden
    assert {name for name, task in found.tasks.items() if not task.redistributable} == {"news"}
    assert found.manifest.redacted == bool(hidden)
    assert found.manifest.settings["redact"] == level
    for name in found.tasks:
        assert found.samples(name)["prompt"][0].as_py().startswith(MARK) == (name in hidden), name
        assert ("unspeakable" in str(found.samples(name).to_pylist())) == (name not in hidden), name


@pytest.mark.parametrize(("level", "kept"), [("none", True), ("licence", False), ("sensitive", False)])
def test_a_reason_that_quotes_a_closed_text_is_withheld_with_it(
    run: Runner, tasks: Path, level: str, kept: bool
) -> None:
    write_task(
        tasks, "news", ROWS, request="generate", prompt="{{ 'a'.encode(question) }}", target="{{ answer }}", metrics=["exact_match"],
        redistributable=False,
    )  # fmt: skip
    done = run("--redact", level, tasks="open,news", model="builtin:says_no", include=tasks)
    assert done.code == 2, "not whole"
    (left_out,) = read_record(done.record).manifest.left_out
    assert left_out.task == "news"
    assert ("unmentionable" in left_out.why) == kept
    assert left_out.why.startswith(MARK) != kept


def test_the_option_takes_no_word_that_is_another_option(run: Runner, tasks: Path) -> None:
    done = run("--redact", "--limit", "2", tasks="open", model="builtin:says_no", include=tasks)
    assert read_record(done.record).manifest.settings["limit"] == 2
    assert "'some' is not one of" in run("--redact", "some", tasks="open", include=tasks).sentence()


def written(page: Path) -> str:
    """A page without its scripts, which hold all words that it may write, and without the marks of what is translated."""
    return re.sub(r'<script.*?</script>|<span data-t(?:="[^"]*")?>', "", page.read_text(), flags=re.DOTALL)


def test_pages_of_redacted_records(run: Runner, tasks: Path, tmp_path: Path) -> None:
    go(run, tasks, "--redact")
    site = build(run.out, tmp_path / "site").parent
    assert texts_in(site) == set()
    page = written(site / "samples" / "builtin-says-no" / "open.html")
    assert "withholds the texts" in page
    assert MARK in page
    assert "may be harmful" not in page


def test_pages_of_sensitive_tasks_fold_everything_that_holds_a_text(
    run: Runner, tasks: Path, tmp_path: Path
) -> None:
    go(run, tasks)
    site = build(run.out, tmp_path / "site").parent
    closed = written(site / "samples" / "builtin-says-no" / "closed.html")
    assert closed.count("may be harmful or offensive") == 1 + len(ROWS)
    outside = "".join(part.partition("</details>\n</article>")[2] for part in closed.split("<details class"))
    assert "article" in outside
    assert not {text for text in TEXTS if text in outside}
    opened = (site / "samples" / "builtin-says-no" / "open.html").read_text()
    assert "<details class" not in opened


def test_show_keeps_sensitive_texts_to_itself(tasks: Path) -> None:
    where = ("--include", tasks, "--model", "builtin:says_no")
    for more in ((), ("--json",)):
        hidden = call("show", "task", "closed", *where, *more)
        assert hidden.code == 0, hidden.err
        assert not {text for text in TEXTS if text in hidden.out + hidden.err}
        assert withheld("unmentionable number 0") in hidden.out
        told = call("show", "task", "closed", *where, *more, "--reveal")
        assert "unmentionable number 0" in told.out
        assert "unmentionable number 0" in call("show", "task", "open", *where, *more).out
    assert "--reveal shows them" in call("show", "task", "closed", *where).out


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt": "{{ 'a'.encode(question) }}"},
        {"prompt": "{{ question }}", "metadata": {"own": "{{ {}[question] }}"}},
        {
            "request": "score",
            "prompt": "a",
            "choices": ["a", "b"],
            "target": "{{ question }}",
            "metrics": ["acc"],
        },
    ],
)
def test_errors_do_not_quote_sensitive_texts(tmp_path: Path, run: Runner, fields: dict[str, object]) -> None:
    base: dict[str, object] = {"request": "generate", "target": "{{ answer }}", "metrics": ["exact_match"]}
    for sensitive in (True, False):
        folder = tmp_path / str(sensitive)
        write_task(folder, "broken", ROWS, **{**base, **fields}, sensitive=sensitive)
        said = run(tasks="broken", model="builtin:says_no", include=folder).sentence()
        assert "broken.yaml" in said
        if sensitive:
            assert not {text for text in TEXTS if text in said}
