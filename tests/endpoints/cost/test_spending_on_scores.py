"""Likelihoods that cost money: what tells that they are there, and each request, are paid from the spending limit and counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openai_server import Ask, Body, echo
from scoring_server import Weights, speaking
from tiny_models import CHAT, save_model

from lsm_eval.endpoints.cost.usage import read_usage
from lsm_eval.money import read_dollars
from lsm_eval.results.reader import read_record

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """Of a tiny checkpoint."""
    return Weights(save_model(tmp_path_factory.mktemp("small"), chat=CHAT, context=128, head_dim=32))


class Bill:
    """Adds up what is answered, at $20 and $80 a million tokens. In picodollars."""

    def __init__(self) -> None:
        self.sum = 0

    def of(self, answer: Callable[[Body], Any]) -> Callable[[Body], Any]:
        """The same answers, on this bill."""

        def billed(body: Body) -> Any:
            whole = answer(body)
            if isinstance(whole, dict) and "tokens_evaluated" in whole:
                whole.setdefault(
                    "timings", {"cache_n": 0, "prompt_n": 1, "predicted_n": 1}
                )  # as llama.cpp does
            used = None if isinstance(whole, tuple) else read_usage(json.dumps(whole).encode())
            self.sum += 0 if used is None else (used.input * 20 + used.output * 80) * 10**6
            return whole

        return billed


@pytest.mark.parametrize(
    "kind", ["echo", *(pytest.param(one, marks=pytest.mark.slow) for one in ("vllm", "sglang", "llama.cpp"))]
)
def test_every_way_to_score_is_paid_for(kind: str, weights: Weights, ask: Ask, tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("small: {input: 20, output: 80}\n")
    bill = Bill()
    with speaking(weights, kind) as (server, own):
        server.answer = bill.of(lambda body: echo(body) if "messages" in body else own.completions(body))
        server.probe = bill.of(server.probe)
        server.posts = {path: bill.of(one) for path, one in server.posts.items()}
        named = ("--prices", prices, "--max-cost")
        short = ask(server, *named, "0.01", tasks="choose")
        assert short.code == 5, short.err
        assert bill.sum <= 10**10
        done = ask(server, *named, "10", tasks="choose")
        asked, tasks = bill.sum, "choose,read,say"
        dry = ask(server, "--prices", prices, "--dry-run", tasks=tasks)
        assert bill.sum == asked
        most = read_dollars(dry.out.splitlines()[-1].removeprefix("openai:small: ").split(" ")[0], "")
        whole = ask(server, "--prices", prices, "--store", "none", tasks=tasks)
        assert whole.code == dry.code == 0, whole.err
        assert 0 < bill.sum - asked <= most < 20 * (bill.sum - asked)
        bill.sum = asked
    assert done.code == 0, done.err
    cost = read_record(done.record).manifest.cost
    assert cost is not None
    (row,) = cost.models
    assert row.assumed == 0, "each has a count"
    assert (Decimal(cost.before or 0) + Decimal(cost.dollars or 0)) * 10**12 == bill.sum
