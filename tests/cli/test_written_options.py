"""`--system`, `--temperature`, `--top-p` and `--stop`: in the requests of written answers, in their signatures and the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import GENERATE, QUESTIONS, Outcome, Runner, write_task
from tiny_models import CHAT, save_model

from lsm_eval.results.reader import Record, read_record


@pytest.fixture(scope="module")
def chatting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a chat template."""
    return save_model(tmp_path_factory.mktemp("chatting"), chat=CHAT, context=256)


def asked(run: Runner, *more: str | Path, **which: Any) -> Record:
    done = run(*more, **{"tasks": "say", **which})
    assert done.code == 0, done.err
    return read_record(done.record)


def signatures(record: Record, task: str = "say") -> list[str]:
    return [row.signature for row in record.estimates if row.task == task]


def texts(record: Record) -> list[str]:
    return list(record.samples("say")["completion"].to_pylist())


def refused(done: Outcome) -> str:
    return [line for line in done.err.splitlines() if line.startswith("lsm-eval: ")][-1]


def test_a_system_message_stands_in_chats(run: Runner, chatting: Path, tmp_path: Path) -> None:
    plain = asked(run, model=chatting)
    record = asked(run, "--system", "You are the cat", model=chatting)
    (tmp_path / "system.txt").write_text("You are the cat\n")
    same = asked(run, "--system", f"@{tmp_path}/system.txt", model=chatting)
    before, prompt = (one.samples("say")["prompt"][0].as_py() for one in (plain, record))
    assert "You are the cat" in prompt
    assert "You are the cat" not in before
    assert signatures(record) == signatures(same) != signatures(plain)
    assert all(" system:" in one for one in signatures(record))
    assert record.manifest.settings["system"] == "You are the cat"
    assert "system" not in plain.manifest.settings


def test_without_a_template_it_stands_before_the_prompt(run: Runner) -> None:
    record = asked(run, "--system", "You are the cat")
    assert record.samples("say")["prompt"][0].as_py().startswith("You are the cat\n\n")


def test_scored_tasks_stay_as_they_are_and_that_is_said(run: Runner) -> None:
    options = ("--system", "You are the cat", "--temperature", "0.8", "--stop", "cat")
    done = run(*options, tasks="choose,say")
    assert done.code == 0, done.err
    assert "--system, --temperature, --stop has no part in choose" in done.err
    record, plain = read_record(done.record), asked(run, tasks="choose")
    assert signatures(record, "choose") == signatures(plain, "choose")
    assert "no part" not in run(tasks="choose,say").err
    assert "has it write none" in run(*options, tasks="choose").sentence()


def test_answers_are_drawn_by_the_seed(run: Runner) -> None:
    greedy = asked(run)
    drawn = asked(run, "--temperature", "1.5", "--top-p", "0.9", "--store", "none")
    again = asked(run, "--temperature", "1.5", "--top-p", "0.9", "--store", "none")
    other = asked(run, "--temperature", "1.5", "--top-p", "0.9", "--seed", "3")
    assert texts(drawn) == texts(again)
    assert len({tuple(texts(one)) for one in (greedy, drawn, other)}) == 3
    assert all(" temperature:1.5 top_p:0.9 " in one and " seed:0 " in one for one in signatures(drawn))
    assert all(" seed:3 " in one for one in signatures(other))
    assert drawn.manifest.settings["temperature"] == 1.5
    assert signatures(asked(run, "--temperature", "0")) == signatures(greedy)


def test_stop_strings_take_the_place_of_the_tasks_own(run: Runner) -> None:
    long = asked(run, "--stop", "\u2603", "--max-tokens", "40")
    (word,) = {text.strip()[:1] for text in texts(long)[:1]}
    cut = asked(run, "--stop", word, "--max-tokens", "40")
    assert not any(word in text for text in texts(cut))
    assert any(word in text for text in texts(long))
    assert {one.partition(" stop:")[0] for one in signatures(cut)} == {
        one.partition(" stop:")[0] for one in signatures(long)
    }
    assert signatures(cut) != signatures(long)


def test_a_task_that_draws_keeps_its_first_answer(run: Runner, tmp_path: Path) -> None:
    fields = {
        **GENERATE,
        "draws": {"n": 2, "temperature": 0.5},
        "metrics": [{"greedy": {"of": "exact_match"}}],
    }
    write_task(tmp_path / "tasks", "several", QUESTIONS[:4], **fields)
    which: dict[str, Any] = {"tasks": "several", "include": tmp_path / "tasks"}
    own = run("--store", "none", **which)
    assert own.code == 0, own.err
    other = run("--temperature", "2", "--store", "none", **which)
    assert other.code == 0, other.err
    before, after = (read_record(one.record).samples("several") for one in (own, other))
    assert before["completion"].to_pylist() == after["completion"].to_pylist(), "the greedy one"
    assert before["further"].to_pylist() != after["further"].to_pylist()
    same = run("--temperature", "0.5", "--store", "none", **which)
    assert signatures(read_record(same.record), "several") == signatures(read_record(own.record), "several")
    assert "would make all the same" in refused(run("--temperature", "0", **which))


def test_a_task_with_a_system_message_of_its_own_is_left_out(run: Runner, tmp_path: Path) -> None:
    write_task(tmp_path / "tasks", "guarded", QUESTIONS[:4], **GENERATE, system="Keep it.")
    write_task(tmp_path / "tasks", "open", QUESTIONS[:4], **GENERATE)
    done = run("--system", "Tell it.", tasks="guarded,open", include=tmp_path / "tasks")
    assert done.code == 2
    record = read_record(done.record)
    assert list(record.tasks) == ["open"]
    assert "a system message of its own" in record.manifest.left_out[0].why


def test_a_sample_that_is_missing_stays_so(run: Runner, tmp_path: Path) -> None:
    rows = [*QUESTIONS[:3], {**QUESTIONS[3], "question": None}]
    write_task(tmp_path / "tasks", "holey", rows, **GENERATE, nulls="missing")
    options = ("--temperature", "1", "--stop", "cat", "--system", "Be brief.", "--max-tokens", "3")
    done = run(*options, tasks="holey", include=tmp_path / "tasks")
    assert done.code == 0, done.err
    assert read_record(done.record).tasks["holey"].failures == {"null": 1}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--temperature", "-1"], "--temperature -1: give 0"),
        (["--temperature", "nan"], "--temperature nan: give 0"),
        (["--top-p", "0.9"], "--top-p says from which tokens answers are drawn: give --temperature above 0"),
        (["--temperature", "1", "--top-p", "0"], "--top-p 0: give a number above 0 and at most 1."),
        (["--stop", ""], "--stop is empty"),
        (["--system", ""], "--system is empty"),
        (["--system", "@gone.txt"], "--system @gone.txt: cannot be read"),
    ],
)
def test_what_has_no_meaning_is_refused(run: Runner, options: list[str], expected: str) -> None:
    assert run(*options, tasks="say").sentence().startswith(expected)
