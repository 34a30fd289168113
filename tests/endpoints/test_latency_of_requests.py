"""How long requests to a server took, in the record and in the run's last lines."""

from __future__ import annotations

import pytest
from openai_server import Ask, Server, serving

from lsm_eval.results.latency_rows import LatencyRow, TimedRow
from lsm_eval.results.reader import read_record


def latency(server: Server, ask: Ask, *more: str) -> tuple[list[LatencyRow], str]:
    done = ask(server, *more)
    assert done.code == 0, done.err
    line = next((line for line in done.out.splitlines() if line.startswith("latency: ")), "")
    return read_record(done.record).manifest.latency or [], line


def times(row: LatencyRow) -> dict[str, TimedRow]:
    return {timed.what: timed for timed in row.times}


def test_seconds_a_request(ask: Ask) -> None:
    with serving(seconds=0.05) as server:
        (row,), line = latency(server, ask, "--max-concurrency", "2", "--store", "none")
    assert (row.request, row.requests, row.output_tokens) == ("generate", 24, 48)
    own = times(row)
    assert list(own) == ["request"]
    request = own["request"]
    assert (request.n, request.requests) == (24, 1.0)
    by_share = {one.share: one for one in request.quantiles}
    assert list(by_share) == [0.5, 0.9, 0.95, 0.99]
    assert 0.05 <= by_share[0.5].seconds <= by_share[0.9].seconds <= by_share[0.99].seconds <= row.seconds
    assert by_share[0.5].low is not None, "24 times bear the interval of a median"
    assert by_share[0.95].low is None, "and not that of a p95"
    assert row.seconds >= 11 * 0.05, "two at a time"
    assert (
        row.requests_per_second == 24 / row.seconds or abs(row.requests_per_second * row.seconds - 24) < 0.1
    )
    assert "a request p50 " in line
    assert "(n 24)" in line
    assert "p95" not in line


@pytest.mark.slow  # tries wait for one another
def test_tries_that_failed_are_apart(ask: Ask) -> None:
    with serving(seconds=0.01, fault_rate=0.3, faults=("500", "reset before")) as server:
        (row,), _ = latency(server, ask, "--store", "none")
        assert sum(server.counts.values()) > 0
    assert times(row)["request"].n == 24, "one time a request, however often it was tried"


def test_first_token_of_streams(ask: Ask) -> None:
    with serving(seconds=0.02) as server:
        (row,), line = latency(server, ask, "--stream", "on", "--store", "none")
    own = times(row)
    assert own["request"].n == own["first_token"].n == 24
    assert 0.02 <= own["first_token"].mean <= own["request"].mean
    assert "to the first token p50 " in line


def test_answers_from_the_store_have_no_time(server: Server, ask: Ask) -> None:
    first, _ = latency(server, ask)
    assert times(first[0])["request"].n == 24
    again, line = latency(server, ask)
    assert (again, line) == ([], "")
