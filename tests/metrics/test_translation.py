"""BLEU, chrF and TER equal sacrebleu's own corpus scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from lsm_eval.errors import UserError
from lsm_eval.metrics.bleu import Bleu
from lsm_eval.metrics.chrf import Chrf
from lsm_eval.metrics.ter import Ter
from lsm_eval.requests import Failure, Generate, Generated
from lsm_eval.scoring.registry import create
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.intervals import estimate
from lsm_eval.tasks.sample import Sample

LOST = Failure("truncated", "")
WORDS = st.lists(st.sampled_from(["the", "cat", "sat", "on", "a", "mat", ".", "dog"]), max_size=9).map(
    " ".join
)
CORPUS = st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=1, max_size=4)
BLEU_OPTIONS: list[dict[str, Any]] = [
    {},
    {"effective_order": True},
    {"smooth_method": "none"},
    {"smooth_method": "floor"},
    {"smooth_method": "floor", "smooth_value": 0.5, "effective_order": True},
    {"smooth_method": "add-k"},
    {"smooth_method": "add-k", "smooth_value": 2.0, "lowercase": True, "tokenize": "char"},
    {"max_ngram_order": 2},
]
CHRF_OPTIONS: list[dict[str, Any]] = [
    {},
    {"word_order": 2},
    {"beta": 3, "whitespace": True},
    {"eps_smoothing": True},
    {"char_order": 3, "lowercase": True},
]


TER_OPTIONS: list[dict[str, Any]] = [
    {},
    {"normalized": True, "asian_support": True},
    {"no_punct": True, "case_sensitive": True},
]


def rows(metric: Bleu | Chrf | Ter, corpus: list[tuple[str, ...]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Statistics of (completion, *references)."""
    measured = [
        metric.measure(Sample("s", Generate("p"), refs), Generated(hyp, 1, "stop"))
        for hyp, *rest in corpus
        for refs in [tuple(rest)]
    ]
    return np.array([m.statistics for m in measured])


def theirs(scorer: Any, corpus: list[tuple[str, ...]]) -> float:
    hyps, *refs = (list(column) for column in zip(*corpus, strict=True))
    return float(scorer.corpus_score(hyps, refs).score)


@pytest.mark.parametrize("options", BLEU_OPTIONS, ids=str)
@settings(deadline=None, max_examples=60)
@given(corpus=CORPUS)
def test_bleu_is_sacrebleus(options: dict[str, Any], corpus: list[tuple[str, str, str]]) -> None:
    metric = Bleu(**options)
    ours = metric.aggregate(rows(metric, [*corpus]).sum(axis=0))
    assert float(ours) == pytest.approx(theirs(BLEU(force=True, **options), [*corpus]), abs=1e-9)


@pytest.mark.parametrize("options", CHRF_OPTIONS, ids=str)
@settings(deadline=None, max_examples=60)
@given(corpus=CORPUS)
def test_chrf_is_sacrebleus(options: dict[str, Any], corpus: list[tuple[str, str, str]]) -> None:
    metric = Chrf(**options)
    ours = metric.aggregate(rows(metric, [*corpus]).sum(axis=0))
    assert float(ours) == pytest.approx(theirs(CHRF(**options), [*corpus]), abs=1e-9)


@pytest.mark.parametrize("options", TER_OPTIONS, ids=str)
@settings(deadline=None, max_examples=60)
@given(corpus=CORPUS)
def test_ter_is_sacrebleus(options: dict[str, Any], corpus: list[tuple[str, str, str]]) -> None:
    metric = Ter(**options)
    ours = metric.aggregate(rows(metric, [*corpus]).sum(axis=0))
    scorer = TER(**options)
    assert float(ours) == pytest.approx(theirs(scorer, [*corpus]), abs=1e-9)
    assert metric.signature == str(scorer.get_signature())


def test_ter_counts_edits_of_reference_words() -> None:
    """One word of four is missing; a phrase moved as a whole is one edit; each character counts in Chinese."""
    cases: list[tuple[dict[str, Any], str, str, float]] = [
        ({}, "the cat sat", "the cat sat down", 25.0),
        ({}, "sat down the cat", "the cat sat down", 25.0),
        ({}, "a b c d e f", "g h", 300.0),
        ({}, "a", "", 100.0),
        ({"normalized": True, "asian_support": True}, "早上好", "早上坏", 100 / 3),
        ({}, "早上好", "早上坏", 100.0),
    ]
    for options, hypothesis, reference, expected in cases:
        metric = Ter(**options)
        assert not metric.higher_is_better
        found = float(metric.aggregate(rows(metric, [(hypothesis, reference)]).sum(axis=0)))
        assert found == pytest.approx(expected), (hypothesis, reference)


def test_many_sums_at_once_are_the_same_as_one_by_one() -> None:
    corpus = [("the cat sat", "the cat sat down"), ("", "a dog"), ("a dog ran off today", "a dog ran off")]
    for metric in (Bleu(), Bleu(smooth_method="add-k"), Chrf(word_order=2), Ter()):
        sums = rows(metric, [*corpus])
        stacked = metric.aggregate(sums.reshape(3, 1, -1))
        assert stacked.shape == (3, 1)
        assert list(stacked[:, 0]) == [float(metric.aggregate(row)) for row in sums]


def test_a_samples_value_is_its_sentence_bleu() -> None:
    hyp, ref = "the cat sat", "the cat sat down"
    found = Bleu().measure(Sample("s", Generate("p"), (ref,)), Generated(hyp, 1, "stop"))
    assert found.value == pytest.approx(BLEU(effective_order=True).sentence_score(hyp, [ref]).score)


def test_the_signature_is_sacrebleus() -> None:
    metric, scorer = Bleu(tokenize="zh", lowercase=True), BLEU(tokenize="zh", lowercase=True)
    assert "nrefs:?" in metric.signature
    rows(metric, [("你好", "你好", "您好")])
    scorer.corpus_score(["你好"], [["你好"], ["您好"]])
    assert metric.signature == str(scorer.get_signature())
    rows(metric, [("你好", "你好")])
    assert "nrefs:var" in metric.signature
    assert "beta:3" in Chrf(beta=3).signature
    assert create("chrf++").signature == Chrf(word_order=2).signature


@pytest.mark.parametrize(("targets", "number"), [(("a", "b"), "2"), (("a",), "1"), ((), "var")])
def test_the_signature_is_the_same_whatever_was_answered(targets: tuple[str, ...], number: str) -> None:
    samples = [Sample(str(at), Generate("p"), targets or ("a", "b")[: at + 1]) for at in range(2)]
    samples.append(Sample("lacking", Generate(""), (), missing="no such column"))
    found = []
    for answers in (
        [Generated("a", 1, "stop")] * 2,
        [Generated("a", 1, "stop"), LOST],
        [LOST] * 2,
    ):
        metric = Bleu()
        score_task([metric], samples, [*answers, Failure("null", "no such column")], seed=0)
        found.append(metric.signature)
    assert len(set(found)) == 1
    assert f"nrefs:{number}|" in found[0]


def test_the_interval_is_near_sacrebleus_own_bootstrap(hub_mirror: Path) -> None:
    pairs = flores(hub_mirror)
    # A stand-in for a translation: the reference with every fourth word left out, so that segments differ.
    corpus = [
        (" ".join(w for i, w in enumerate(t.split()) if (i + k) % (3 + k % 5)), t)
        for k, t in enumerate(pairs)
    ]
    metric = Bleu()
    stats = rows(metric, [*corpus])
    ours = estimate(metric, stats, [None] * len(stats), missing=0, ties=0, seed=1)
    scorer = BLEU()
    score = scorer.corpus_score([h for h, _ in corpus], [[r for _, r in corpus]], n_bootstrap=1000)
    assert ours.method == "jackknife(samples), logit"
    assert ours.value == pytest.approx(score.score, abs=1e-9)
    assert ours.low is not None
    assert ours.high is not None
    assert (ours.high - ours.low) / 2 == pytest.approx(score._ci, rel=0.15)
    assert (ours.high + ours.low) / 2 == pytest.approx(score._mean, abs=0.3)


def flores(hub_mirror: Path) -> list[str]:
    """English sentences of WMT or FLORES, whichever file of text the mirror has first."""
    found = sorted(hub_mirror.glob("facebook/flores*/**/*.parquet"))
    if not found:
        pytest.skip("the mirror has no facebook/flores")
    table = pq.read_table(found[0])
    column = next(name for name in table.column_names if name.startswith("sentence"))
    texts: list[str] = table.column(column).to_pylist()[:200]
    return texts


def test_a_tokenizer_that_cannot_be_had_is_a_users_error() -> None:
    with pytest.raises(UserError, match="no tokenizer 'zhh'"):
        create({"bleu": {"tokenize": "zhh"}})
    with pytest.raises(UserError, match="smooth_value"):
        create({"bleu": {"smooth_value": 0.1}})


def test_nothing_is_downloaded_while_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sacrebleu.utils.SACREBLEU_DIR", str(tmp_path))
    with pytest.raises(UserError, match="--offline forbids"):
        create({"bleu": {"tokenize": "flores200"}}, offline=True)


def test_a_missing_package_is_named() -> None:
    try:
        import MeCab  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        with pytest.raises(UserError, match=r"pip install 'sacrebleu\[ja\]'"):
            create({"bleu": {"tokenize": "ja-mecab"}})
    else:
        assert "ja-mecab" in create({"bleu": {"tokenize": "ja-mecab"}}).signature
