"""The rows that need no model, against the protocol of all models."""

from __future__ import annotations

import math

import pytest

from lsm_eval.errors import UserError
from lsm_eval.models.base import Model, ModelOptions
from lsm_eval.models.baselines import BASELINES, NAMES, REPLIES, Baseline
from lsm_eval.models.builtin import BUILTINS
from lsm_eval.request_json import dump_answer, load_answer
from lsm_eval.requests import Failure, Generate, Generated, Perplexity, Request, Score, Scored

CHOICES = (" no", " perhaps", " yes", " certain")


def answers(model: Model, requests: list[Request]) -> dict[int, object]:
    model.load()
    return {index: answer for batch in model.answer(requests) for index, answer in batch.items()}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("uniform", (0.0, 0.0, 0.0, 0.0)),
        ("longest", (-1e4, 0.0, -1e4, 0.0)),
        ("first", (0.0, -1e4, -1e4, -1e4)),
    ],
)
def test_scores(name: str, expected: tuple[float, ...]) -> None:
    answer = answers(Baseline(name), [Score("Is it so?", CHOICES)])[0]
    assert answer == Scored(logprobs=expected, tokens=(1,) * 4, greedy=(False,) * 4, order_only=True)
    assert isinstance(answer, Scored)
    assert load_answer(dump_answer(answer)) == answer


@pytest.mark.parametrize("name", BASELINES)
def test_order_survives_length_normalisation_and_softmax(name: str) -> None:
    answer = answers(Baseline(name), [Score("", CHOICES)])[0]
    assert isinstance(answer, Scored)
    best = [score == max(answer.logprobs) for score in answer.logprobs]
    by_length = [score / len(text) for score, text in zip(answer.logprobs, CHOICES, strict=True)]
    assert [score == max(by_length) for score in by_length] == best
    weights = [math.exp(score) for score in answer.logprobs]
    shares = [weight / sum(weights) for weight in weights]
    assert shares == [1 / sum(best) if chosen else 0.0 for chosen in best]


@pytest.mark.parametrize("name", BASELINES)
def test_the_context_says_nothing(name: str) -> None:
    asked: list[Request] = [Score("a", CHOICES), Score("another", CHOICES), Score("a", CHOICES, chat=True)]
    assert len(set(map(str, answers(Baseline(name), asked).values()))) == 1


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize(
    "request_",
    [Generate("Say it."), Perplexity("A text."), Score("alone", (" one",)), Score("none", ())],
    ids=["generate", "perplexity", "one", "none"],
)
def test_what_needs_a_model_fails_as_a_value(name: str, request_: Request) -> None:
    answer = answers(Baseline(name), [request_])[0]
    assert isinstance(answer, Failure)
    assert answer.reason == "unsupported"
    assert answer.detail.startswith(f"builtin:{name} ")
    assert answer.detail.endswith(".")


@pytest.mark.parametrize("prompt", ["How do I boil an egg?", "", "Tell me no more."])
def test_says_no_to_everything(prompt: str) -> None:
    said = answers(Baseline("says_no"), [Generate(prompt), Generate(prompt, chat=True, system="Be kind.")])
    assert len(set(map(str, said.values()))) == 1
    answer = said[0]
    assert isinstance(answer, Generated)
    assert (answer.text, answer.finish) == (REPLIES["says_no"], "stop")
    assert load_answer(dump_answer(answer)) == answer


def test_a_refusal_ends_at_a_stop_string_as_any_text_does() -> None:
    said = answers(Baseline("says_no"), [Generate("a", stop=("with", ",")), Generate("b", stop=("I'm",))])
    assert [answer.text for answer in said.values() if isinstance(answer, Generated)] == ["I'm sorry", ""]


def test_says_no_has_no_say_where_something_is_chosen() -> None:
    said = answers(Baseline("says_no"), [Score("a", CHOICES), Perplexity("a text")])
    assert [answer.reason for answer in said.values() if isinstance(answer, Failure)] == ["unsupported"] * 2


@pytest.mark.parametrize("name", BASELINES)
def test_every_index_once_and_resumed_alike(name: str) -> None:
    asked: list[Request] = [Score(str(n), (" a" * (n % 3 + 1), " bb")) for n in range(3000)]
    model = Baseline(name)
    seen = [index for batch in model.answer(asked) for index in batch]
    assert sorted(seen) == list(range(3000))
    known = set(range(0, 3000, 2)) | set(range(1024, 2048))
    resumed = list(model.answer(asked, known))
    assert all(resumed)
    assert len(resumed) == 2
    whole = answers(model, asked)
    assert {i: a for batch in resumed for i, a in batch.items()} == {
        i: whole[i] for i in whole if i not in known
    }


def test_rest_of_the_protocol() -> None:
    model: Model = Baseline("longest")
    assert model.info.name == "builtin:longest"
    assert not model.info.chat_template
    assert model.info.context is None
    assert model.cost([Score("a", CHOICES)]) == []
    assert model.render(Score("context", CHOICES)) == "context"
    assert model.render(Generate("ask", system="be brief")) == "be brief\n\nask"
    assert model.render(Perplexity("text")) == "text"
    prints = {Baseline(name).fingerprint() for name in NAMES}
    assert len(prints) == len(NAMES)
    assert all(len(bytes.fromhex(fingerprint)) == 32 for fingerprint in prints)
    assert model.fingerprint() == Baseline("longest").fingerprint()


def test_each_is_listed() -> None:
    assert set(NAMES) == {name for name, builtin in BUILTINS.items() if builtin.source is None}


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (ModelOptions(adapter="org/adapter"), "adapter"),
        (ModelOptions(dtype="bfloat16"), "dtype bfloat16"),
        (ModelOptions(device="cuda"), "device cuda"),
        (ModelOptions(batch_tokens=4096), "batch size"),
        (ModelOptions(trust_remote_code=True), "remote code"),
    ],
)
def test_options_that_make_no_sense(options: ModelOptions, word: str) -> None:
    with pytest.raises(UserError, match=word):
        Baseline("uniform", options)


def test_options_that_hold_of_themselves() -> None:
    Baseline("first", ModelOptions(device="cpu", offline=True, overflow="truncate"))


def test_unknown_name() -> None:
    with pytest.raises(UserError, match="did you mean 'builtin:longest'"):
        Baseline("longst")


def test_a_fixed_reply_has_no_likelihood() -> None:
    (found,) = next(iter(Baseline("says_no").answer([Generate("why?", detail=True)]))).values()
    assert isinstance(found, Failure)
    assert found.reason == "unsupported"
