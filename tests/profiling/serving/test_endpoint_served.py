"""Profiles of servers whose pace is known: what is found is what they were built with."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import pytest
from command_line import Outcome, call, environment
from paced_server import paced, told

from lsm_eval.profiling.serving import formulas, watch
from lsm_eval.profiling.serving.checks import self_check
from lsm_eval.profiling.serving.drive import SentLoad
from lsm_eval.profiling.serving.measure import from_row, likeness
from lsm_eval.profiling.serving.numbers import numbers
from lsm_eval.profiling.serving.objective import Objective
from lsm_eval.profiling.serving.stamps import Chunk, TimedRequest
from lsm_eval.recount.check import check_record
from lsm_eval.results.profile_rows import CellRow, ProfileRow
from lsm_eval.results.reader import read_record

Profiled = tuple[Outcome, ProfileRow, list[TimedRequest], str]
Profile = Callable[..., Profiled]


@pytest.fixture
def profile(tmp_path: Path) -> Iterator[Profile]:
    """`lsm-eval profile` of a paced server; arguments, and what the server does."""
    with ExitStack() as stack:

        def run(*arguments: str, **does: Any) -> Profiled:
            url = stack.enter_context(paced(**does))
            command = ["profile", "--model", "openai:paced", "--base-url", url, "--out", str(tmp_path)]
            found = call(*command, *arguments)
            if found.code == 2:
                return found, None, [], url  # type: ignore[return-value]
            assert check_record(found.record).problems == ()
            record = read_record(found.record)
            profile = record.manifest.profile
            assert profile is not None
            rows = record.measurements("requests").to_pylist()
            return found, profile, [from_row(row) for row in rows], url

        yield run


def value(cell: CellRow, metric: str) -> float | None:
    (found,) = [one for one in cell.metrics if one.metric == metric]
    return found.value


def why(cell: CellRow, metric: str) -> str | None:
    (found,) = [one for one in cell.metrics if one.metric == metric]
    return found.why


def own_times(url: str, part: int, number: int = 16) -> list[float]:
    """Seconds from when the server had read a request until it wrote its part of this number, by the server's own clock: of its last
    requests, in order of size."""
    return sorted((times[part] - times[0]) * 1e-9 for times in told(url)["times"][-number:])


def no_earlier(ours: list[float], theirs: list[float], least: float) -> None:
    """A busy machine is late, and never early: whatever the load, the client saw each part after the server wrote it."""
    assert len(ours) == len(theirs)
    for seen, written in zip(sorted(ours), theirs, strict=True):
        assert least - 1e-4 <= written <= seen + 1e-4


def in_a_quiet_moment(check: Callable[[], None], tries: int = 6) -> None:
    """What is true of a machine with nothing else to do: of some tries one has to be so."""
    for left in reversed(range(tries)):
        try:
            check()
        except AssertionError:
            if not left:
                raise
            time.sleep(1.0)
        else:
            return


SMALL = ("--requests", "16", "--concurrency", "4", "--output-tokens", "12", "--prompt-tokens", "32")


def test_a_known_pace_is_found(profile: Profile) -> None:
    outcome, found, requests, url = profile(*SMALL, first=0.08, pace=0.012)
    assert outcome.code == 0
    (cell,) = found.cells
    assert (cell.n, cell.failures, found.formulas) == (16, {}, "vllm")
    no_earlier([formulas.ttft(one) for one in requests], own_times(url, 1), 0.08)
    no_earlier([formulas.e2e(one) for one in requests], own_times(url, -1), 0.08 + 11 * 0.012)
    per_token = [(formulas.e2e(one) - formulas.ttft(one)) / 11 for one in requests]
    assert value(cell, "tpot_p50") == pytest.approx(median(per_token), abs=1e-7)
    seconds = max(one.ended or 0 for one in requests) * 1e-9
    assert value(cell, "output_tokens_per_second") == pytest.approx(16 * 12 / seconds, rel=1e-6)
    assert value(cell, "output_tokens_per_second") <= 4 * 12 / (0.08 + 11 * 0.012)  # type: ignore[operator]
    assert {one.output_tokens for one in requests} == {12}
    assert {one.counted_by for one in requests} == {"server (as many tokens as chunks)"}
    # The paced server counts words and 7 more.
    assert {one.prompt_tokens for one in requests} == {32}
    assert cell.check is not None
    assert cell.check.asked_concurrency == 4


@pytest.mark.slow
def test_a_known_pace_is_found_nearly_as_it_is(profile: Profile) -> None:
    def plain() -> None:
        _, found, _, _ = profile(*SMALL, first=0.08, pace=0.012)
        (cell,) = found.cells
        assert value(cell, "ttft_p50") == pytest.approx(0.08, rel=0.5)
        assert value(cell, "tpot_p50") == pytest.approx(0.012, rel=0.25)
        assert value(cell, "itl_p50") == pytest.approx(0.012, rel=0.6)
        assert value(cell, "e2e_p50") == pytest.approx(0.08 + 11 * 0.012, rel=0.3)

    def bundled() -> None:
        _, found, _, _ = profile(*SMALL, first=0.05, pace=0.01, bundle=4, counts="ids")
        (cell,) = found.cells
        for metric in ("chunk_gap_p90", "itl_p99"):
            assert value(cell, metric) == pytest.approx(0.04, rel=0.5)

    def queued() -> None:
        _, found, requests, _ = profile(*QUEUE, first=0.05, slots=1)
        (cell,) = found.cells
        assert value(cell, "ttft_p50") == pytest.approx(0.05 + 9.5 * 0.04, rel=0.25)
        assert value(cell, "requests_per_second") == pytest.approx(20, rel=0.2)
        assert median(one.started - (one.scheduled or 0) for one in requests) < 20e6

    for check in (plain, bundled, queued):
        in_a_quiet_moment(check)


def test_what_a_record_says_follows_from_its_stamps(profile: Profile) -> None:
    _, found, requests, _ = profile(
        *SMALL, "--objective", "ttft=90ms,tpot=15ms", first=0.05, pace=0.01, fails=[9]
    )
    (cell,) = found.cells
    assert cell.failures == {"status 503": 1}
    again = numbers(requests, 0, Objective({"ttft": 0.09, "tpot": 0.015}))
    for one, other in zip(again, cell.metrics, strict=True):
        assert (one.metric, one.n, one.missing, one.method, one.enough, one.why) == (
            other.metric, other.n, other.missing, other.method, other.enough, other.why,
        )  # fmt: skip
        for name in ("value", "low", "high"):
            ours, theirs = getattr(one, name), getattr(other, name)
            assert ours is theirs is None or ours == pytest.approx(theirs, rel=1e-6, abs=1e-8), one.metric


def test_bundles_without_counts_have_no_inter_token_latency(profile: Profile) -> None:
    outcome, found, requests, url = profile(*SMALL, first=0.05, pace=0.01, bundle=4)
    (cell,) = found.cells
    assert value(cell, "itl_p50") is None
    assert "chunks are not tokens" in (why(cell, "itl_p50") or "")
    assert "no inter-token latency: the server puts several tokens in a chunk" in outcome.err
    no_earlier([formulas.ttft(one) for one in requests], own_times(url, 1), 0.08)  # its last token's time
    no_earlier([formulas.e2e(one) for one in requests], own_times(url, -1), 0.05 + 11 * 0.01)
    gaps = [gap for one in requests for gap in formulas.chunk_gaps(one)]
    assert len(gaps) == 16 * 3
    assert value(cell, "chunk_gap_p90") == pytest.approx(
        quantiles(gaps, n=10, method="inclusive")[-1], abs=1e-6
    )
    per_token = [(formulas.e2e(one) - formulas.ttft(one)) / 11 for one in requests]
    assert value(cell, "tpot_p50") == pytest.approx(
        median(per_token), abs=1e-7
    )  # vLLM's formula, of counted tokens
    assert all(chunk.tokens is None for one in requests for chunk in one.chunks)


@pytest.mark.parametrize(
    ("counts", "by"), [("each", "server (a count a chunk)"), ("ids", "server (token ids)")]
)
def test_bundles_with_counts_have_one(profile: Profile, counts: str, by: str) -> None:
    _, found, requests, _ = profile(*SMALL, first=0.05, pace=0.01, bundle=4, counts=counts)
    (cell,) = found.cells
    assert {one.counted_by for one in requests} == {by}
    assert [chunk.tokens for chunk in requests[0].chunks] == [4, 4, 4, 0]
    assert value(cell, "itl_p50") == 0.0  # three of four come with the one before
    gaps = [gap for one in requests for gap in formulas.chunk_gaps(one)[:2]] + [0.0] * 16 * 9
    assert value(cell, "itl_p99") == pytest.approx(quantiles(gaps, n=100, method="inclusive")[-1], abs=1e-6)


def test_what_nobody_counts_is_not_told(profile: Profile) -> None:
    _, found, _, _ = profile(*SMALL, first=0.05, pace=0.01, counts="none")
    (cell,) = found.cells
    for metric in ("tpot_p50", "itl_p50", "output_tokens_per_second", "total_tokens_per_second"):
        assert value(cell, metric) is None
        assert why(cell, metric) == "the server counts no tokens"
    assert value(cell, "ttft_p50") is not None


@pytest.mark.parametrize("tagged", [False, True])
def test_the_answers_first_token_comes_after_the_thoughts(profile: Profile, tagged: bool) -> None:
    _, found, requests, url = profile(*SMALL, first=0.05, pace=0.01, thoughts=8, tagged=tagged)
    (cell,) = found.cells
    assert sum(chunk.thought for chunk in requests[0].chunks) == 8
    no_earlier([formulas.ttft(one) for one in requests], own_times(url, 1), 0.05)
    answered = [(one.chunks[8].at - one.started) * 1e-9 for one in requests]
    no_earlier(answered, own_times(url, 9), 0.05 + 8 * 0.01)
    assert value(cell, "ttfat_p50") == pytest.approx(median(answered), abs=1e-6)


def test_a_role_is_no_token(profile: Profile) -> None:
    _, found, _, _ = profile(*SMALL, first=0.1, pace=0.01, role_first=True)
    assert value(found.cells[0], "ttft_p50") >= 0.099  # type: ignore[operator]


def test_pieces_of_a_chunk_are_one_chunk(profile: Profile) -> None:
    _, found, requests, _ = profile(*SMALL, first=0.05, pace=0.01, split=True)
    assert {len(one.chunks) for one in requests} == {13}  # and what ends it
    assert found.cells[0].n == 16


def test_completions_are_read_too(profile: Profile) -> None:
    _, found, requests, url = profile(*SMALL, "--api", "completions", first=0.05, pace=0.01)
    assert found.cells[0].n == 16
    assert all("prompt" in body for body in told(url)["asked"])
    assert {one.prompt_tokens for one in requests} == {32}


def test_failures_count_and_nothing_is_retried(profile: Profile) -> None:
    """Six requests go before the sixteen: two to get to know it, and four that open connections."""
    outcome, found, requests, url = profile(
        *SMALL,
        "--objective",
        "ttft=60s",
        "--timeout",
        "2",
        first=0.02,
        pace=0.005,
        fails=[7],
        cuts=[8],
        hangs=[9],
    )
    assert outcome.code == 5
    assert len(told(url)["asked"]) == 22
    (cell,) = found.cells
    assert cell.failures == {"status 503": 1, "connection": 1, "timeout": 1}
    assert (cell.n, len(requests)) == (13, 16)
    assert value(cell, "attainment") == 13 / 16  # they do not meet it
    assert value(cell, "error_rate") == 3 / 16
    assert "3 of 16 requests failed: 18.8 %, and --max-error-rate is 1 %" in outcome.err
    kept = [one for one in requests if one.failure == "connection"]
    assert 0 < len(kept[0].chunks) < 12  # what had come stays in the record
    lenient, *_ = profile(*SMALL, "--max-error-rate", "10%", first=0.02, pace=0.005, fails=[7])
    assert lenient.code == 0


def test_a_server_that_gives_no_streams_is_refused(profile: Profile) -> None:
    outcome, *_ = profile(*SMALL, streams=False)
    assert "openai:paced does not stream" in outcome.sentence()


def test_a_server_that_does_not_answer_is_refused(profile: Profile) -> None:
    outcome, *_ = profile(*SMALL, fails=[0])
    assert outcome.sentence() == (
        "openai:paced did not answer the first request (status 503: too busy): fix that before its speed is measured."
    )


def test_a_rate_is_not_looked_for_where_its_objective_cannot_be_known(profile: Profile) -> None:
    outcome, *_ = profile(
        "--find-rate", "--objective", "tpot=50ms,share=50%", "--output-tokens", "3", counts="none", first=0.01
    )
    assert outcome.code == 2
    assert "does not count tokens, so that the time per output token is unknown" in outcome.err


def test_a_closed_loop_ends_in_time(profile: Profile) -> None:
    _, found, requests, _ = profile(
        "--concurrency", "2", "--seconds", "0.5", "--output-tokens", "4", first=0.08, pace=0.01
    )
    (cell,) = found.cells
    assert 2 <= cell.n <= 10  # two at a time, of which each takes 110 ms or more
    assert cell.failures == {}
    assert (
        max(one.started for one in requests) <= 0.7e9
    )  # whoever looked in time may be held up before it begins
    _, found, requests, _ = profile(
        "--concurrency",
        "1",
        "--seconds",
        "60",
        "--requests",
        "3",
        "--output-tokens",
        "2",
        first=0.01,
        pace=0.01,
    )
    assert len(requests) == 3
    assert "all 3 prompts that had been made were asked" in found.notes[0]


def test_an_open_loop_keeps_to_its_times(profile: Profile) -> None:
    _, found, requests, _ = profile(
        "--rate",
        "40",
        "--arrivals",
        "gamma:0.5",
        "--requests",
        "40",
        "--output-tokens",
        "4",
        first=0.02,
        pace=0.005,
    )
    (cell,) = found.cells
    assert cell.conditions["arrivals"] == "gamma:0.5"
    assert cell.name == "serving_open_gamma-0.5_r40_p256_o4"
    late = [one.started - (one.scheduled or 0) for one in requests]
    assert min(late) >= 0
    assert (requests[-1].scheduled or 0) - (requests[0].scheduled or 0) == pytest.approx(
        39 / 40 * 1e9, rel=1e-6
    )
    assert cell.check is not None
    assert cell.check.asked_rate == 40
    assert value(cell, "ttft_scheduled_p50") >= value(cell, "ttft_p50")  # type: ignore[operator]


QUEUE = ("--rate", "100", "--arrivals", "constant", "--requests", "20", "--output-tokens", "1")


def test_a_queue_is_part_of_the_latency(profile: Profile) -> None:
    """Ten arrivals a tenth of a second at a server that needs 50 ms for each, one at a time: whatever the load, the k-th answer is
    not there before k times 50 ms, and who came late to ask has waited all the same."""
    _, found, requests, _ = profile(*QUEUE, first=0.05, slots=1)
    (cell,) = found.cells
    assert cell.n == 20
    ends = sorted(one.chunks[-1].at * 1e-9 for one in requests)
    for at, end in enumerate(ends):
        assert end >= 0.05 * (at + 1) - 1e-3
    assert all(one.started >= (one.scheduled or 0) for one in requests)
    waits = [formulas.waited(one) + formulas.ttft(one) for one in requests]
    assert sum(waits) / 20 >= 0.05 + 9.5 * 0.04 - 1e-3
    assert value(cell, "ttft_scheduled_p50") == pytest.approx(median(waits), abs=1e-6)
    assert value(cell, "requests_per_second") <= 20.1  # type: ignore[operator]
    assert cell.check is not None
    assert cell.check.asked_rate == 100


def test_requests_that_wait_for_one_another_are_said_to_be_alike() -> None:
    rng = random.Random(0)
    queue = [TimedRequest(at, at, chunks=[Chunk(at + 10**8 * (1 + at))], output_tokens=1) for at in range(40)]
    alone = [
        TimedRequest(at, at, chunks=[Chunk(at + rng.randrange(10**9))], output_tokens=1) for at in range(400)
    ]
    assert likeness(queue) == pytest.approx(1.0)
    assert abs(likeness(alone) or 0) < 0.2
    assert likeness(queue[:29]) is None
    assert likeness([TimedRequest(at, 0, chunks=[Chunk(5)], output_tokens=1) for at in range(50)]) is None


def test_caches_are_emptied_or_filled(profile: Profile) -> None:
    more = ("--requests", "4", "--concurrency", "2", "--output-tokens", "2")
    for flush, path in (("vllm", "/reset_prefix_cache"), ("sglang", "/flush_cache")):
        _, found, _, url = profile(*more, "--cache", "cold", "--flush", flush, first=0.01)
        assert found.cache == "cold"
        assert (
            told(url)["flushed"] == [path] * 2
        )  # first of all, so that nothing is asked where it cannot be done
    _, found, _, url = profile(*more, "--cache", "warm", first=0.01)
    assert found.cache == "prefix-warm"
    prompts = [body["messages"][-1]["content"] for body in told(url)["asked"]]
    assert sorted(prompts[-4:]) == sorted(prompts[-8:-4])  # each was read before it was measured
    outcome, *_ = profile(*more, "--cache", "cold")
    assert "nothing here empties the server's cache of prompts" in outcome.sentence()


def test_a_flush_that_fails_ends_it(profile: Profile, tmp_path: Path) -> None:
    with paced() as url:
        outcome, *_ = profile("--cache", "cold", "--flush", url.replace("/v1", "/nothing"), "--requests", "2")
    assert "answered with status 404, so that its cache may be as it was" in outcome.sentence()


def test_kinds_of_servers_are_asked_in_their_own_way(profile: Profile) -> None:
    _, found, _, url = profile(*SMALL, first=0.01, whole_kind="vllm", counts="each")
    last = told(url)["asked"][-1]
    assert last["ignore_eos"] is True
    assert last["stream_options"] == {"include_usage": True, "continuous_usage_stats": True}
    assert found.workload.ends_ignored
    outcome, found, _, url = profile(*SMALL, first=0.01, whole_kind="vllm", strict=True)
    assert outcome.code == 0
    assert "ignore_eos" not in told(url)["asked"][-1]
    assert "does not take what vLLM does" in outcome.err
    assert not found.workload.ends_ignored


def test_a_trace_is_replayed(profile: Profile, tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    rows = [f"2023-11-16 18:15:{at:02d}.0000000,{20 + at},{2 + at}" for at in range(10)]
    trace.write_text("\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *rows]))
    _, found, requests, _ = profile("--trace", str(trace), "--speed", "20", first=0.01, pace=0.001)
    (cell,) = found.cells
    assert (cell.n, cell.conditions["loop"], cell.conditions["speed"]) == (10, "trace", 20.0)
    assert [(one.asked_prompt_tokens, one.output_tokens) for one in requests] == [
        (20 + at, 2 + at) for at in range(10)
    ]
    assert [one.prompt_tokens for one in requests] == [20 + at for at in range(10)]
    assert [round(((one.scheduled or 0) - (requests[0].scheduled or 0)) * 1e-9, 6) for one in requests] == [
        round(at / 20, 6) for at in range(10)
    ]
    assert found.workload.name == "trace.csv"


def test_a_client_that_comes_late_is_told(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something in the client's own loop holds it up for 50 ms, again and again: parts of answers lie there meanwhile."""
    tick = watch._Ticks._tick

    def held_up(ticks: Any) -> None:
        time.sleep(0.05)
        tick(ticks)

    monkeypatch.setattr(watch._Ticks, "_tick", held_up)
    outcome, found, _, _ = profile(*SMALL, first=0.02, pace=0.005)
    check = found.cells[0].check
    assert check is not None
    assert check.client_bound
    assert check.loop_lag_share is not None
    assert check.loop_lag_share > 0.05
    assert "client-bound, and in no ranking" in outcome.err
    record = read_record(outcome.record)
    assert all("unranked:client_bound" in row.signature for row in record.estimates)


def test_what_makes_a_client_the_limit() -> None:
    def requests(gap: int, scheduled: int | None = None) -> list[TimedRequest]:
        return [
            TimedRequest(
                at,
                at * gap,
                at * scheduled if scheduled else None,
                ended=at * gap + 10**8,
                chunks=[Chunk(at * gap + 10**8)],
            )
            for at in range(50)
        ]

    def reasons(lag: float, sent: list[TimedRequest], **asked: Any) -> list[str]:
        driven = SentLoad(0, wall=5.0, cpu=1.0, lags=array("q", [round(1e9 * lag)] * 100))
        check = self_check(driven, sent, **asked)
        assert check.client_bound == bool(check.reasons)
        assert check.client_cpu_share == 0.2
        return check.reasons

    second = 10**9
    assert reasons(0.0049, requests(second // 20)) == []
    assert "5.1 ms late (p99), 5 % of the median" in reasons(0.0051, requests(second // 20))[0]
    assert reasons(0.0, requests(second // 20, second // 20), rate=20.0) == []
    assert reasons(0.0, requests(round(second / 19.7), second // 20), rate=20.0) == []
    assert "off by over 2 %" in reasons(0.0, requests(round(second / 19.5), second // 20), rate=20.0)[0]
    assert reasons(0.0, requests(second // 20), concurrency=2) == []
    assert (
        "1.8 requests were under way where 2 were to be"
        in reasons(0.0, requests(round(second / 18)), concurrency=2)[0]
    )


@pytest.mark.slow
def test_the_highest_rate_is_that_of_its_slots(profile: Profile) -> None:
    """Two slots of 40 ms serve 50 a second; with Poisson's arrivals fewer meet 120 ms well before that."""

    def check() -> None:
        _, found, _, _ = profile(
            "--find-rate", "--objective", "e2e=120ms,share=75%", "--rate", "15", "--output-tokens", "5", first=0.02, pace=0.005,
            slots=2,
        )  # fmt: skip
        search = found.search
        assert search is not None
        assert search.steps == [cell.name for cell in found.cells]
        assert not any(cell.listed for cell in found.cells)
        # On a busy machine less is met, and never more than the slots can serve.
        if search.low is not None:
            assert search.low < 60
        if search.high is not None:
            assert (search.low or 0) < search.high <= 70
        assert search.low is not None or search.why is not None

    in_a_quiet_moment(check, 3)


def test_options_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    """Before anybody is asked: there is no server."""
    for arguments, said in [
        (("--find-rate",), "add --objective"),
        (("--find-rate", "--objective", "ttft=1s", "--concurrency", "2"), "chooses the rates itself"),
        (("--trace", "x", "--rate", "1"), "leave out --concurrency and --rate"),
        (("--find-rate", "--objective", "ttft=1s", "--requests", "9"), "leave out --requests"),
        (("--find-rate", "--objective", "ttft=1s", "--prompt-tokens", "8,16"), "looks for one rate: give one"),
        (("--find-rate", "--objective", "ttft=1s,share=99.99%"), "requests a rate may be needed"),
        (("--requests", "8", "--concurrency", "4,16"), "--requests 8 cannot keep 16 under way at a time"),
        (("--requests", "90000", "--rate", "1", "--prompt-tokens", "1000"), "more than are made beforehand (20,000"),
        (("--rate", "100", "--seconds", "3600", "--prompt-tokens", "1000"), "360,001 requests of 1,000 tokens"),
        (("--rate", "1", "--arrivals", "gamma:1e308"), "gamma needs a shape from 0.001 to 1,000,000"),
        (("--arrivals", "poisson"), "--arrivals is for requests that come at a --rate"),
        (("--speed", "2"), "--speed is for a --trace"),
        (("--rate", "0"), "--rate 0"),
        (("--rate", "1,x"), "--rate 1,x"),
        (("--concurrency", "0"), "--concurrency 0"),
        (("--batch", "4"), "--batch is for batches of a local model"),
        (("--seconds", "-1"), "--seconds -1"),
        (("--max-error-rate", "200%"), "--max-error-rate 200%"),
        (("--flush", "redis"), "--flush redis"),
        (("--flush", "http://user:secret@host/x"), "--flush holds a user or a password"),
        (("--max-concurrency", "4"), "--max-concurrency has no meaning for a serving profile"),
        (("--trace", "x", "--prompt-tokens", "5"), "a --trace has lengths of its own"),
    ]:  # fmt: skip
        server = ("--model", "openai:paced", "--base-url", "http://127.0.0.1:9/v1", "--out", tmp_path)
        assert said in call("profile", *server, *arguments).sentence(), arguments
    local = call("profile", "--cache", "cold")
    assert "--cache is for a profile of how a model serves" in local.sentence()


def test_the_key_is_nowhere(profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "sk-" + "q7" * 20
    monkeypatch.setenv("OPENAI_API_KEY", secret)
    outcome, *_ = profile(*SMALL, first=0.01, fails=[8])
    assert secret not in outcome.out + outcome.err
    for file in outcome.record.rglob("*"):
        if file.is_file():
            assert secret.encode() not in file.read_bytes()


def test_nothing_of_a_request_is_lost_on_its_way_to_the_record(profile: Profile) -> None:
    from lsm_eval.profiling.serving.measure import request_row

    _, _, requests, _ = profile(*SMALL, first=0.02, pace=0.005, thoughts=3, counts="each")
    for one in requests:
        again = from_row(request_row(one, "cell", 0))
        assert replace(again, finish=one.finish, headers=one.headers, sent=one.sent) == one


@pytest.mark.slow
def test_what_was_measured_before_ctrl_c_is_kept(tmp_path: Path) -> None:
    with paced(first=0.02, pace=0.005) as url:
        command = [
            sys.executable, "-m", "lsm_eval", "profile", "--model", "openai:paced", "--base-url", url, "--out", str(tmp_path),
            "--concurrency", "1,2", "--requests", "5", "--output-tokens", "4", "--rate", "1", "--seconds", "600",
        ]  # fmt: skip
        process = subprocess.Popen(
            command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(),
            # Shells start what runs in the background with SIGINT ignored, and that is inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if "1 a second" in line:
                break
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "stopped: it was stopped after 2 measurements" in err
    profile = read_record(Path(out.strip().splitlines()[-1].removeprefix("record: "))).manifest.profile
    assert profile is not None
    assert [cell.conditions["concurrency"] for cell in profile.cells] == [1, 2]
