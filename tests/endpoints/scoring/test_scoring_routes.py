"""The same weights in process and behind servers of several kinds say the same; servers that lie are refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from openai_server import Ask, Server
from scored_alike import CHATS, SCORES, TEXTS, answers, check_alike
from scoring_server import LIES, Weights, placeholder, speaking
from tiny_models import save_tokenizer

from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.endpoints.patience import Patience
from lsm_eval.endpoints.scoring.finding import Finding
from lsm_eval.errors import UserError
from lsm_eval.models.base import EndpointOptions
from lsm_eval.models.hf import HFModel
from lsm_eval.requests import Failure, Generate, Perplexity, Request, Score, Scored

pytestmark = pytest.mark.usefixtures("one_thread")
KINDS = {"vllm": "prompt_logprobs", "echo": "echo", "sglang": "sglang"}
TOLERANCE = 1e-5


def _far(server: Server, tokenizer: Path | None = None, **options: Any) -> EndpointModel:
    name = None if tokenizer is None else str(tokenizer)
    return EndpointModel("small", EndpointOptions(server.url, max_concurrency=4, tokenizer=name), **options)


@pytest.mark.parametrize("kind", KINDS)
def test_likelihoods_are_those_of_the_model_in_process(kind: str, weights: Weights, near: HFModel) -> None:
    requests = SCORES + TEXTS + ([] if kind == "sglang" else CHATS)
    with speaking(weights, kind) as (server, _):
        model = _far(server)
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
        model = _far(server)
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
        model = _far(server)
        model.cost(SCORES)
        before = len(server.bodies)
        answers(model, SCORES[:1])
        assert [len(body["prompt"]) for body in server.bodies[before:]] == [5]
        assert all(type(token) is int for prompt in server.bodies[-1]["prompt"] for token in prompt)


def test_numbers_as_texts_are_numbers(weights: Weights, near: HFModel) -> None:
    with speaking(weights, "echo", written="strings") as (server, _):
        check_alike(answers(near, SCORES), answers(_far(server), SCORES), TOLERANCE)


@pytest.mark.parametrize("kind", ["vllm", "echo", "sglang"])
@pytest.mark.parametrize("lie", LIES)
def test_liars_are_refused(kind: str, lie: str, weights: Weights) -> None:
    if kind == "sglang" and lie in ("text tokenised", "cut on the left"):
        pytest.skip("these are told of completions only")
    said = {
        "off by one": "of the token before each (off by one)",
        "constant": "the same number",
        "unlike what it writes": "nats from what it says when it writes that token",
    }.get(lie, "")
    with speaking(weights, kind, lie=lie) as (server, _):
        model = _far(server)
        with pytest.raises(UserError, match="tells no log-probabilities that can be used") as raised:
            model.cost(SCORES)
        assert said in str(raised.value)
        assert model.fingerprint() == _far(server).fingerprint(), (
            "texts that it wrote before are still its own"
        )
        assert str(raised.value).startswith("openai:small is behind an endpoint that")
        failures = answers(model, SCORES[:1])
    assert isinstance(failures[0], Failure)
    assert failures[0].reason == "unsupported"


def test_a_token_that_is_forced(weights: Weights, near: HFModel) -> None:
    """And what is done where nothing is told of it."""
    with speaking(weights, "llama.cpp") as (server, own):
        own.untold.update(weights.tokenizer(" mat x", add_special_tokens=False)["input_ids"])
        model = _far(server)
        check_alike(answers(near, SCORES + TEXTS), answers(model, SCORES + TEXTS), TOLERANCE)
        assert (model.info.details or {})["scoring"].startswith("llama.cpp (proved")
        assert model.info.context == 127
        asked = [body["n_probs"] for body in server.bodies if "n_probs" in body]
        assert 1 in asked
        assert max(asked) > 320


@pytest.mark.parametrize(
    ("lie", "said"),
    [("after the bias", "where a log-probability should be"), ("no bias", "did not write token")],
)
def test_numbers_from_after_the_bias_are_refused(lie: str, said: str, weights: Weights) -> None:
    with speaking(weights, "llama.cpp", lie=lie) as (server, _), pytest.raises(UserError, match=said):
        _far(server).cost(SCORES)


@pytest.mark.parametrize("value", ["null", "nan", "-inf", "-9999.0", "-3.4e38", "0.7", "no", "true"])
def test_what_is_no_number_is_never_taken_for_one(value: str, weights: Weights) -> None:
    requests: list[Request] = [Score("the cat sat on", (" the", "x")), Score("the cat sat on", (" the",))]
    with speaking(weights, "vllm") as (server, own):
        model = _far(server)
        model.patience = Patience(tries=2, first_wait=0.01)
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
        model = _far(server)
        (cost,) = model.cost([long])
        assert cost.truncated > 0
        before = len(server.bodies)
        (answer,) = answers(model, [long])
        assert len(server.bodies) == before
        assert isinstance(answer, Failure)
        assert answer.reason == "too_long"
        cut = _far(server, overflow="truncate")
        (answer,) = answers(cut, [long])
        assert isinstance(answer, Scored)
        assert answer.truncated == cost.truncated


def test_a_server_that_says_it_is_too_long(weights: Weights) -> None:
    with speaking(weights, "vllm", context=64) as (server, _):
        server.pages["/v1/models"] = {"data": []}
        model = _far(server)
        assert model.cost([Score("a", ("b",))])
        assert model.info.context is None
        (answer,) = answers(model, [Score("the cat sat on the mat " * 40, (" the",))])
    assert isinstance(answer, Failure)
    assert answer.reason == "too_long"


def test_windows_of_a_long_text(weights: Weights, checkpoint: Path) -> None:
    """Those of a model in process whose context is what the server leaves of its own."""
    from lsm_eval.models.base import ModelOptions

    model = HFModel("hf:small", ModelOptions(), folder=checkpoint)
    model.context = 126
    texts: list[Request] = [Perplexity("the name of the other one, and a mat " * 20)]
    with speaking(weights, "echo") as (server, _):
        check_alike(answers(model, texts), answers(_far(server), texts), TOLERANCE)


def test_detail_of_texts_is_refused(weights: Weights) -> None:
    why = r"not how likely all others were, as Min-K%\+\+ asks: name the model's checkpoint"
    with speaking(weights, "vllm") as (server, _):
        model = _far(server)
        with pytest.raises(UserError, match=why):
            model.cost([Perplexity("the cat", detail=True)])
        assert not server.bodies + server.probes, "nothing is asked"


def test_a_tokenizer_by_name(weights: Weights, near: HFModel, checkpoint: Path, tmp_path: Path) -> None:
    requests = SCORES + TEXTS + CHATS
    with speaking(weights, "echo", tokenizer=False) as (server, _):
        model = _far(server, checkpoint)
        check_alike(answers(near, requests), answers(model, requests), TOLERANCE)
        assert "sha256" in (model.info.details or {})["tokenizer"]
        named = model.fingerprint()
    save_tokenizer(tmp_path, special_start=False)
    with speaking(weights, "echo") as (server, _):
        assert _far(server, checkpoint).cost(requests) == near.cost(requests)
        with pytest.raises(UserError, match="is not the server's: for 'The quick"):
            _far(server, tmp_path).cost(requests)
        model = _far(server)
        before = model.fingerprint()
        model.cost(requests)
        assert len({before, model.fingerprint(), named}) == 3


def test_a_server_that_is_busy_at_first(weights: Weights, near: HFModel) -> None:
    with speaking(weights, "echo") as (server, own):
        refused = iter(
            [(503, {"error": "loading"}, {}), (429, {"error": "slow down"}, {"Retry-After": "0.1"})]
        )
        server.posts["/tokenize"] = lambda body: next(refused, None) or own.tokenize(body)
        check_alike(answers(near, SCORES), answers(_far(server), SCORES), TOLERANCE)
        server.posts["/tokenize"] = lambda body: (503, {"error": "loading"}, {})
        with pytest.raises(UserError, match="run the same command again when it does"):
            _far(server).cost(SCORES)


def test_chats_need_a_template_that_is_shown(weights: Weights) -> None:
    with speaking(weights, "sglang") as (server, _), pytest.raises(UserError, match="does not show what its"):
        _far(server).cost(CHATS)


def test_what_was_found_can_be_kept() -> None:
    found = Finding("echo", new=1, difference=0.001)
    assert Finding.load(found.dump()) == found
    assert Finding.load({**found.dump(), "version": 0}) is None
    assert Finding.load({"no": 1}) is None


def _scores(server: Server, near: HFModel, **options: Any) -> int:
    """Check all likelihoods with a new model, and say how many requests that took before the first was asked."""
    model = _far(server)
    before = len(server.bodies)
    assert model.cost(SCORES) == near.cost(SCORES)
    asked = [body for body in server.bodies[before:] if "tokens" not in body and "content" not in body]
    told = [body for body in asked if "add_special_tokens" not in body]
    check_alike(answers(near, SCORES), answers(model, SCORES), TOLERANCE)
    probed = model.info.probed
    assert probed is not None
    assert probed["scoring"]["route"] is not None, "it stands in the record, kept or new"
    return len(told)


@pytest.mark.parametrize("kind", [*KINDS, "llama.cpp"])
def test_what_was_kept_is_proved_again_with_one_token(kind: str, weights: Weights, near: HFModel) -> None:
    with speaking(weights, kind) as (server, _):
        assert _scores(server, near) >= 6
        assert _scores(server, near) <= (5 if kind == "llama.cpp" else 3)


def test_what_was_kept_of_another_model_is_not_believed(
    weights: Weights, near: HFModel, checkpoint: Path
) -> None:
    """Served at the same address by a server of the same version: by another way, or by none that tells the truth."""
    with speaking(weights, "vllm") as (server, own):
        _far(server).cost(SCORES)
        own.kind = "echo"
        assert _scores(server, near) > 6
        own.lie = "off by one"
        with pytest.raises(UserError, match="off by one"):
            _far(server).cost(SCORES)
        own.lie = ""
    with speaking(weights, "llama.cpp") as (server, own):
        model = _far(server)
        model.cost(SCORES)
        kept = model._known.learned
        assert kept.findings is not None
        assert kept.findings.scoring is not None
        kept.keep_scoring(model._known.server, {**kept.findings.scoring, "plain": 3})  # another vocabulary's
        assert _scores(server, near) > 6


@pytest.mark.slow
def test_what_faults_hid_is_not_kept(weights: Weights, near: HFModel) -> None:
    with speaking(weights, "echo") as (server, _):
        real = server.answer
        server.answer = lambda body: (
            (500, {"error": "oops"}, {}) if body.get("echo") or body.get("logprobs") else real(body)
        )
        with pytest.raises(UserError, match="oops"):
            _far(server).cost(SCORES)
        server.answer = real
        assert _scores(server, near) > 6


def test_a_tokenizer_that_is_named_later(weights: Weights, near: HFModel, checkpoint: Path) -> None:
    with speaking(weights, "echo", tokenizer=False) as (server, _):
        with pytest.raises(UserError, match="--tokenizer ID"):
            _far(server).cost(SCORES)
        check_alike(answers(near, SCORES), answers(_far(server, checkpoint), SCORES), TOLERANCE)


def test_other_weights_under_the_same_name_are_asked_anew(weights: Weights) -> None:
    """Where the server tells of them."""
    with speaking(weights, "vllm") as (server, _):
        told: dict[str, Any] = server.pages["/v1/models"]["data"][0]
        found = set()
        for root in ("org/one", "org/other", "org/one"):
            told["root"] = root
            found.add(_far(server).fingerprint())
    assert len(found) == 2


def test_a_dry_run_sends_no_question(ask: Ask, small_tasks: Path, weights: Weights) -> None:
    """Before and after something is known."""
    with speaking(weights, "vllm") as (server, _):
        real = server.answer
        server.answer = lambda body: pytest.fail("asked")
        first = ask(server, "--dry-run", tasks="choose")
        said = ask(server, "--dry-run", tasks="read").sentence()
        assert "run the same command once without --dry-run" in said
        server.answer = real
        assert ask(server, "--limit", "2", tasks="choose").code == 0
        server.answer = lambda body: pytest.fail("asked")
        second = ask(server, "--dry-run", tasks="choose")
        assert not server.probes
        assert server.bodies
    assert (first.code, second.code) == (0, 0)
    assert (
        "whether openai:small tells log-probabilities is not asked now, and if it does not: choose"
        in first.err
    )
    assert "tells no log-probabilities" not in first.err + second.err
    assert "72" in second.out, "its choices are counted as they will be asked"


@pytest.mark.parametrize(
    "kind",
    ["vllm", *(pytest.param(one, marks=pytest.mark.slow) for one in (*KINDS, "llama.cpp") if one != "vllm")],
)
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
        clean = answers(_far(server), requests)
        server.fault_rate, server.faults = 0.2, faults
        real, at = server.answer, iter(range(10**9))

        def lacking(body: Any) -> Any:
            whole = real(body)
            for choice in whole.get("choices", []) if isinstance(whole, dict) and next(at) % 5 == 0 else []:
                choice |= {name: None for name in ("logprobs", "prompt_logprobs") if choice.get(name)}
            return whole

        model = _far(server)
        model.patience = Patience(first_wait=0.01, longest_wait=0.05)
        model.cost(requests)
        server.answer = lacking
        check_alike(clean, answers(model, requests), TOLERANCE)
        assert server.counts


@pytest.mark.parametrize("tasks", ["choose", pytest.param("read", marks=pytest.mark.slow)])
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
        with pytest.raises(UserError, match=f"{other.url} tells other log-probabilities .* than {one.url}"):
            model.cost(SCORES)


def test_tokens_are_asked_of_another_server_where_the_first_goes(weights: Weights, near: HFModel) -> None:
    notes: list[str] = []
    with speaking(weights, "vllm") as (two, _):
        with speaking(weights, "vllm") as (one, _):
            options = EndpointOptions(one.url, more_urls=(two.url,), keep=False)
            model = EndpointModel("small", options, Patience(tries=1), notes.append)
            model.cost(SCORES[:1])
        check_alike(answers(near, SCORES), answers(model, SCORES), TOLERANCE)
