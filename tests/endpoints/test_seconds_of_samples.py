"""How long each sample's answer took: in the table, over a run that goes on, and on the page of samples."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from command_line import GENERATE, QUESTIONS, Runner, call, write_task
from openai_server import Ask, Body, Server, echo, prompt_of, serving

from lsm_eval.comparison.find import find
from lsm_eval.inference.store import ResponseStore
from lsm_eval.leaderboard.build import build
from lsm_eval.leaderboard.outcomes.flags import Flag
from lsm_eval.paths import cache_dir
from lsm_eval.request_json import dump_answer, load_answer
from lsm_eval.requests import Generated, Likelihood, Scored, set_seconds
from lsm_eval.results.reader import Record, read_record

SLOW = f"{QUESTIONS[13]['question']}?"


def slow_once(body: Body) -> Any:
    """One question takes longer than all others. The server's one thread waits, so the test asks one at a time."""
    time.sleep(0.3 if prompt_of(body) == SLOW else 0.01)
    return echo(body)


def table(done: Any, task: str = "say") -> dict[str, list[Any]]:
    assert done.code == 0, done.err
    found: dict[str, list[Any]] = read_record(done.record).samples(task).to_pydict()
    return found


def opened() -> ResponseStore:
    """The one store that is there."""
    (path,) = (cache_dir() / "responses").glob("*.sqlite")
    return ResponseStore(path.parent, path.stem)


def letters(page: Path) -> list[int]:
    """The flags of a page's samples."""
    (about,) = re.findall(r'data-name="samples">(.*?)</script>', page.read_text(encoding="utf-8"))
    return ["ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef".index(letter) for letter in json.loads(about)["index"]]


def test_a_slow_answer_is_told_by_the_record_and_shown_by_the_site(ask: Ask, tmp_path: Path) -> None:
    with serving(answer=slow_once) as server:
        done = ask(server, "--max-concurrency", "1")
        seconds = table(done)["seconds"]
        again = ask(server, "--max-concurrency", "1")
        assert len(server.bodies) == 24, "all answers were in the store"
    assert min(seconds) >= 0.01
    assert max(range(24), key=lambda at: seconds[at]) == 13
    assert 0.3 <= seconds[13] < 10
    assert all(round(one, 6) == one for one in seconds)
    (latency,) = read_record(done.record).manifest.latency or []
    assert latency.times[0].mean == pytest.approx(sum(seconds) / 24, rel=1e-3), "the same times"
    assert read_record(again.record).manifest.latency is None
    assert table(again)["seconds"] == seconds, "of when they were asked"

    assert call("record", "check", done.record).code == 0
    found: Record = find(str(done.record))
    assert found.manifest.run == read_record(done.record).manifest.run
    site = build(tmp_path / "reports", tmp_path / "site", samples=24).parent
    (page,) = [one for one in (site / "samples").rglob("say*.html") if ".2." not in one.name]
    slow = [at for at, flag in enumerate(letters(page)) if flag & Flag.SLOW]
    assert len(slow) == 2, "the slowest twentieth of 24"
    assert 13 in slow
    article = page.read_text(encoding="utf-8").partition('id="s13"')[2].partition("</article>")[0]
    words = " ".join(re.sub(r"<[^>]*>", " ", article).split())
    assert " slow " in words
    assert f" seconds {seconds[13]:.3f} " in words


def test_a_run_that_goes_on_keeps_the_times_that_it_has(server: Server, ask: Ask, tmp_path: Path) -> None:
    """Half of the answers are there: those keep their times, and no other has one of theirs."""
    first = table(ask(server))
    with opened() as store, store._db:
        rows = store._db.execute("SELECT key FROM answers ORDER BY key").fetchall()
        store._db.executemany("DELETE FROM answers WHERE key = ?", rows[::2])
    server.seconds = 0.05
    second = table(ask(server))
    assert len(server.bodies) == 24 + 12
    kept = [at for at in range(24) if second["seconds"][at] == first["seconds"][at]]
    assert len(kept) == 12
    assert all(second["seconds"][at] >= 0.05 for at in range(24) if at not in kept)
    del first["seconds"], second["seconds"]
    assert first == second


def test_answers_of_an_older_store_have_no_time(server: Server, ask: Ask) -> None:
    """They are not asked again for it, and the table is what it was before there were times."""
    first = table(ask(server))
    with opened() as store:
        keys = [one for (one,) in store._db.execute("SELECT key FROM answers").fetchall()]
        for one, (answer, plan) in store.get(keys).items():
            older = load_answer(re.sub(r', "seconds": [0-9.e-]+', "", dump_answer(answer)))
            assert (older, older.seconds) == (answer, None)
            store.put({one: older}, plan)
    second = table(ask(server))
    assert len(server.bodies) == 24
    assert "seconds" not in second
    del first["seconds"]
    assert first == second


def test_a_sample_of_several_requests_has_their_sum(server: Server, ask: Ask, tmp_path: Path) -> None:
    server.seconds = 0.02
    draws = {"n": 3, "temperature": 0.7}
    metrics = [{"pass@k": {"of": "exact_match", "k": [1]}}]
    write_task(tmp_path / "own", "drawn", QUESTIONS[:4], **{**GENERATE, "draws": draws, "metrics": metrics})
    done = ask(server, tasks="drawn", include=tmp_path / "own")
    found = table(done, "drawn")
    with opened() as store:
        keys = [one for (one,) in store._db.execute("SELECT key FROM answers").fetchall()]
        kept = [answer.seconds or 0.0 for answer, _ in store.get(keys).values()]
    assert len(kept) == len(server.bodies)
    for took, further in zip(found["seconds"], found["further"], strict=True):
        own = [part["seconds"] for part in json.loads(further)]
        assert set(own) <= set(kept)
        assert round(took - sum(own), 6) in kept, "the first request's"
        assert took >= (1 + len(own)) * 0.02
    assert call("record", "check", done.record).code == 0


def test_what_was_not_answered_has_no_time(server: Server, ask: Ask) -> None:
    def answer(body: Body) -> Any:
        refused = prompt_of(body) == SLOW
        return (400, {"error": {"message": "no"}}, {}) if refused else echo(body)

    server.answer = answer
    found = table(ask(server))
    assert [found["failure"].index("refused"), found["failure"].count("refused")] == [13, 1]
    assert [at for at, took in enumerate(found["seconds"]) if took is None] == [13]


def test_thoughts_without_an_answer_took_their_time(server: Server, ask: Ask) -> None:
    def answer(body: Body) -> Any:
        whole: Body = echo(body)
        whole["choices"][0]["message"]["content"] = "<think>\nso"
        whole["choices"][0]["finish_reason"] = "length"
        return whole

    server.answer, server.seconds = answer, 0.01
    found = table(ask(server))
    assert set(found["failure"]) == {"truncated"}
    assert min(found["seconds"]) >= 0.01


def test_a_model_that_computes_here_has_no_such_column(
    tiny_llama: Path, small_tasks: Path, tmp_path: Path
) -> None:
    done = Runner(tiny_llama, small_tasks, tmp_path / "reports")(tasks="choose,say,read")
    assert not any("seconds" in table(done, task) for task in ("choose", "say", "read"))
    with opened() as store:
        assert "seconds" not in str(store._db.execute("SELECT answer FROM answers").fetchall())


@pytest.mark.parametrize(
    "answer",
    [Generated("yes", 2, "stop"), Scored((-1.0,), (1,), (True,)), Likelihood(-2.0, 3)],
    ids=["generated", "scored", "likelihood"],
)
def test_the_time_is_no_part_of_an_answer(answer: Generated | Scored | Likelihood) -> None:
    plain = dump_answer(answer)
    assert "seconds" not in plain
    other = load_answer(plain)
    set_seconds(other, 0.12345678)
    assert (other, hash(other)) == (answer, hash(answer))
    assert load_answer(dump_answer(other)).seconds == 0.123457
    assert load_answer(plain).seconds is None


def test_two_runs_that_took_unlike_times_compare_alike(server: Server, ask: Ask, tmp_path: Path) -> None:
    one = ask(server, "--store", "none", "--name", "one")
    server.seconds = 0.05
    other = ask(server, "--store", "none", "--name", "other")
    assert table(one)["seconds"] != table(other)["seconds"]
    told = call("compare", one.record, other.record, "--json")
    assert told.code == 0, told.err
    assert '"seconds"' not in told.out
