"""SGLang's engine against the transformers backend, with a stand-in for SGLang that replies in its shapes (`sglang_stand_in`)."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engine_requests import BUDGETED, DRAWN, SCORED, WRITTEN, answers
from sglang_stand_in import OnCpu, StandIn, install
from tiny_models import CHAT, save_model

from lsm_eval.errors import UserError
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.builtin import checkpoint
from lsm_eval.models.hf import HFModel
from lsm_eval.requests import Failure, Generate, Generated, Perplexity, Request, Score, Scored


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Llama that chats."""
    return save_model(tmp_path_factory.mktemp("checkpoints") / "tiny", chat=CHAT)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> type[StandIn]:
    """What is imported as SGLang."""
    return install(monkeypatch)


@pytest.fixture
def opened(stand_in: type[StandIn]) -> Iterator[list[OnCpu]]:
    """Models that are closed in the end."""
    models: list[OnCpu] = []
    yield models
    for model in models:
        model.release()


def _model(opened: list[OnCpu], folder: Path, **options: Any) -> OnCpu:
    model = OnCpu("sglang:tiny", ModelOptions(**options), folder=folder)
    opened.append(model)
    return model


def test_scores_are_those_of_transformers(folder: Path, opened: list[OnCpu]) -> None:
    model = _model(opened, folder, overflow="truncate")
    ours = answers(HFModel("hf:tiny", ModelOptions(overflow="truncate"), folder=folder), SCORED)
    for request, one, other in zip(SCORED, ours, answers(model, SCORED), strict=True):
        if isinstance(one, Scored):
            assert isinstance(other, Scored)
            assert other.logprobs == pytest.approx(one.logprobs, abs=1e-4), request
            assert (other.tokens, other.greedy, other.truncated) == (one.tokens, one.greedy, one.truncated)
        else:
            assert other.logprob == pytest.approx(one.logprob, abs=1e-3)  # type: ignore[union-attr]
            assert other.tokens == one.tokens  # type: ignore[union-attr]
    assert any(isinstance(request, Perplexity) for request in SCORED)
    assert model.info.details is not None
    assert model.info.details["engine"] == "SGLang 0.5.23, cpu"


@pytest.mark.parametrize("ends", ["its own", "more"])
def test_texts_are_those_of_transformers(
    ends: str, folder: Path, stand_in: type[StandIn], opened: list[OnCpu], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where SGLang would end texts at tokens that end none."""
    monkeypatch.setattr(stand_in, "ends", {1} if ends == "its own" else set(range(0, 320, 3)))
    model = _model(opened, folder, overflow="truncate")
    ours = answers(HFModel("hf:tiny", ModelOptions(overflow="truncate"), folder=folder), WRITTEN)
    for request, one, other in zip(WRITTEN, ours, answers(model, WRITTEN), strict=True):
        assert isinstance(one, Generated)
        assert isinstance(other, Generated)
        assert (other.text, other.tokens, other.finish) == (one.text, one.tokens, one.finish), request
    (made,) = stand_in.made
    streamed = [parameters for asked in made.asked if asked.get("stream") for parameters in asked["sampling_params"]]  # fmt: skip
    assert {one["ignore_eos"] for one in streamed} == {ends == "more"}
    assert made.aborted, "texts that stop strings end are stopped there"


def test_drawn_texts_hang_on_their_own_request(folder: Path, opened: list[OnCpu]) -> None:
    model = _model(opened, folder)
    once = answers(model, DRAWN)
    assert answers(model, DRAWN[::-1])[::-1] == once
    assert len({one.text for one in once if isinstance(one, Generated)}) == len(DRAWN)


def test_budgets_of_thoughts_are_kept(tmp_path: Path, opened: list[OnCpu]) -> None:
    folder = save_model(tmp_path / "tiny", chat=CHAT, context=256)
    ours = answers(HFModel("hf:tiny", ModelOptions(), folder=folder), BUDGETED)
    assert answers(_model(opened, folder), BUDGETED) == ours


def test_more_texts_than_ten_are_not_stopped_by_one_another(folder: Path, opened: list[OnCpu]) -> None:
    """SGLang stops every request whose name begins with the one that is named."""
    requests: list[Request] = [Generate(f"the cat {at}", stop=("o", "e"), max_tokens=12) for at in range(25)]
    ours = answers(HFModel("hf:tiny", ModelOptions(), folder=folder), requests)
    found = answers(_model(opened, folder), requests)
    assert [(one.text, one.finish) for one in found] == [(one.text, one.finish) for one in ours]  # type: ignore[union-attr]


def test_a_context_is_read_once(folder: Path, stand_in: type[StandIn], opened: list[OnCpu]) -> None:
    model = _model(opened, folder)
    model.load()
    (made,) = stand_in.made
    before = made.computed
    context = "the cat sat on the mat and the dog sat on the log, yes"
    choices = (" the other one", " the other two", " nothing at all")
    answers(model, [Score(context, choices)])
    length, *more = model.count_tokens([context, *choices])
    # The context once, and of each choice what comes after its beginning, at most.
    assert length < made.computed - before <= length + 1 + sum(more)
    assert made.arguments["context_length"] == 64 + 8
    assert made.arguments["enable_deterministic_inference"] is True


def test_the_last_token_of_a_vocabulary_is_scored(folder: Path, opened: list[OnCpu]) -> None:
    """SGLang reports it as token 0."""
    model = _model(opened, folder)
    last = model.encoder.decode([319])
    requests = [Score("the cat", (last + " yes" + last, " no"))]
    (one,) = answers(HFModel("hf:tiny", ModelOptions(), folder=folder), requests)
    (other,) = answers(model, requests)
    assert isinstance(one, Scored)
    assert isinstance(other, Scored)
    assert other.logprobs == pytest.approx(one.logprobs, abs=1e-4)


def test_log_probabilities_of_another_place_are_refused_at_the_start(
    folder: Path, stand_in: type[StandIn], opened: list[OnCpu], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand_in, "shift", 1)
    model = _model(opened, folder)
    with pytest.raises(
        UserError, match=r"SGLang 0\.5\.23 tells .* nats apart, as it is asked, .* name the model with hf:"
    ):
        model.load()
    assert [made.down for made in stand_in.made] == [True]
    monkeypatch.setattr(stand_in, "shift", 0)
    model.load()


def test_replies_of_another_shape_are_one_sentence(
    folder: Path, stand_in: type[StandIn], opened: list[OnCpu], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = stand_in._scored

    def other(self: StandIn, asked: dict[str, Any], at: int) -> dict[str, Any]:
        reply = real(self, asked, at)
        reply["meta_info"]["input_token_logprobs"] = reply["meta_info"]["input_token_logprobs"][1:]
        return reply

    monkeypatch.setattr(stand_in, "_scored", other)
    with pytest.raises(
        UserError, match=r"replies in another way than 0\.5\.23, .* another number of the prompt's"
    ):
        _model(opened, folder).load()


def test_a_text_that_sglang_gives_up_is_one_sentence(
    folder: Path, stand_in: type[StandIn], opened: list[OnCpu], monkeypatch: pytest.MonkeyPatch
) -> None:
    def give_up(self: StandIn, text: Any) -> None:
        text.reason = {
            "type": "abort",
            "message": "KV cache pool is full",
            "status_code": 500,
            "err_type": None,
        }

    monkeypatch.setattr(stand_in, "_step", give_up)
    with pytest.raises(UserError, match=r"SGLang has given up a text: KV cache pool is full\."):
        answers(_model(opened, folder), [Generate("the cat", max_tokens=4)])


def test_a_prompt_that_sglang_refuses_is_one_sentence(
    folder: Path, stand_in: type[StandIn], opened: list[OnCpu]
) -> None:
    model = _model(opened, folder)
    model.load()
    (made,) = stand_in.made
    made.arguments["context_length"] = 9
    for request in (
        Score("the cat sat on the mat", (" yes", " no")),
        Generate("the cat sat on the mat", max_tokens=4),
    ):
        with pytest.raises(UserError, match=r"SGLang refuses a prompt: The input \(\d+ tokens\) is longer"):
            answers(model, [request])


def test_nan_is_a_failure(
    folder: Path, stand_in: type[StandIn], opened: list[OnCpu], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = stand_in._logprobs
    monkeypatch.setattr(stand_in, "_logprobs", lambda self, tokens: real(self, tokens) * float("nan"))
    model = _model(opened, folder)
    (written,) = answers(model, [Generate("the cat", max_tokens=4)])
    (scored,) = answers(model, [Score("the cat", (" sat", " on"))])
    assert isinstance(written, Failure)
    assert isinstance(scored, Failure)
    assert written.reason == scored.reason == "nan"


def test_one_model_at_a_time(folder: Path, stand_in: type[StandIn], opened: list[OnCpu]) -> None:
    first, second = _model(opened, folder), _model(opened, folder)
    first.load()
    with pytest.raises(UserError, match="SGLang computes one model at a time in a process"):
        second.load()
    first.release()
    assert stand_in.made[0].down
    second.load()
    del second
    opened.clear()
    _model(opened, folder).load()
    assert [made.down for made in stand_in.made] == [True, True, False], "one that is not used ends by itself"


def test_a_process_that_fails_is_one_sentence(
    folder: Path, stand_in: type[StandIn], opened: list[OnCpu], monkeypatch: pytest.MonkeyPatch
) -> None:
    """SGLang's processes send SIGQUIT, which would end this one."""
    before = signal.getsignal(signal.SIGQUIT)
    model = _model(opened, folder)
    model.load()
    fails = iter([True])

    def fail(self: StandIn, text: Any) -> None:
        if next(fails, False):
            os.kill(os.getpid(), signal.SIGQUIT)

    monkeypatch.setattr(stand_in, "_step", fail)
    with pytest.raises(
        UserError, match="SGLang has stopped: one of its processes failed, and says above why"
    ):
        answers(model, [Generate("the cat", max_tokens=4)])
    model.release()
    assert signal.getsignal(signal.SIGQUIT) is before


def test_weights_that_cannot_be_read_leave_room_for_others(
    folder: Path, stand_in: type[StandIn], opened: list[OnCpu], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = _model(opened, folder)
    with monkeypatch.context() as patched:
        patched.setattr(stand_in, "get_server_info", lambda self: 1 // 0)
        with pytest.raises(UserError, match=r"SGLang cannot load it \(ZeroDivisionError: .*\); name the"):
            model.load()
    model.load()


@pytest.mark.slow
def test_the_built_in_model(opened: list[OnCpu]) -> None:
    """Its real log-probabilities, in the replies' shapes, are its scores."""
    try:
        weights = checkpoint("smollm2-135m")
    except UserError as error:
        pytest.skip(f"needs the built-in model: {error}")
    requests: list[Request] = [
        Score("The capital of France is", (" Paris", " Rome", " a large city in the south")),
        Score("Is the sky blue?", ("Yes", "No"), chat=True),
        Perplexity("The quick brown fox jumps over the lazy dog."),
        Generate("Once upon a time, there was a little", max_tokens=12),
    ]
    ours = answers(HFModel("hf:near", ModelOptions(), folder=weights), requests)
    theirs = answers(_model(opened, weights), requests)
    for one, other in zip(ours, theirs, strict=True):
        if isinstance(one, Scored):
            assert isinstance(other, Scored)
            assert other.logprobs == pytest.approx(one.logprobs, abs=1e-3)
            assert other.greedy == one.greedy
        elif isinstance(one, Generated):
            assert isinstance(other, Generated)
            assert other.text == one.text
        else:
            assert other.logprob == pytest.approx(one.logprob, abs=1e-3)  # type: ignore[union-attr]
