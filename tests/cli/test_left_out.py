"""A task that cannot be asked is named and left out; the others are asked, and the record says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import GENERATE, QUESTIONS, SCORE, Outcome, Runner, call, write_task
from tiny_models import save_model

REFUSES_SYSTEM = (
    "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system here') }}{% endif %}"
    "{{ m['content'] }}{% endfor %}"
)
FAILING: dict[str, tuple[dict[str, Any], str]] = {
    "no_data": ({**SCORE, "dataset": {"file": "nowhere.jsonl", "columns": ["question"]}}, "nowhere.jsonl"),
    "other_data": (
        {**SCORE, "dataset": {"file": "other_data.jsonl", "columns": ["question"], "sha256": "0" * 64}},
        "--allow-drift",
    ),
    "bad_template": ({**SCORE, "prompt": "{{ question.nothing.at_all }}?"}, "prompt"),
    "bad_key": ({**SCORE, "promt": "x"}, "promt"),
    "no_such_metric": ({**SCORE, "metrics": ["acurracy"]}, "acurracy"),
    "no_package": ({**GENERATE, "metrics": [{"bleu": {"tokenize": "flores200"}}]}, "bleu"),
    "needs_chat": ({**SCORE, "chat": "on"}, "chat template"),
    "too_long": ({**SCORE, "prompt": "{{ (question ~ ' ') * 40 }}?"}, "--overflow truncate"),
}
"""By name: a task that cannot be asked of the tiny Llama, and a part of the sentence that says why."""


def manifest(done: Outcome) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((done.record / "manifest.json").read_text())
    return content


def reasons(done: Outcome) -> dict[str, str]:
    return {row["task"]: row["why"] for row in manifest(done)["left_out"]}


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A good task among all that fail."""
    for name, (fields, _) in FAILING.items():
        write_task(tmp_path / "mixed", name, QUESTIONS, **fields)
    write_task(tmp_path / "mixed", "good", QUESTIONS, **SCORE)
    (tmp_path / "mixed" / "all.yaml").write_text(
        f"suite: all\ntitle: all\ntasks: [{', '.join([*FAILING, 'good'])}]\n"
    )
    return tmp_path / "mixed"


def test_each_is_named_and_the_others_are_asked(run: Runner, mixed: Path) -> None:
    done = run("--offline", tasks="all", include=mixed)
    assert done.code == 2
    assert "Traceback" not in done.err
    assert [row["task"] for row in manifest(done)["tasks"]] == ["good"]
    assert reasons(done).keys() == FAILING.keys()
    for name, (_, why) in FAILING.items():
        (line,) = [
            line for line in done.err.splitlines() if line.startswith(f"lsm-eval: {name} is left out: ")
        ]
        assert why in line
        assert why in reasons(done)[name]
    assert "good" in done.out
    last = done.err.splitlines()[-1]
    assert last.startswith("lsm-eval: 8 of 9 tasks were left out (")
    alone = run(tasks="good", include=mixed)
    assert alone.code == 0
    same = [(one.record / "estimates.json").read_bytes() for one in (done, alone)]
    assert same[0] == same[1], "what others want makes no difference"
    assert reasons(alone) == {}


def test_the_record_does_not_say_where_a_task_lies(run: Runner, mixed: Path) -> None:
    done = run("--offline", tasks="all", include=mixed)
    assert str(mixed) in done.err
    assert str(mixed) not in json.dumps(manifest(done)["left_out"])
    assert reasons(done)["bad_key"].startswith("bad_key.yaml")


def test_strict_asks_nothing(run: Runner, mixed: Path) -> None:
    for name in ("no_data", "bad_key", "too_long"):
        sentence = run("--strict", tasks=f"good,{name}", include=mixed).sentence()
        assert name in sentence
        assert FAILING[name][1] in sentence
    assert not list(run.out.rglob("manifest.json"))


@pytest.mark.parametrize("name", FAILING)
def test_alone_it_is_refused(run: Runner, mixed: Path, name: str) -> None:
    assert FAILING[name][1] in run("--offline", tasks=name, include=mixed).sentence()
    assert not list(run.out.rglob("manifest.json"))


def test_where_none_remains_nothing_is_written(run: Runner, mixed: Path) -> None:
    done = run(tasks="no_data,bad_template", include=mixed)
    assert done.code == 2
    assert "none of the 2 tasks can be asked; the first is no_data" in done.err
    assert not list(run.out.rglob("manifest.json"))


def test_a_misspelt_name_is_refused_at_once(run: Runner, mixed: Path) -> None:
    assert "did you mean 'good'" in run(tasks="no_data,goood", include=mixed).sentence()


def test_what_is_wrong_with_all_tasks_is_said_once(run: Runner, mixed: Path) -> None:
    sentence = run("--chat", "on", tasks="good,needs_chat", include=mixed).sentence()
    assert sentence.startswith("--chat on needs a chat template")


def test_looking_leaves_out_too(run: Runner, mixed: Path) -> None:
    dry = run("--dry-run", "--offline", tasks="good,too_long", include=mixed)
    assert dry.code == 2
    assert "good" in dry.out
    assert "lsm-eval: too_long is left out: " in dry.err
    named = ["--model", str(run.model), "--include", str(mixed), "--offline"]
    shown = call("show", "task", "all", "--json", *named)
    assert shown.code == 2
    # What does not fit the model is what one wants to see there.
    assert {one["task"] for one in json.loads(shown.out)} == {"good", "too_long"}
    assert "lsm-eval: bad_template is left out: " in shown.err
    assert call("show", "task", "good", *named).code == 0


def test_a_variant_goes_with_its_task(run: Runner, mixed: Path) -> None:
    done = run("--perturb", "typos", "--overflow", "error", tasks="good,too_long", include=mixed)
    assert [row["task"] for row in manifest(done)["tasks"]] == ["good", "good@typos"]
    assert "too_long" in reasons(done)


def test_a_template_that_refuses_costs_its_own_task(run: Runner, tmp_path: Path) -> None:
    model = save_model(tmp_path / "polite", chat=REFUSES_SYSTEM, context=256)
    write_task(tmp_path / "tasks", "plain", QUESTIONS[:3], **GENERATE)
    write_task(tmp_path / "tasks", "with_system", QUESTIONS[:3], **{**GENERATE, "system": "You are kind."})
    done = run(tasks="plain,with_system", model=model, include=tmp_path / "tasks")
    assert "plain" in [row["task"] for row in manifest(done)["tasks"]]
    asked = {row["task"] for row in manifest(done)["tasks"]}
    assert ("with_system" in asked) != ("with_system" in reasons(done))


def test_a_reason_that_may_quote_texts_is_withheld_with_them(run: Runner, mixed: Path) -> None:
    done = run("--redact", tasks="good,bad_template,no_data", include=mixed)
    assert reasons(done)["bad_template"].startswith("[withheld sha256:")
    assert "nowhere.jsonl" in reasons(done)["no_data"]


def test_a_suite_may_name_what_is_not_there(run: Runner, mixed: Path) -> None:
    (mixed / "some.yaml").write_text(
        "suite: some\ntitle: some\ntasks: [goood, good, {task: gone, limit: 5}, none_such_*]\n"
    )
    done = run(tasks="some", include=mixed)
    assert done.code == 2
    assert [row["task"] for row in manifest(done)["tasks"]] == ["good"]
    assert reasons(done).keys() == {"goood", "gone", "none_such_*"}
    assert reasons(done)["goood"] == "in the suite 'some', unknown task 'goood': did you mean 'good'?"
    assert "'goood'" in run("--strict", tasks="some", include=mixed).sentence()


@pytest.mark.parametrize("text", ["task: torn\nprompt: [", "- a list\n", "task: torn\nsuite: x\n"])
def test_a_file_that_cannot_be_read_costs_no_other_task(run: Runner, mixed: Path, text: str) -> None:
    (mixed / "torn.yaml").write_text(text)
    done = run(tasks="good", include=mixed)
    assert done.code == 0, done.err
    assert reasons(done) == {}
    done = run(tasks="good,torn", include=mixed)
    assert done.code == 2
    assert [row["task"] for row in manifest(done)["tasks"]] == ["good"]
    assert "torn.yaml" in reasons(done)["torn"]
    assert reasons(run(tasks="goo*,tor*", include=mixed)).keys() == {"torn"}
    sentence = run(tasks="good,nowhere", include=mixed).sentence()
    assert "unknown task 'nowhere'" in sentence
    assert "torn.yaml" in sentence, "which may be where it is defined"
    listed = call("list", "tasks", "--include", str(mixed))
    assert listed.code == 2
    assert "torn.yaml" in listed.err
    assert any(line.startswith("good ") for line in listed.out.splitlines())


def test_strict_names_the_task_where_only_a_file_was_named(run: Runner, tmp_path: Path) -> None:
    data = {"file": "gone.jsonl", "columns": ["question"]}
    write_task(tmp_path / "lost", "gone", QUESTIONS, **{**SCORE, "dataset": data})
    (tmp_path / "lost" / "gone.jsonl").unlink()
    write_task(tmp_path / "lost", "good", QUESTIONS, **SCORE)
    assert run("--strict", tasks="gone,good", include=tmp_path / "lost").sentence().startswith("gone: ")
