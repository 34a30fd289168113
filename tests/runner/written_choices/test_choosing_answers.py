"""What a server answers where the letter of a choice is wanted: read, held to the letters, missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chosen_runs import questions_to, record_of, saying
from command_line import Outcome, call
from openai_server import Body, completion, prompt_of, serving
from rendered import text_of

from lsm_eval.recount.check import check_record
from lsm_eval.runner.written_choices.read import bounds

pytestmark = pytest.mark.usefixtures("one_thread", "own_cache")


def test_an_answer_that_names_no_choice_is_missing_and_not_wrong(far: Callable[..., Outcome]) -> None:
    said = ["A", "The answer is B.", "I cannot tell.", "A or B, who knows", "**B**", "b"]
    with serving(answer=saying(lambda at: said[at % 6])) as server:
        done = far(server, "--max-concurrency", "1")
        record = record_of(done)
        assert questions_to(server)[0]["max_tokens"] == 256
        assert not {"response_format", "structured_outputs"} & set(questions_to(server)[0])
    (row,) = record.estimates
    assert (row.metric, row.n, row.missing) == ("acc(generated)", 16, 8)
    table = record.samples("choose")
    assert table["failure"].to_pylist()[2] == "unread"
    assert table["completion"].to_pylist()[2] == "I cannot tell.", "what was said is kept"
    assert table["failure_detail"].to_pylist()[3] == "it names none of its choices, or several"
    assert record.tasks["choose"].failures == {"unread": 8}
    right = round((row.value or 0) * 16)
    assert (
        f"choose: acc(generated) is of the 16 answers that name a choice; with the 8 missing ones all wrong it is "
        f"{right / 24:.2%}, with all right {(right + 8) / 24:.2%}."
    ) in done.err
    assert "openai:small tells no log-probabilities: choose is asked to write the label" in done.err
    assert "read from what it writes" in done.err
    assert "The thoughts of" not in done.err


@pytest.mark.parametrize("field", ["structured_outputs", "guided_choice", "response_format"])
@pytest.mark.parametrize("chat", ["on", "off"])
def test_answers_are_held_where_the_server_was_seen_to_hold_them(
    field: str, chat: str, far: Callable[..., Outcome]
) -> None:
    from dialects import Dialect

    dialect = Dialect(obeys=(field,))
    with serving(answer=dialect, probe=dialect) as server:
        record = record_of(far(server, "--chat", chat))
        assert all(field in body for body in questions_to(server))
        assert all("stop" not in body for body in questions_to(server))
    assert record.tasks["choose"].choices == "generated/constrained"
    (row,) = record.estimates
    assert (row.n, row.missing) == (24, 0)
    before = "" if chat == "on" else " "
    assert set(record.samples("choose")["completion"].to_pylist()) <= {f"{before}{one}" for one in "ABCD"}


def test_a_server_that_breaks_its_word(far: Callable[..., Outcome]) -> None:
    from dialects import Dialect

    dialect = Dialect(obeys=("response_format",))
    with serving(answer=lambda body: completion(body, '{"answer": "perhaps"}'), probe=dialect) as server:
        record = record_of(far(server))
    assert record.tasks["choose"].failures == {"unread": 24}
    (detail,) = set(record.samples("choose")["failure_detail"].to_pylist())
    assert detail == "it names none of its choices, or several, although it was held to them"
    assert record.estimates[0].value is None


def test_choices_that_ran_out_of_tokens_are_counted(far: Callable[..., Outcome], tmp_path: Path) -> None:
    """Some before a choice was named, some after, some inside thoughts: neither is taken for the other."""
    said = [("B", "stop"), ("Well, let me see", "length"), ("B, since", "length"), ("<think>\nhm", "length")]
    numbers: dict[str, int] = {}

    def answer(body: Body) -> Any:
        text, finish = said[numbers.setdefault(prompt_of(body), len(numbers)) % 4]
        return completion(body, text, finish=finish)

    with serving(answer=answer) as server:
        done = far(server, "--max-concurrency", "1")
        site = call("leaderboard", tmp_path / "reports", "--out", tmp_path / "site")
        plain = far(server, "--max-concurrency", "1", "--chat", "off")
    record = record_of(done)
    row = record.tasks["choose"].cut_off
    assert row is not None
    assert (row.samples, row.in_thoughts) == (18, 6)
    assert record.tasks["choose"].failures == {"truncated": 6, "unread": 6}
    (bound,) = row.bounds
    assert bound.metric == "acc(generated)"
    assert (
        "choose: warning: 18 of 24 answers ran out of tokens (75.0 %, 6 of them inside thoughts)" in done.err
    )
    assert record_of(plain).tasks["choose"].cut_off is None, "a base model goes on, whatever it said"
    for folder in (done.record, plain.record):
        assert check_record(folder).problems == ()
    assert site.code == 0, site.err
    (page,) = (tmp_path / "site" / "models").glob("*.html")
    assert "18 of 24 answers ran out of tokens, 6 of them inside thoughts; " in text_of(page.read_text())


def test_thoughts_are_no_part_of_a_choice(far: Callable[..., Outcome]) -> None:
    with serving(answer=lambda body: completion(body, "<think>\nA? No, D.\n</think>\nB")) as server:
        record = record_of(far(server))
    assert record.tasks["choose"].thoughts == 24
    assert record.estimates[0].missing == 0


def test_bounds_of_what_is_missing() -> None:
    from lsm_eval.metrics.base import Measurement

    own = [Measurement((1.0, 1.0)), Measurement((0.0, 1.0)), None, None]
    assert bounds(own, 2) == (0.25, 0.75)
    assert bounds([], 2) == (0.0, 1.0)
    assert bounds([], 0) is None
    assert bounds([Measurement((1.0, 2.0, 3.0))], 1) is None
