"""What a server says of its quotas in answers to requests that are scored is heard as of texts that are written."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from openai_server import Ask, Body
from scored_alike import SCORES, answers
from scoring_server import Weights, speaking

from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.models.base import EndpointOptions
from lsm_eval.results.reader import read_record

pytestmark = pytest.mark.usefixtures("one_thread")
# Six of a hundred are left, and the others come back within two seconds.
LITTLE_LEFT = {
    "x-ratelimit-limit-requests": "100",
    "x-ratelimit-remaining-requests": "6",
    "x-ratelimit-reset-requests": "2s",
}


def _why(outcome: Any) -> list[str]:
    (server,) = read_record(outcome.record).manifest.model.servers
    return [row.why for row in server.limits]


@pytest.mark.parametrize("kind", ["vllm", "echo", "sglang"])
def test_a_quota_that_is_told_sets_the_pace(kind: str, ask: Ask, weights: Weights) -> None:
    with speaking(weights, kind) as (server, own):
        server.answer = lambda body: (200, own.completions(body), LITTLE_LEFT)
        server.posts["/generate"] = lambda body: (200, own.generate(body), LITTLE_LEFT)
        outcome = ask(server, "--limit", "6", "--store", "none", tasks="choose")
    assert outcome.code == 0, outcome.err
    assert "told, 47/s from here" in _why(outcome)


def test_a_quota_is_of_posts_and_a_request_may_take_several(weights: Weights) -> None:
    """llama.cpp is asked for one token at a time."""
    with speaking(weights, "llama.cpp") as (server, own):
        model = EndpointModel("small", EndpointOptions(server.url, max_concurrency=1))
        model.cost(SCORES)
        server.posts["/completion"] = lambda body: (200, own.completion(body), LITTLE_LEFT)
        before = len(server.bodies)
        answers(model, SCORES)
        each = (len(server.bodies) - before) / len(SCORES)
        rate = model._sites[0].replica.limiter.pace.rate
    assert each > 2
    assert rate is not None
    assert 0.5 * 47 / each < rate < 1.5 * 47 / each


def test_a_wait_to_the_millisecond_is_kept_to(ask: Ask, weights: Weights) -> None:
    turned_away: list[str] = []

    def answer(body: Body) -> Any:
        prompt = json.dumps(body.get("prompt"))
        if "prompt_logprobs" in body and len(turned_away) < 1 and told["asks"]:
            turned_away.append(prompt)
            return 429, {"error": {"message": "slow down"}}, {"Retry-After-Ms": "30", "Retry-After": "600"}
        return own.completions(body)

    told = {"asks": False}
    with speaking(weights, "vllm") as (server, own):
        first = ask(server, "--limit", "2", tasks="choose")
        assert first.code == 0, first.err
        server.answer, told["asks"] = answer, True
        began = time.monotonic()
        second = ask(server, "--limit", "4", tasks="choose")
        assert time.monotonic() - began < 30
    assert second.code == 0, second.err
    assert turned_away
    assert read_record(second.record).manifest.requests["failed"] == 0
