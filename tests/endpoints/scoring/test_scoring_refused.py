"""Servers that lie about log-probabilities, and requests that are refused by name, before anything is asked."""

from __future__ import annotations

import pytest
from scored_alike import CHATS, SCORES, answers
from scoring_models import far_model
from scoring_server import LIES, Weights, placeholder, speaking

from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.errors import UserError
from lsm_eval.requests import Failure, Perplexity, Request, Score, Scored

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("kind", ["vllm", "echo", "sglang"])
@pytest.mark.parametrize("lie", LIES)
def test_liars_are_refused(kind: str, lie: str, weights: Weights) -> None:
    if kind == "sglang" and lie in ("text tokenised", "cut on the left"):
        pytest.skip("these are told of completions only")
    said = {
        "off by one": "of the token before (off by one)",
        "constant": "the same number",
        "unlike what it writes": "nats from the one when it generates that token",
    }.get(lie, "")
    with speaking(weights, kind, lie=lie) as (server, _):
        model = far_model(server)
        with pytest.raises(UserError, match="returns no log-probabilities that can be used") as raised:
            model.cost(SCORES)
        assert said in str(raised.value)
        assert model.fingerprint() == far_model(server).fingerprint(), (
            "texts that it wrote before are still its own"
        )
        assert str(raised.value).startswith("openai:small is behind an endpoint that")
        failures = answers(model, SCORES[:1])
    assert isinstance(failures[0], Failure)
    assert failures[0].reason == "unsupported"


@pytest.mark.parametrize(
    ("lie", "said"),
    [("after the bias", "where a log-probability should be"), ("no bias", "did not generate token")],
)
def test_numbers_from_after_the_bias_are_refused(lie: str, said: str, weights: Weights) -> None:
    with speaking(weights, "llama.cpp", lie=lie) as (server, _), pytest.raises(UserError, match=said):
        far_model(server).cost(SCORES)


@pytest.mark.parametrize("value", ["null", "nan", "-inf", "-9999.0", "-3.4e38", "0.7", "no", "true"])
def test_what_is_no_number_is_never_taken_for_one(value: str, weights: Weights) -> None:
    requests: list[Request] = [Score("the cat sat on", (" the", "x")), Score("the cat sat on", (" the",))]
    with speaking(weights, "vllm") as (server, own):
        model = far_model(server, retry_policy=RetryPolicy(tries=2, first_wait=0.01))
        model.cost(requests)
        (token,) = weights.tokenizer("x", add_special_tokens=False)["input_ids"]
        own.spoil[token] = True if value == "true" else placeholder(value)
        bad, good = answers(model, requests)
    assert isinstance(good, Scored)
    assert isinstance(bad, Failure)
    assert bad.reason == ("unanswered" if value in ("null", "no", "true") else "nan")


def test_what_is_too_long_is_not_asked(weights: Weights) -> None:
    long = Score("the cat sat on the mat " * 40, (" the",))
    with speaking(weights, "vllm", context=64) as (server, _):
        model = far_model(server)
        (cost,) = model.cost([long])
        assert cost.truncated > 0
        before = len(server.bodies)
        (answer,) = answers(model, [long])
        assert len(server.bodies) == before
        assert isinstance(answer, Failure)
        assert answer.reason == "too_long"
        cut = far_model(server, overflow="truncate")
        (answer,) = answers(cut, [long])
        assert isinstance(answer, Scored)
        assert answer.truncated == cost.truncated


def test_a_server_that_says_it_is_too_long(weights: Weights) -> None:
    with speaking(weights, "vllm", context=64) as (server, _):
        server.pages["/v1/models"] = {"data": []}
        model = far_model(server)
        assert model.cost([Score("a", ("b",))])
        assert model.info.context is None
        (answer,) = answers(model, [Score("the cat sat on the mat " * 40, (" the",))])
    assert isinstance(answer, Failure)
    assert answer.reason == "too_long"


def test_detail_of_texts_is_refused(weights: Weights) -> None:
    why = r"not the whole distribution, which Min-K%\+\+ needs: name the model's checkpoint"
    with speaking(weights, "vllm") as (server, _):
        model = far_model(server)
        with pytest.raises(UserError, match=why):
            model.cost([Perplexity("the cat", detail=True)])
        assert not server.bodies + server.probes, "nothing is asked"


def test_chats_need_a_template_that_is_shown(weights: Weights) -> None:
    with (
        speaking(weights, "sglang") as (server, _),
        pytest.raises(UserError, match="does not return messages rendered"),
    ):
        far_model(server).cost(CHATS)
