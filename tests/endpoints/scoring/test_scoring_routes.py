"""The same weights in process and behind servers of several kinds say the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from openai_server import Ask
from scored_alike import CHATS, SCORES, TEXTS, answers, check_alike
from scoring_models import KINDS, TOLERANCE, far_model
from scoring_server import Weights, speaking
from tiny_models import save_tokenizer

from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.errors import UserError
from lsm_eval.models.base import EndpointOptions
from lsm_eval.models.hf import HFModel
from lsm_eval.requests import Generate, Perplexity, Request, Score

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("kind", KINDS)
def test_likelihoods_are_those_of_the_model_in_process(kind: str, weights: Weights, near: HFModel) -> None:
    requests = SCORES + TEXTS + ([] if kind == "sglang" else CHATS)
    with speaking(weights, kind) as (server, _):
        model = far_model(server)
        costs = model.cost(requests)
        check_alike(answers(near, requests), answers(model, requests), TOLERANCE)
        details = model.info.details or {}
        assert details["scoring"].startswith(KINDS[kind])
        assert details["tokenizer"] == "the server's"
        assert (
            model.info.context == 126
        )  # one is written on top, and vLLM takes no prompt of its whole context
        written = [Generate("the cat", max_tokens=3, detail=True)]
        (far,) = answers(model, written)
    assert costs == near.cost(requests)
    (text,) = answers(near, written)
    if "\ufffd" not in getattr(text, "text", "\ufffd"):
        check_alike([text], [far], TOLERANCE)


def test_choices_of_one_token_share_their_context(weights: Weights, near: HFModel) -> None:
    requests: list[Request] = [Score("the cat sat on", (" the", "x", "y", " the"))]
    with speaking(weights, "vllm") as (server, _):
        model = far_model(server)
        model.cost(requests)
        before = len(server.bodies)
        check_alike(answers(near, requests), answers(model, requests), TOLERANCE)
        (body,) = server.bodies[before:]
        assert len(body["prompt"]) == 1
        assert len(body["logprob_token_ids"]) == 3
        assert "single tokens by logprob_token_ids" in (model.info.details or {})["scoring"]


def test_all_continuations_go_in_one_request(weights: Weights) -> None:
    with speaking(weights, "vllm") as (server, own):
        own.ids = False
        model = far_model(server)
        model.cost(SCORES)
        before = len(server.bodies)
        answers(model, SCORES[:1])
        assert [len(body["prompt"]) for body in server.bodies[before:]] == [5]
        assert all(type(token) is int for prompt in server.bodies[-1]["prompt"] for token in prompt)


def test_numbers_as_texts_are_numbers(weights: Weights, near: HFModel) -> None:
    with speaking(weights, "echo", written="strings") as (server, _):
        check_alike(answers(near, SCORES), answers(far_model(server), SCORES), TOLERANCE)


def test_a_token_that_is_forced(weights: Weights, near: HFModel) -> None:
    """And what is done where nothing is told of it."""
    with speaking(weights, "llama.cpp") as (server, own):
        own.untold.update(weights.tokenizer(" mat x", add_special_tokens=False)["input_ids"])
        model = far_model(server)
        check_alike(answers(near, SCORES + TEXTS), answers(model, SCORES + TEXTS), TOLERANCE)
        assert (model.info.details or {})["scoring"].startswith("llama.cpp (proved")
        assert model.info.context == 127
        asked = [body["n_probs"] for body in server.bodies if "n_probs" in body]
        assert 1 in asked
        assert max(asked) > 320


@pytest.mark.parametrize("grammar", ["of tokens", "refused", "ignored"])
def test_a_cache_that_cannot_be_cut_is_not_used(grammar: str, weights: Weights, near: HFModel) -> None:
    """What comes from it is another text's. Where the server can be held to a text, many tokens are asked in one request."""
    requests = SCORES + TEXTS
    with speaking(weights, "llama.cpp") as (server, own):
        own.cuts = False
        own.tokens_in_grammars = grammar != "refused"
        own.lie = "free" if grammar == "ignored" else ""
        model = far_model(server)
        check_alike(answers(near, requests), answers(model, requests), TOLERANCE)
        many = ", many tokens a request" if grammar == "of tokens" else ""
        said = (model.info.details or {})["scoring"]
        assert said.startswith(f"llama.cpp, without its cache{many} (proved"), said
        held = sum("grammar" in body for body in server.bodies)
        assert (held > len(requests)) == bool(many)


def test_tokens_that_nothing_is_told_of_among_many(weights: Weights, near: HFModel) -> None:
    """Each is asked by itself, and the others' numbers stay theirs."""
    requests: list[Request] = [
        Score("the cat", (" sat on the mat the mat", " mat mat on mat")),
        Perplexity("the cat sat on the mat on the cat the the mat"),
    ]
    with speaking(weights, "llama.cpp") as (server, own):
        own.cuts = False
        model = far_model(server)
        model.cost(requests)
        own.untold.update(weights.tokenizer(" mat the", add_special_tokens=False)["input_ids"])
        check_alike(answers(near, requests), answers(model, requests), TOLERANCE)
        assert any("logit_bias" in body for body in server.bodies[-4:])


def test_windows_of_a_long_text(weights: Weights, checkpoint: Path) -> None:
    """Those of a model in process whose context is what the server leaves of its own."""
    from lsm_eval.models.base import ModelOptions

    model = HFModel("hf:small", ModelOptions(), folder=checkpoint)
    model.context = 126
    texts: list[Request] = [Perplexity("the name of the other one, and a mat " * 20)]
    with speaking(weights, "echo") as (server, _):
        check_alike(answers(model, texts), answers(far_model(server), texts), TOLERANCE)


def test_a_tokenizer_by_name(weights: Weights, near: HFModel, checkpoint: Path, tmp_path: Path) -> None:
    requests = SCORES + TEXTS + CHATS
    with speaking(weights, "echo", tokenizer=False) as (server, _):
        model = far_model(server, checkpoint)
        check_alike(answers(near, requests), answers(model, requests), TOLERANCE)
        assert "sha256" in (model.info.details or {})["tokenizer"]
        named = model.scored_as()
    save_tokenizer(tmp_path, special_start=False)
    with speaking(weights, "echo") as (server, _):
        assert far_model(server, checkpoint).cost(requests) == near.cost(requests)
        with pytest.raises(UserError, match="is not the server's: for 'The quick"):
            far_model(server, tmp_path).cost(requests)
        model = far_model(server)
        before = model.fingerprint()
        model.cost(requests)
        assert model.fingerprint() == before, "it is one model, whoever cuts its tokens"
        assert model.scored_as() != named


def test_a_server_that_is_busy_at_first(weights: Weights, near: HFModel) -> None:
    with speaking(weights, "echo") as (server, own):
        refused = iter(
            [(503, {"error": "loading"}, {}), (429, {"error": "slow down"}, {"Retry-After": "0.1"})]
        )
        server.posts["/tokenize"] = lambda body: next(refused, None) or own.tokenize(body)
        check_alike(answers(near, SCORES), answers(far_model(server), SCORES), TOLERANCE)
        server.posts["/tokenize"] = lambda body: (503, {"error": "loading"}, {})
        with pytest.raises(UserError, match="run the same command again when it does"):
            far_model(server).cost(SCORES)


@pytest.mark.parametrize(
    "kind",
    ["vllm", *(pytest.param(one, marks=pytest.mark.slow) for one in (*KINDS, "llama.cpp") if one != "vllm")],
)
@pytest.mark.slow
def test_with_a_fifth_of_all_answers_spoilt(kind: str, weights: Weights, near: HFModel) -> None:
    """The tokenizer's among them, and those whose numbers are not there; found out and answered as without."""
    faults = (
        "429",
        "429 with Retry-After",
        "500",
        "reset before",
        "reset inside",
        "truncated JSON",
        "no JSON",
    )
    requests = SCORES[:2] if kind == "llama.cpp" else SCORES + TEXTS  # there each token is a request
    with speaking(weights, kind) as (server, _):
        clean = answers(far_model(server), requests)
        server.fault_rate, server.faults = 0.2, faults
        real, at = server.answer, iter(range(10**9))

        def lacking(body: Any) -> Any:
            whole = real(body)
            for choice in whole.get("choices", []) if isinstance(whole, dict) and next(at) % 5 == 0 else []:
                choice |= {name: None for name in ("logprobs", "prompt_logprobs") if choice.get(name)}
            return whole

        model = far_model(server, retry_policy=RetryPolicy(first_wait=0.01, longest_wait=0.05))
        model.cost(requests)
        server.answer = lacking
        check_alike(clean, answers(model, requests), TOLERANCE)
        assert server.counts


def test_the_seconds_of_each_sample(ask: Ask, weights: Weights) -> None:
    from lsm_eval.results.reader import read_record

    with speaking(weights, "vllm") as (server, _):
        server.seconds = 0.02
        done = ask(server, tasks="choose,read")
    assert done.code == 0, done.err
    tables = [read_record(done.record).samples(task) for task in ("choose", "read")]
    assert all(0.02 <= took < 60 for table in tables for took in table["seconds"].to_pylist())


@pytest.mark.slow  # tries wait for one another
@pytest.mark.parametrize("tasks", ["choose", "read"])
def test_a_run_gives_the_same_values(
    tasks: str, ask: Ask, small_tasks: Path, weights: Weights, checkpoint: Path, tmp_path: Path
) -> None:
    from command_line import Runner

    from lsm_eval.results.reader import read_record

    near = Runner(checkpoint, small_tasks, tmp_path / "near")(tasks=tasks)
    with speaking(weights, "vllm") as (server, _):
        server.fault_rate, server.faults = 0.2, ("429 with Retry-After", "503", "reset inside", "no JSON")
        server.counts.clear()
        far = ask(server, tasks=tasks)
        assert (far.code, near.code) == (0, 0), far.err + near.err
        assert sum(server.counts.values()) > 0
        asked = [body for body in server.bodies if "prompt_logprobs" in body]
        again = ask(server, "--out", tmp_path / "again", tasks=tasks)
        assert again.code == 0, again.err
        more = [body for body in server.bodies if "prompt_logprobs" in body][len(asked) :]
        assert len(more) < 15 < len(asked), "nothing but the proof is asked again"
    there, here = read_record(far.record), read_record(near.record)
    assert there.manifest.model.details["scoring"].startswith("prompt_logprobs")
    assert there.samples(tasks)["asked"].to_pylist() == here.samples(tasks)["asked"].to_pylist()
    ours = {row.metric: row.value for row in here.estimates}
    assert {row.metric: row.value for row in there.estimates} == pytest.approx(ours, abs=1e-4)


def test_another_server_must_tell_the_same_numbers(weights: Weights, near: HFModel) -> None:
    with (
        speaking(weights, "vllm") as (one, _),
        speaking(weights, "vllm") as (two, _),
        speaking(weights, "vllm", lie="off by one") as (other, _),
    ):
        model = EndpointModel("small", EndpointOptions(one.url, more_urls=(two.url,), keep=False))
        model.cost(SCORES)
        check_alike(answers(near, SCORES), answers(model, SCORES), TOLERANCE)
        assert min(one.answered for one in model.info.servers) > 0
        model = EndpointModel("small", EndpointOptions(one.url, more_urls=(other.url,), keep=False))
        with pytest.raises(UserError, match=f"{other.url} returns other log-probabilities .* than {one.url}"):
            model.cost(SCORES)


def test_tokens_are_asked_of_another_server_where_the_first_goes(weights: Weights, near: HFModel) -> None:
    notes: list[str] = []
    with speaking(weights, "vllm") as (two, _):
        with speaking(weights, "vllm") as (one, _):
            options = EndpointOptions(one.url, more_urls=(two.url,), keep=False)
            model = EndpointModel("small", options, RetryPolicy(tries=1), notes.append)
            model.cost(SCORES[:1])
        check_alike(answers(near, SCORES), answers(model, SCORES), TOLERANCE)
