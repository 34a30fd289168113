"""Runs on models whose chat templates are unlike others: what is asked, and what the record says of it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import GENERATE, Outcome, call, write_task
from tiny_models import CHAT, edit_json, save_model

from lsm_eval.results.reader import Record, read_record

ROWS = [
    {"question": f"what is {word}", "choices": ["a"], "answer": 0} for word in ("the mat", "the log", "1 2 3")
]
EACH, DONE = "{% for m in messages %}", "{% endfor %}"
NO_SYSTEM = (
    EACH + "{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}<u>{{ m.content }}" + DONE
)

Ask = Callable[..., Outcome]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Runs the tasks `say` and `told`, which has a system message, on a model with this template."""
    write_task(tmp_path / "tasks", "say", ROWS, **GENERATE)
    write_task(tmp_path / "tasks", "told", ROWS, **GENERATE, system="be brief")
    folder = save_model(tmp_path / "model", context=256, chat="x")

    def run(template: str, *more: str | Path, tasks: str = "say,told", store: str | Path = "none") -> Outcome:
        (folder / "chat_template.jinja").write_text(template)
        return call("run", "--tasks", tasks, "--include", tmp_path / "tasks", "--model", folder,
                    "--out", tmp_path / "out", "--store", store, *more)  # fmt: skip

    return run


def _prompts(record: Record, task: str) -> list[str]:
    return [row["prompt"] for row in record.samples(task).to_pylist()]


def _signatures(record: Record) -> dict[str, str]:
    return {row.task: row.signature for row in record.estimates}


def test_a_template_that_refuses_a_system_message(ask: Ask) -> None:
    done = ask(NO_SYSTEM)
    assert done.code == 0, done.err
    record = read_record(done.record)
    assert _prompts(record, "say") == [f"<u>{row['question']}?" for row in ROWS]
    assert _prompts(record, "told") == [f"<u>be brief\n\n{row['question']}?" for row in ROWS]
    assert {row.task: row.system for row in record.manifest.tasks} == {"say": None, "told": "folded"}
    assert " chat:on system:folded " in _signatures(record)["told"]
    assert "system:" not in _signatures(record)["say"]
    assert "takes no system message" in record.manifest.model.details["chat_system"]
    assert all(row.missing == 0 for row in record.estimates)
    alone = read_record(ask(NO_SYSTEM, tasks="say").record)
    same = ("prompt", "completion", "tokens")
    assert [[row[key] for key in same] for row in alone.samples("say").to_pylist()] == [
        [row[key] for key in same] for row in record.samples("say").to_pylist()
    ]
    usual = read_record(ask(CHAT).record)
    assert "system:" not in _signatures(usual)["told"]


def test_a_task_that_is_refused_in_any_form_is_missing(ask: Ask) -> None:
    """And named; the others are asked."""
    one_line = "{% if '\\n' in m.content or m.role == 'system' %}{{ raise_exception('one line') }}{% endif %}"
    done = ask(EACH + one_line + "<u>{{ m.content }}" + DONE)
    assert done.code == 0, done.err
    assert (
        "told: 3 of 3 requests count as missing: the model's chat template refuses the messages (one line)"
        in done.err
    )
    record = read_record(done.record)
    assert {(row.task, row.missing, row.value is None) for row in record.estimates} == {
        ("say", 0, False), ("told", 3, True)
    }  # fmt: skip
    failed = record.samples("told").to_pylist()
    assert {row["failure"] for row in failed} == {"unsupported"}
    assert all("one line" in row["failure_detail"] for row in failed)
    assert all(row["completion"] is not None for row in record.samples("say").to_pylist())


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{% for m in", "say: the model's chat template cannot be used (TemplateSyntaxError"),
        ("hello", "say: the model's chat template leaves out the question"),
        (EACH + "{{ m.content[:50] }}" + DONE, "say: the model's chat template leaves out a question"),
    ],
)  # fmt: skip
def test_a_broken_template_names_the_task(ask: Ask, tmp_path: Path, template: str, says: str) -> None:
    write_task(tmp_path / "tasks", "say", [{**ROWS[0], "question": "the cat and the dog " * 5}], **GENERATE)
    done = ask(template)
    # A task that the template can show whole is asked.
    assert done.code == 2
    assert says.replace("say: ", "say is left out: ") in done.err or says in done.sentence()


def test_named_templates(ask: Ask, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "chat_template.jinja").unlink()
    named = [
        {"name": name, "template": f"<{name}>" + "{{ messages[-1]['content'] }}"}
        for name in ("rag", "tool_use")
    ]
    edit_json(folder / "tokenizer_config.json", chat_template=named)

    def run(*more: str) -> Outcome:
        return call("run", "--tasks", "say", "--include", tmp_path / "tasks", "--model", folder,
                    "--out", tmp_path / "out", "--store", "none", *more)  # fmt: skip

    said = run().sentence()
    assert "say: the tokenizer has several chat templates" in said
    assert "(rag, tool_use)" in said
    assert "--chat off" in said
    assert "its templates are rag, tool_use" in run("--chat-template", "rage").sentence()
    assert "leave out one" in run("--chat-template", "rag", "--chat", "off").sentence()
    records = [read_record(run("--chat-template", name).record) for name in ("rag", "tool_use")]
    for record, name in zip(records, ("rag", "tool_use"), strict=True):
        assert _prompts(record, "say")[0] == f"<{name}>what is the mat?"
        assert f" chat:on template:{name} " in _signatures(record)["say"]
        assert record.manifest.model.details["chat_template"].startswith(f"{name} (sha256")
    assert records[0].manifest.model.fingerprint != records[1].manifest.model.fingerprint
    assert (
        "takes no chat template"
        in call(
            "run",
            "--tasks",
            "say",
            "--include",
            tmp_path / "tasks",
            "--model",
            "builtin:says_no",
            "--chat-template",
            "rag",
        ).sentence()
    )


class _Later(datetime.datetime):
    """A clock that runs on by a day at each look."""

    looks = 0

    @classmethod
    def now(cls, tz: Any = None) -> _Later:
        cls.looks += 1
        return cls(2030, 1, 1) + datetime.timedelta(days=cls.looks)


@pytest.mark.parametrize("frozen", [True, False])
def test_a_template_that_reads_the_clock(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frozen: bool
) -> None:
    """The record's prompt is what was read, and no answer to another text is taken for its own."""
    from transformers.utils import chat_template_utils

    monkeypatch.setattr(chat_template_utils, "datetime", _Later)
    if not frozen:  # as with a transformers that has no such function
        monkeypatch.setattr("lsm_eval.models.chat_template._NOW", "no_such_function")
    template = "{{ strftime_now('%Y-%m-%d') }} {{ messages[-1]['content'] }}"
    outcomes = [ask(template, tasks="say", store=tmp_path / "store") for _ in range(2)]
    records = [read_record(outcome.record) for outcome in outcomes]
    prompts = [_prompts(record, "say") for record in records]
    hits = [record.manifest.requests["from_store"] for record in records]
    if frozen:
        assert prompts[0] == prompts[1] == [f"2024-07-26 {row['question']}?" for row in ROWS]
        assert hits == [0, 3]
        assert records[0].manifest.model.details["chat_clock"].startswith("2024-07-26 ")
    else:
        assert not set(prompts[0]) & set(prompts[1])
        assert hits == [0, 0], "asked anew"
        assert "chat_clock" not in records[0].manifest.model.details
    with (outcomes[0].record / "manifest.json").open() as file:
        assert json.load(file)["settings"]["chat_template"] is None
