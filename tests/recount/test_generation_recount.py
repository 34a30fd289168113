"""What a run says of how texts are written: true records are whole, and each way of contradicting the signature is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import GENERATE, QUESTIONS, SCORE, Runner, write_task
from tiny_models import CHAT, save_model

from lsm_eval.recount.check import check_record

SAID = ("--system", "You are the cat", "--temperature", "0.7", "--top-p", "0.9", "--stop", "dog")
NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}" + CHAT
TASKS = "choose,say,several"


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`choose`, `say`, and `several`, which draws answers by itself, at 0.5 and 0.8."""
    folder = tmp_path_factory.mktemp("tasks")
    write_task(folder, "choose", QUESTIONS[:4], **SCORE)
    write_task(folder, "say", QUESTIONS[:4], **GENERATE)
    draws = {"n": 2, "temperature": 0.5, "top_p": 0.8}
    own = {**GENERATE, "draws": draws, "metrics": [{"greedy": {"of": "exact_match"}}]}
    write_task(folder, "several", QUESTIONS[:4], **own)
    return folder


@pytest.fixture
def run(tiny_llama: Path, tasks: Path, tmp_path: Path, own_cache: Path, one_thread: None) -> Runner:
    """Calls `lsm-eval run`."""
    return Runner(tiny_llama, tasks, tmp_path / "reports")


def made(run: Runner, *more: str, **which: Any) -> Path:
    done = run(*more, **{"tasks": TASKS, **which})
    assert done.code == 0, done.err
    return done.record


@pytest.mark.parametrize(
    "options",
    [
        (),
        SAID,
        ("--temperature", "0"),
        ("--temperature", "0.5", "--top-p", "0.8"),
        ("--temperature", "0.5", "--top-p", "1"),
        (*SAID, "--choices", "parsed", "--overflow", "truncate"),
        ("--system", "My key is hf_abcdefghijklmnopqrstuvw", "--stop", "a", "--stop", "\u2603"),
    ],
)
def test_true_records_are_whole(run: Runner, options: tuple[str, ...]) -> None:
    which = {"tasks": "choose,say"} if options == ("--temperature", "0") else {}
    record = made(run, *options, **which)
    assert check_record(record).problems == ()


def test_in_chats(run: Runner, tasks: Path, tmp_path: Path) -> None:
    """A template may take no system message, and stop strings of the task's own give way in a chat."""
    write_task(tmp_path / "more", "guarded", QUESTIONS[:4], **GENERATE, system="Keep it.")
    write_task(tmp_path / "more", "open", QUESTIONS[:4], **GENERATE)
    for chat in (CHAT, NO_SYSTEM):
        model = save_model(tmp_path / f"chatting-{len(chat)}", chat=chat, context=256)
        for options, names in (((), "guarded,open"), (SAID, "open")):
            record = made(run, *options, tasks=names, model=model, include=tmp_path / "more")
            assert check_record(record).problems == ()
            rows = json.loads((record / "estimates.json").read_text())
            stop = " stop:none " if not options else " stop:"
            assert all(stop in row["signature"] for row in rows)
            if chat == NO_SYSTEM:
                folded = "/folded " if options else " system:folded "
                assert any(folded in row["signature"] for row in rows)


@pytest.fixture(scope="module")
def told_once(tiny_llama: Path, tasks: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A record of a run that says all of it, and one of a run that says nothing."""
    folder = tmp_path_factory.mktemp("stated")
    runner = Runner(tiny_llama, tasks, folder / "reports")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSM_EVAL_CACHE", str(folder / "cache"))
        return {"stated": made(runner, *SAID), "plain": made(runner)}


def settings(record: Path, **values: Any) -> None:
    path = record / "manifest.json"
    content = json.loads(path.read_text())
    content["settings"].update(values)
    path.write_text(json.dumps(content))


def signature(record: Path, old: str, new: str, task: str = "say") -> None:
    """Change a part of the signatures of a task."""
    path = record / "estimates.json"
    rows = json.loads(path.read_text())
    for row in rows:
        if row["task"] == task:
            assert old in row["signature"]
            row["signature"] = row["signature"].replace(old, new)
    path.write_text(json.dumps(rows))


TAMPERED: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "another temperature": ("stated", lambda r: settings(r, temperature=0.8), "says '0.7' of temperature, and by manifest.json it would say '0.8'"),
    "no temperature": ("stated", lambda r: settings(r, temperature=None), "says '0.7' of temperature, and by manifest.json it would say nothing"),
    "temperature not signed": ("stated", lambda r: signature(r, " temperature:0.7", ""), "says nothing of temperature, and by manifest.json it would say '0.7'"),
    "greedy, it is said": ("plain", lambda r: settings(r, temperature=0.7), "say, exact_match: its signature says nothing of temperature"),
    "signed alone": ("plain", lambda r: signature(r, " metric:", " temperature:2 metric:"), "says '2' of temperature, and by manifest.json it would say nothing"),
    "several, another one": ("stated", lambda r: signature(r, " temperature:0.7", " temperature:0.6", "several"), "several, greedy: its signature says '0.6' of temperature"),
    "another top p": ("stated", lambda r: settings(r, top_p=0.5), "says '0.9' of top_p, and by manifest.json it would say '0.5'"),
    "top p not signed": ("stated", lambda r: signature(r, " top_p:0.9", ""), "says nothing of top_p"),
    "temperature in words": ("stated", lambda r: settings(r, temperature="hot"), "says of temperature 'hot', which is not valid"),
    "another system message": ("stated", lambda r: settings(r, system="You are the dog"), "of system, and by manifest.json it would say"),
    "no system message": ("stated", lambda r: settings(r, system=None), "of system, and by manifest.json it would say nothing"),
    "system message not signed": ("plain", lambda r: settings(r, system="You are the cat"), "says nothing of system"),
    "hidden and not signed": ("plain", lambda r: settings(r, system="My key is ***"), "says nothing of system, and by manifest.json it would say 'a hash'"),
    "system message hidden": ("plain", lambda r: signature(r, " metric:", " system:0123456789ab metric:"), "says '0123456789ab' of system, and by manifest.json it would say nothing"),
    "another stop string": ("stated", lambda r: settings(r, stop=["cat"]), "of stop, and by manifest.json it would say"),
    "no stop string": ("stated", lambda r: settings(r, stop=None), "of stop, and by manifest.json it would say nothing"),
    "stop strings no list": ("stated", lambda r: settings(r, stop="dog"), "says of stop 'dog', which is not valid"),
    "a chat's, without one": ("plain", lambda r: signature(r, " metric:", " stop:none metric:"), "says 'none' of stop"),
}  # fmt: skip


@pytest.mark.parametrize("how", list(TAMPERED))
def test_tampering_is_named(told_once: dict[str, Path], tmp_path: Path, how: str) -> None:
    which, tamper, said = TAMPERED[how]
    record = Path(shutil.copytree(told_once[which], tmp_path / "record"))
    assert check_record(record).whole
    tamper(record)
    found = check_record(record).problems
    assert any(said in problem for problem in found), found
    assert not any(problem.startswith("choose, ") for problem in found), "nothing is written there"


def test_another_tools_settings_are_its_own(told_once: dict[str, Path], tmp_path: Path) -> None:
    """Inspect's have these names, and signatures of imported numbers say nothing of them."""
    record = Path(shutil.copytree(told_once["plain"], tmp_path / "record"))
    settings(record, temperature=0.7, top_p=0.9, reasoning_tokens=5, reasoning_effort="low")
    assert not check_record(record).whole
    path = record / "manifest.json"
    content = json.loads(path.read_text())
    content["imported"] = {"tool": "inspect", "version": None, "files": {}, "lacking": []}
    path.write_text(json.dumps(content))
    assert check_record(record).problems == ()
