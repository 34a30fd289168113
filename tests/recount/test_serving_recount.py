"""Two accounts of the same time stamps: the one that writes profiles, and the one that counts them again."""

from __future__ import annotations

import random

import pandas as pd
import pytest

from lsm_eval.profiling.serving.measure import request_row
from lsm_eval.profiling.serving.numbers import numbers
from lsm_eval.profiling.serving.objective import Objective
from lsm_eval.profiling.serving.stamps import Chunk, TimedRequest
from lsm_eval.recount.serving import Requests
from lsm_eval.results.profile_rows import REQUEST_COLUMNS

BEGUN = 7_000_000_000_000
LIMITS = {"ttft": 0.2, "tpot": 0.03, "e2e": 2.0}


def made_up(rng: random.Random, index: int, *, counted: bool) -> TimedRequest:
    """A request of some random course."""
    started = BEGUN + rng.randrange(10**10)
    at = started + rng.randrange(1, 4 * 10**8)
    one = TimedRequest(index, started, prompt_tokens=rng.randrange(1, 90))
    if rng.random() < 0.3:  # a part without text, before the first token
        one.chunks.append(Chunk(started + 1000, 0 if counted else None, text=False))
    for _ in range(rng.randrange(1, 30)):
        one.chunks.append(Chunk(at, rng.choice((1, 1, 2, 0)) if counted else None))
        at += rng.randrange(1, 6 * 10**7)
    one.ended = at
    one.output_tokens = sum(chunk.tokens or 0 for chunk in one.chunks) if counted else rng.randrange(1, 50)
    if rng.random() < 0.1:
        one.failure = rng.choice(("timeout", "status 503"))
    return one


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_both_come_to_the_same(seed: int, counted: bool) -> None:
    rng = random.Random(seed)
    requests = [made_up(rng, index, counted=counted) for index in range(120)]
    stated = numbers(requests, BEGUN, Objective(LIMITS))
    table = pd.DataFrame([request_row(one, "cell", BEGUN) for one in requests], columns=list(REQUEST_COLUMNS))
    again = Requests(table, LIMITS)
    compared = set()
    for one in stated:
        value = again.value(one.metric)
        if one.value is not None and value is not None:
            assert value == pytest.approx(one.value, rel=1e-6, abs=2e-9), one.metric
            compared.add(
                one.metric.rpartition("_p")[0] if "_p9" in one.metric or "_p5" in one.metric else one.metric
            )
    wanted = {
        "ttft", "e2e", "tpot", "chunk_gap", "requests_per_second", "output_tokens_per_second", "input_tokens_per_second",
        "total_tokens_per_second", "goodput", "attainment", "error_rate",
    }  # fmt: skip
    assert wanted | ({"itl"} if counted else set()) <= compared


def test_of_no_answer_nothing_is_counted() -> None:
    one = TimedRequest(0, BEGUN, ended=BEGUN + 10**9, failure="timeout")
    table = pd.DataFrame([request_row(one, "cell", BEGUN)], columns=list(REQUEST_COLUMNS))
    again = Requests(table, None)
    assert again.value("ttft_p50") is None
    assert again.value("error_rate") == 1.0
