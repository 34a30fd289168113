"""The formulas against an independent transcription of what vLLM publishes, and against vLLM itself where it is there."""

from __future__ import annotations

import json
import os
import random
import subprocess
from pathlib import Path
from statistics import mean, median, pstdev
from typing import Any

import numpy as np
import pytest

from lsm_eval.profiling.serving import formulas
from lsm_eval.profiling.serving.stamps import Chunk, TimedRequest

PERCENTILES = (50, 90, 95, 99)
OBJECTIVE = {"ttft": 0.2, "tpot": 0.02, "e2e": 1.5}
SCRIPT = Path(__file__).parents[3] / "benchmarks" / "profile_formulas_peer.py"


def drawn(number: int, seed: int = 0, *, bundles: bool = False) -> list[TimedRequest]:
    """Requests with random stamps, one in ten of them failed."""
    rng = random.Random(seed)
    found = []
    for index in range(number):
        started = 10_000_000_000 + rng.randrange(5_000_000_000)
        one = TimedRequest(index, started, prompt_tokens=rng.randrange(1, 3000))
        at = started + round(rng.lognormvariate(-2, 0.5) * 1e9)
        tokens = 0
        for _ in range(rng.choice([1, 2, 5, 60])):
            count = rng.choice([1, 2, 3]) if bundles else 1
            one.chunks.append(Chunk(at, count))
            tokens += count
            at += round(rng.expovariate(60) * 1e9)
        one.output_tokens, one.ended = tokens, at
        if index % 10 == 9:
            one.failure = "timeout"
        found.append(one)
    return found


def ours(requests: list[TimedRequest]) -> dict[str, Any]:
    """All that both give, in vLLM's names and units."""
    begun = min(one.started for one in requests)
    rates = formulas.throughput(requests, begun, OBJECTIVE)
    whole = [one for one in requests if one.whole]
    values = {
        "ttft": [formulas.ttft(one) for one in whole],
        "tpot": [value for one in whole if (value := formulas.tpot(one)) is not None],
        "itl": [gap for one in whole for gap in formulas.chunk_gaps(one)],
        "e2el": [formulas.e2e(one) for one in whole],
    }
    found: dict[str, Any] = {
        "completed": rates.completed, "failed": rates.failed, "request_throughput": rates.requests,
        "output_throughput": rates.output_tokens, "total_token_throughput": rates.total_tokens, "request_goodput": rates.goodput,
        "total_input": sum(one.prompt_tokens or 0 for one in whole), "total_output": sum(one.output_tokens or 0 for one in whole),
    }  # fmt: skip
    for name, seconds in values.items():
        found[f"mean_{name}_ms"] = 1000 * mean(seconds)
        found[f"median_{name}_ms"] = 1000 * median(seconds)
        found[f"std_{name}_ms"] = 1000 * pstdev(seconds)
        for share in PERCENTILES:
            found[f"p{share}_{name}_ms"] = 1000 * float(np.quantile(seconds, share / 100))
    return found


def raw(requests: list[TimedRequest]) -> dict[str, Any]:
    """The stamps alone, in seconds from the begin."""
    begun = min(one.started for one in requests)
    return {
        "seconds": (max(one.ended or 0 for one in requests) - begun) * 1e-9,
        "objective": OBJECTIVE,
        "percentiles": PERCENTILES,
        "requests": [
            {
                "start": (one.started - begun) * 1e-9,
                "chunks": [(chunk.at - begun) * 1e-9 for chunk in one.chunks],
                "prompt": one.prompt_tokens,
                "output": one.output_tokens,
                "success": one.failure is None,
            }
            for one in requests
        ],
    }


def published(what: dict[str, Any]) -> dict[str, Any]:
    """vLLM's definitions as its documentation of `bench serve` words them, written down without looking at ours."""
    good = [one for one in what["requests"] if one["success"]]
    ttft = [one["chunks"][0] - one["start"] for one in good]
    latency = [one["chunks"][-1] - one["start"] for one in good]
    tpot, every_tpot, itl = [], [], []
    for one, first, all_of_it in zip(good, ttft, latency, strict=True):
        each = (all_of_it - first) / (one["output"] - 1) if one["output"] > 1 else 0.0
        every_tpot.append(each)
        if one["output"] > 1:
            tpot.append(each)
        stamps = one["chunks"]
        itl += [stamps[at] - stamps[at - 1] for at in range(1, len(stamps))]
    limits = what["objective"]
    kept = sum(
        1
        for one, two, three in zip(ttft, every_tpot, latency, strict=True)
        if one <= limits["ttft"] and two <= limits["tpot"] and three <= limits["e2e"]
    )
    read, written = sum(one["prompt"] for one in good), sum(one["output"] for one in good)
    found: dict[str, Any] = {
        "completed": len(good), "failed": len(what["requests"]) - len(good), "total_input": read, "total_output": written,
        "request_throughput": len(good) / what["seconds"], "output_throughput": written / what["seconds"],
        "total_token_throughput": (read + written) / what["seconds"], "request_goodput": kept / what["seconds"],
    }  # fmt: skip
    for name, seconds in {"ttft": ttft, "tpot": tpot, "itl": itl, "e2el": latency}.items():
        found[f"mean_{name}_ms"] = np.mean(seconds) * 1000
        found[f"median_{name}_ms"] = np.median(seconds) * 1000
        found[f"std_{name}_ms"] = np.std(seconds) * 1000
        for share in what["percentiles"]:
            found[f"p{share}_{name}_ms"] = np.percentile(seconds, share) * 1000
    return found


def agree(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert value == pytest.approx(float(other[name]), rel=1e-9, abs=1e-9), name


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("bundles", [False, True])
def test_they_are_what_vllm_publishes(seed: int, bundles: bool) -> None:
    requests = drawn(200, seed, bundles=bundles)
    agree(ours(requests), published(raw(requests)))


@pytest.mark.slow
def test_they_are_vllms_own(tmp_path: Path) -> None:
    """`LSM_EVAL_VLLM_PYTHON` names the python of an environment with vLLM in it."""
    python = os.environ.get("LSM_EVAL_VLLM_PYTHON")
    if not python:
        pytest.skip("needs vLLM: LSM_EVAL_VLLM_PYTHON names its python")
    cases = [drawn(300, 0), drawn(300, 1, bundles=True)]
    files = [tmp_path / f"{at}.json" for at in range(len(cases))]
    for file, requests in zip(files, cases, strict=True):
        file.write_text(json.dumps(raw(requests)))
    command = [python, str(SCRIPT), *map(str, files)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    for requests, theirs in zip(cases, json.loads(ran.stdout.splitlines()[-1]), strict=True):
        agree(ours(requests), theirs)


def test_tokens_that_come_together_came_together() -> None:
    one = TimedRequest(
        0, 0, output_tokens=6, chunks=[Chunk(10**9, 3), Chunk(2 * 10**9, 1), Chunk(4 * 10**9, 2)]
    )
    assert formulas.itl(one) == [0.0, 0.0, 1.0, 2.0, 0.0]
    assert formulas.chunk_gaps(one) == [1.0, 2.0]
    assert formulas.tpot(one) == 3 / 5 == pytest.approx(sum(formulas.itl(one) or []) / 5)
    one.chunks[1].tokens = None
    assert formulas.itl(one) is None


def test_one_token_a_chunk_is_one_gap_for_both() -> None:
    for one in drawn(50):
        assert formulas.itl(one) == pytest.approx(formulas.chunk_gaps(one))


def test_what_waited_for_the_client_is_told() -> None:
    one = TimedRequest(0, 3 * 10**9, scheduled=10**9, chunks=[Chunk(4 * 10**9, 1)], output_tokens=1)
    assert (formulas.waited(one), formulas.ttft(one)) == (2.0, 1.0)
    assert formulas.waited(TimedRequest(0, 5)) == 0.0


def test_an_objective_is_met_by_every_part_or_not() -> None:
    chunks = [Chunk(10**8 * (at + 1), 1) for at in range(5)]
    one = TimedRequest(0, 0, chunks=chunks, output_tokens=5)
    assert formulas.keeps_to(one, {"ttft": 0.1, "tpot": 0.1, "e2e": 0.5})
    for name, least in (("ttft", 0.1), ("tpot", 0.1), ("e2e", 0.5)):
        assert not formulas.keeps_to(one, {"ttft": 0.1, "tpot": 0.1, "e2e": 0.5, name: 0.99 * least})
    one.output_tokens = None
    assert formulas.keeps_to(one, {"tpot": 1.0}) is None  # nobody knows
    assert formulas.keeps_to(one, {"ttft": 1.0})
    one.failure = "timeout"
    assert formulas.keeps_to(one, {"tpot": 1.0}) is False  # this is known
    single = TimedRequest(0, 0, chunks=[Chunk(10**8, 1)], output_tokens=1)
    assert formulas.keeps_to(single, {"tpot": 1e-9})  # vLLM: 0 of one token


def test_goodput_counts_failed_requests_as_bad() -> None:
    chunks = [Chunk(10**8, 1)]
    whole = [TimedRequest(at, 0, ended=10**9, chunks=chunks, output_tokens=1) for at in range(6)]
    failed = [TimedRequest(at, 0, ended=2 * 10**9, failure="timeout") for at in range(4)]
    found = formulas.throughput([*whole, *failed], 0, {"ttft": 1.0})
    assert (found.good, found.completed, found.failed) == (6, 6, 4)
    assert (found.seconds, found.goodput, found.requests) == (2.0, 3.0, 3.0)
    assert found.input_tokens is None  # nobody counted; not 0


def test_time_to_the_answer_comes_after_the_thoughts() -> None:
    chunks = [Chunk(10**9 * (at + 1), 1, thought=at < 3) for at in range(5)]
    assert formulas.ttfat(TimedRequest(0, 0, chunks=chunks)) == 4.0
    assert formulas.ttft(TimedRequest(0, 0, chunks=chunks)) == 1.0
    assert formulas.ttfat(TimedRequest(0, 0, chunks=chunks[:3])) is None
