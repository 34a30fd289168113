"""Answers that a stop string ends before there is one: none in chats, and counted where there are any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import GENERATE, Outcome, Runner, write_task
from tiny_models import CHAT, save_model

from lsm_eval.leaderboard.build import build
from lsm_eval.requests import Failure, Generate, Generated, Response, Score
from lsm_eval.results.reader import Record, read_record
from lsm_eval.runner.at_start import stopped_at_start

ASKED = Generate("p", stop=("\n\n",))


@pytest.mark.parametrize(
    ("request_", "response", "counted"),
    [
        (ASKED, Generated("", 1, "stop"), True),
        (ASKED, Generated(" \n", 2, "stop"), True),
        (ASKED, Generated("Dialogue:", 3, "stop"), True),
        (ASKED, Generated("摘要：", 3, "stop"), True),
        (ASKED, Generated("Dialogue:", 3, "stop", thoughts="so"), True),
        (ASKED, Generated("Two friends meet.", 5, "stop"), False),
        (ASKED, Generated("Anna:\nhello:", 5, "stop"), False),
        # The end of text came first, or the tokens ran out, or thoughts were all there is.
        (ASKED, Generated("", 0, "stop"), False),
        (ASKED, Generated("", 1, "length"), False),
        (ASKED, Generated("", 9, "stop", thoughts="so"), False),
        (ASKED, Failure("too_long", "it is"), False),
        (Generate("p"), Generated("Dialogue:", 3, "stop"), False),
        (Score("p", ("a",)), Failure("nan", "it is"), False),
    ],
)
def test_which_answers_were_stopped_at_their_start(request_: Any, response: Response, counted: bool) -> None:
    assert stopped_at_start(request_, response) is counted


def test_a_chat_is_not_stopped_and_a_continuation_that_is_stopped_at_once_is_counted(tmp_path: Path) -> None:
    """Where stop strings are every first character that the model writes, each text ends before its first word."""
    folder, rows = (
        tmp_path / "tasks",
        [{"question": word, "answer": "nine"} for word in ("one", "two", "six")],
    )
    fields = {**GENERATE, "prompt": "{{ question }}", "target": "{{ answer }}", "max_tokens": 6, "stop": []}
    run = Runner(save_model(tmp_path / "model", chat=CHAT), folder, tmp_path / "reports")

    def asked(name: str, chat: str, stop: list[str]) -> tuple[Record, Outcome]:
        write_task(folder, name, rows, **{**fields, "stop": stop})
        done = run("--chat", chat, tasks=name)
        assert done.code == 0, done.err
        return read_record(done.record), done

    free, _ = asked("free", "off", [])
    stops = sorted({text[0] for text in free.samples("free")["completion"].to_pylist()})
    stopped, done = asked("stopped", "off", stops)
    (row,) = stopped.manifest.tasks
    assert row.stopped_at_start == 3
    assert stopped.samples("stopped")["completion"].to_pylist() == ["", "", ""]
    assert "stopped: 3 of 3 samples have an answer that a stop string ended at its start" in done.err
    assert " stop:" not in stopped.estimates[0].signature

    bare, _ = asked("bare", "on", [])
    replies = bare.samples("bare")["completion"].to_pylist()
    talk, done = asked("talk", "on", sorted({text[0] for text in replies}))
    (row,) = talk.manifest.tasks
    assert row.stopped_at_start == 0
    assert "ended at its start" not in done.err
    assert talk.samples("talk")["completion"].to_pylist() == replies
    assert " chat:on stop:none " in talk.estimates[0].signature
    assert " stop:" not in bare.estimates[0].signature

    site = build(stopped.folder, tmp_path / "site").parent
    page = next((site / "models").glob("*.html")).read_text("utf-8")
    assert "3 ended by a stop string at their start" in page
