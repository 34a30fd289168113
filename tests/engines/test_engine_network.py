"""Engines behind the same interface: their answers are those of the transformers backend, and contexts are read once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from engine_requests import BUDGETED, DRAWN, SCORED, WRITTEN, answers
from tiny_gguf import write_llama
from tiny_models import CHAT, save_encoder_model, save_model
from transformers_engine import TransformersEngineModel

from lsm_eval.errors import UserError
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.create import create
from lsm_eval.models.hf import HFModel
from lsm_eval.requests import Failure, Generate, Generated, Perplexity, Request, Score, Scored


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Llama that chats."""
    return save_model(tmp_path_factory.mktemp("checkpoints") / "tiny", chat=CHAT)


def _both(folder: Path, options: ModelOptions | None = None) -> tuple[HFModel, TransformersEngineModel]:
    options = options or ModelOptions()
    return HFModel("hf:tiny", options, folder=folder), TransformersEngineModel(
        "plain:tiny", options, folder=folder
    )


@pytest.mark.parametrize("overflow", ["skip", "truncate"])
def test_scores_are_those_of_transformers(folder: Path, overflow: str) -> None:
    ours, theirs = _both(folder, ModelOptions(overflow=overflow))  # type: ignore[arg-type]
    for request, one, other in zip(SCORED, answers(ours, SCORED), answers(theirs, SCORED), strict=True):
        if isinstance(one, Failure):
            assert other == one
        elif isinstance(one, Scored):
            assert isinstance(other, Scored)
            assert other.logprobs == pytest.approx(one.logprobs, abs=1e-4), request
            assert (other.tokens, other.greedy, other.truncated) == (one.tokens, one.greedy, one.truncated)
        else:
            assert vars_of(other) == pytest.approx(vars_of(one), abs=1e-3)


def vars_of(likelihood: object) -> tuple[float, int]:
    """Sum and count."""
    return likelihood.logprob, likelihood.tokens  # type: ignore[attr-defined]


@pytest.mark.parametrize("late", [0, 3])
def test_texts_are_those_of_transformers(folder: Path, late: int) -> None:
    """Also where the engine writes on for a while after it was told to stop."""
    ours, theirs = _both(folder, ModelOptions(overflow="truncate"))
    theirs.late = late
    requests = [*WRITTEN, *DRAWN]
    for request, one, other in zip(requests, answers(ours, requests), answers(theirs, requests), strict=True):
        assert isinstance(one, Generated)
        assert isinstance(other, Generated)
        assert (other.text, other.tokens, other.finish) == (one.text, one.tokens, one.finish), request
        assert (one.logprob is None) == (other.logprob is None)
        if one.logprob is not None:
            assert other.logprob == pytest.approx(one.logprob, abs=1e-3)
    cut = [one for one in answers(ours, requests) if isinstance(one, Generated) and one.finish == "stop"]
    assert cut
    assert set(theirs.made.stopped) <= set(range(len(requests)))


@pytest.mark.parametrize("late", [0, 3])
def test_budgets_of_thoughts_are_kept(tmp_path: Path, late: int) -> None:
    ours, theirs = _both(save_model(tmp_path / "tiny", chat=CHAT, context=256))
    theirs.late = late
    found = answers(theirs, BUDGETED)
    assert found == answers(ours, BUDGETED)
    closed = [one for one in found if isinstance(one, Generated) and "</think>" in one.text]
    assert len(closed) == 4
    assert all(one.reasoning_tokens for one in closed)


def test_a_context_is_read_once_and_choices_begin_where_it_ends(folder: Path) -> None:
    _, model = _both(folder)
    choices = (" yes", " no", " the other one", " the other two")
    answers(model, [Score("the cat sat on the mat", choices)])
    first, second = model.made.asked
    assert len(first) == 1, "the context, for the first token of all choices"
    assert first[0].since is None
    longer = [ask for ask in second if ask.since is not None]
    assert longer
    assert all(ask.since == len(first[0].prompt) + 1 for ask in longer)
    assert len({ask.prompt for ask in second}) == len(second)


def test_letters_take_one_prompt(folder: Path) -> None:
    _, model = _both(folder)
    answers(model, [Score("the answer to the question:", ("a", "b", "c", "d"))])
    assert [len(asks) for asks in model.made.asked] == [1]


def test_known_requests_change_nothing_of_the_batches(folder: Path) -> None:
    _, whole = _both(folder)
    _, resumed = _both(folder)
    whole.room = resumed.room = 60
    everything = answers(whole, SCORED[:12])
    left = answers(resumed, SCORED[:12], known=[0, 1, 2, 7])
    assert [one for at, one in enumerate(everything) if at not in (0, 1, 2, 7)] == [
        one for one in left if one
    ]
    asked = [[ask.prompt for ask in asks] for asks in whole.made.asked]
    again = [[ask.prompt for ask in asks] for asks in resumed.made.asked]
    assert len(asked) > len(again) > 0
    assert all(asks in asked for asks in again)


def test_fingerprints_differ_by_engine_and_are_equal_otherwise(folder: Path) -> None:
    ours, theirs = _both(folder)
    assert ours.fingerprint() != theirs.fingerprint()
    assert theirs.fingerprint() == _both(folder)[1].fingerprint()
    assert "transformers" in theirs.versions()


def test_weights_can_be_let_go(folder: Path) -> None:
    _, model = _both(folder)
    (one,) = answers(model, [SCORED[0]])
    engine = model.made
    model.release()
    assert engine.closed
    assert answers(model, [SCORED[0]]) == [one]
    assert model.info.details is not None
    assert model.info.details["engine"] == "plain"


def test_what_an_engine_cannot_do_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"--engine tree is of the transformers backend, and .* runs in Plain"
    ):
        _both(folder, ModelOptions(engine="tree"))[1].load()
    _, model = _both(folder)
    detailed: list[Request] = [Perplexity("the cat", detail=True)]
    with pytest.raises(
        UserError,
        match=r"does not return the whole distribution .* which Min-K%\+\+ needs: name the same",
    ):
        model.cost(detailed)
    t5 = save_encoder_model(tmp_path / "t5", "t5")
    with pytest.raises(
        UserError, match=r"is an encoder-decoder model, and Plain is asked for decoder-only ones"
    ):
        _ = TransformersEngineModel("plain:t5", ModelOptions(), folder=t5).info


def test_what_an_engine_trips_over_is_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("head size 7 is not supported\n  by anything")

    monkeypatch.setattr(TransformersEngineModel, "make_engine", fail)
    with pytest.raises(
        UserError, match=r"Plain cannot load it \(ValueError: head size 7 is not supported\); name"
    ):
        _both(folder)[1].load()


@pytest.mark.parametrize(("engine", "module"), [("vllm", "vllm_model"), ("sglang", "sglang.model")])
def test_an_engine_that_is_not_installed_is_named(
    engine: str, module: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"lsm_eval.engines.{module}.find_spec", lambda name: None)
    with pytest.raises(
        UserError, match=rf"needs the package {engine}, .* pip install 'lsm-eval\[{engine}\]'"
    ):
        create(f"{engine}:{folder}", ModelOptions())


def test_a_vllm_that_cannot_be_imported_is_one_sentence(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "vllm" in sys.modules:
        pytest.skip("vLLM is imported already")
    (tmp_path / "vllm").mkdir()
    (tmp_path / "vllm" / "__init__.py").write_text("raise RuntimeError('operator x::nms does not exist')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("lsm_eval.engines.vllm_model.quiet", lambda: None)  # it sets variables
    with pytest.raises(
        UserError, match=r"cannot be used here \(RuntimeError: operator x::nms does not exist\)"
    ):
        create(f"vllm:{folder}", ModelOptions())


def test_a_gguf_file_is_converted_for_an_engine(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lsm_eval.engines.create.engine_model", lambda prefix: TransformersEngineModel)
    (tmp_path / "one").mkdir()
    write_llama(tmp_path / "one" / "tiny.gguf")
    for named in (tmp_path / "one", tmp_path / "one" / "tiny.gguf"):
        model = create(f"vllm:{named}", ModelOptions())
        assert model.info.name == "vllm:tiny.gguf"
        (text,) = answers(model, [Generate("a cat", max_tokens=3)])
        assert isinstance(text, Generated)


def test_quantising_is_of_the_transformers_backend(folder: Path) -> None:
    with pytest.raises(
        UserError, match=r"--quantize int8 is of the transformers backend, and .* runs in Plain"
    ):
        _both(folder, ModelOptions(quantize="int8", device="cpu"))


def test_texts_with_nan_are_failures(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    _, model = _both(folder)
    model.load()
    monkeypatch.setattr(model.made, "_logits", lambda tokens: torch.full((len(tokens), 320), float("nan")))
    (written,) = answers(model, [Generate("the cat", max_tokens=4)])
    (scored,) = answers(model, [Score("the cat", (" sat", " on"))])
    assert isinstance(written, Failure)
    assert isinstance(scored, Failure)
    assert written.reason == scored.reason == "nan"
