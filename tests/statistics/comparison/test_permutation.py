"""Exchange tests, against SciPy's permutation test and sacrebleu's approximate randomisation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.comparison.pairs import pairs
from lsm_eval.statistics.comparison.permutation import Alternative, approximate_randomisation, sign_flip


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_few_pairs_are_exchanged_in_all_ways_as_scipy_does(alternative: Alternative) -> None:
    one, two = np.random.default_rng(3).normal(size=(2, 9))
    theirs = stats.permutation_test(
        [two - one], lambda x, axis: x.mean(axis=axis), permutation_type="samples", alternative=alternative,
        vectorized=True, n_resamples=10_000,
    )  # fmt: skip
    found = sign_flip(pairs(one, two), alternative)
    assert (found.exact, found.exchanges) == (True, 512)
    assert found.p == pytest.approx(float(theirs.pvalue), abs=1e-12)


def test_many_pairs_are_exchanged_by_seed_and_p_is_never_0() -> None:
    one = np.random.default_rng(4).normal(size=200)
    found = sign_flip(pairs(one, one + 1), seed=1)
    assert (found.p, found.exact) == (1 / 10000, False)
    two = one + np.random.default_rng(5).normal(size=200)
    p = sign_flip(pairs(one, two), seed=1).p
    assert p == sign_flip(pairs(one, two), seed=1).p
    assert p == pytest.approx(stats.ttest_rel(two, one).pvalue, abs=0.03)


def test_clusters_are_exchanged_whole() -> None:
    one = np.zeros(40)
    two = np.repeat([1.0, 1.0, 1.0, 1.0, -1.0], 8)
    found = sign_flip(pairs(one, two, np.repeat(np.arange(5), 8)))
    assert (found.p, found.exchanges) == (2 * 6 / 32, 32)
    assert sign_flip(pairs(one, two)).p < 1e-3


def test_two_identical_runs() -> None:
    assert sign_flip(pairs([1.0, 2.0], [1.0, 2.0])).p == 1.0


def bleu_statistics(seed: int, number: int) -> tuple[list[str], list[str], list[str]]:
    rng = np.random.default_rng(seed)
    words = np.array(["the", "a", "cat", "dog", "sat", "on", "mat", "ran", "to", "house", "big"])
    references = [list(rng.choice(words, 12)) for _ in range(number)]
    made = [
        [" ".join(w if rng.random() > wrong else rng.choice(words) for w in r) for r in references]
        for wrong in (0.25, 0.3)
    ]
    return [" ".join(r) for r in references], made[0], made[1]


def test_a_corpus_score_is_tested_as_sacrebleu_does() -> None:
    """The same seed draws the same exchanges."""
    significance = pytest.importorskip("sacrebleu.significance")
    metrics = pytest.importorskip("sacrebleu.metrics")
    references, one, two = bleu_statistics(0, 40)
    bleu = metrics.BLEU(references=[references])
    own = [np.array(bleu._extract_corpus_statistics(x, None), float) for x in (one, two)]
    baseline = {"BLEU": (own[0].astype(int), bleu._aggregate_and_compute(own[0].astype(int)))}
    theirs = significance._paired_ar_test(
        baseline, "candidate", two, None, {"BLEU": bleu}, n_samples=400, seed=12345
    )[1]["BLEU"].p_value

    def aggregate(sums: FloatArray) -> FloatArray:
        return np.array([bleu._compute_score_from_stats([int(x) for x in row]).score for row in sums])

    found = approximate_randomisation(aggregate, own[0], own[1], seed=12345, draws=400)
    assert found.p == pytest.approx(float(theirs), abs=1e-6)


def test_few_samples_of_a_corpus_are_exchanged_in_all_ways() -> None:
    one, two = np.random.default_rng(6).random((2, 8, 2)) + 1

    def ratio(sums: FloatArray) -> FloatArray:
        return np.asarray(sums[:, 0] / sums[:, 1])

    found = approximate_randomisation(ratio, one, two)
    slow = []
    for digits in np.ndindex(*[2] * 8):
        swapped = np.array(digits, bool)[:, None]
        x, y = np.where(swapped, two, one).sum(axis=0), np.where(swapped, one, two).sum(axis=0)
        slow.append(y[0] / y[1] - x[0] / x[1])
    seen = slow[0]
    assert found.exact
    assert found.p == pytest.approx(float(np.mean(np.abs(slow) >= abs(seen) - 1e-12)))
