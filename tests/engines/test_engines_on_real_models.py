"""The built-in model through the engines: its greedy texts and its likelihoods are those of transformers in float32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from float32_gguf import write_float32
from onnx_export import export

from lsm_eval.errors import UserError
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.builtin import BUILTINS, checkpoint
from lsm_eval.models.create import create
from lsm_eval.models.hf import HFModel
from lsm_eval.models.wheels import WheelFile, bring
from lsm_eval.requests import Generate, Generated, Perplexity, Request, Response, Score, Scored

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread", "own_cache")]

NAME = "smollm2-135m"
PROMPTS = (
    "The capital of France is",
    "Once upon a time, there was a little",
    "def fibonacci(n):\n",
    "Question: What is 2 + 3?\nAnswer:",
)
WRITTEN: list[Request] = [
    *(Generate(prompt, max_tokens=12) for prompt in PROMPTS),
    Generate("Name a colour.", max_tokens=12, chat=True, system="You answer in one word."),
]
SCORED: list[Request] = [
    Score("The capital of France is", (" Paris", " Rome", " a large city in the south")),
    Score("Is the sky blue?", ("Yes", "No"), chat=True),
    Perplexity("The quick brown fox jumps over the lazy dog."),
]


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The built-in model's checkpoint."""
    try:
        return checkpoint(NAME)
    except UserError as error:
        pytest.skip(f"needs the built-in model: {error}")


@pytest.fixture(scope="session")
def near(smollm2: Path) -> list[Response]:
    """What transformers answers to `WRITTEN` and `SCORED`."""
    return _answers(HFModel("hf:near", ModelOptions(), folder=smollm2), WRITTEN + SCORED)


def _answers(model: Any, requests: list[Request]) -> list[Response]:
    found = {at: one for batch in model.answer(requests) for at, one in batch.items()}
    return [found[at] for at in range(len(requests))]


def _written(answers: list[Response]) -> list[tuple[str, str]]:
    return [(one.text, one.finish) for one in answers if isinstance(one, Generated)]


def test_llamacpp(near: list[Response], tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason="needs llama.cpp: pip install 'lsm-eval[llama-cpp]'")
    source = BUILTINS[NAME].source
    assert isinstance(source, WheelFile)
    (tmp_path / "wheel").mkdir()
    own = bring(source, tmp_path / "wheel", offline=False, say=lambda line: None)
    quantised = create(f"llama.cpp:{own}", ModelOptions(threads=1, slots=2, context=256))
    assert quantised.info.parameters == 134515008
    assert (quantised.info.details or {})["quantisation"] == "Q4_1"
    assert len(_written(_answers(quantised, WRITTEN))) == len(WRITTEN)
    quantised.release()  # type: ignore[attr-defined]
    whole = write_float32(own, tmp_path / "float32.gguf")
    model: Any = create(f"llama.cpp:{whole}", ModelOptions(threads=1, slots=2, context=256, dtype="float32"))
    assert _written(_answers(model, WRITTEN)) == _written(near)
    model.release()


def test_onnx(smollm2: Path, near: list[Response], tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install 'lsm-eval[onnx]'")
    pytest.importorskip("onnx", reason="needs the package onnx, with which torch exports")
    model: Any = create(f"onnx:{export(smollm2, tmp_path / 'exported')}", ModelOptions(threads=1))
    found = _answers(model, WRITTEN + SCORED)
    assert model.info.details["batching"] == "batched"
    assert _written(found) == _written(near)
    for ours, theirs in zip(near, found, strict=True):
        if isinstance(ours, Scored):
            assert isinstance(theirs, Scored)
            assert theirs.logprobs == pytest.approx(ours.logprobs, abs=1e-3)
            assert theirs.greedy == ours.greedy
    assert found[-1].logprob == pytest.approx(near[-1].logprob, abs=1e-3)  # type: ignore[union-attr]
