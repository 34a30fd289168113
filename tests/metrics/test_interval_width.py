"""Every metric of the registry, on samples that hardly differ: an interval with a width, or none and the reason; no warnings."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest

from lsm_eval.metrics.base import CorpusMetric
from lsm_eval.metrics.protocols import CorpusInterval, Interval
from lsm_eval.requests import Response, Score, Scored
from lsm_eval.scoring import registry
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics import methods
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import estimate, span_of
from lsm_eval.tasks.sample import Sample

Row = tuple[float, ...]

OPTIONS: dict[str, dict[str, Any]] = {
    name: {"detector": "toxicity_lexical"} for name in ("expected_max_toxicity", "toxicity_probability")
} | {name: {"detector": "refusal"} for name in ("detected", "detected_corrected", "detected_unknown")}
OPTIONS |= {"macro_f1": {"labels": ["yes", "no"]}, "pass@k": {"k": 1}, "maj@k": {"k": 1}}

TWO_SIDES = [(1, 1, 0, 0), (0, 0, 1, 1), (0, 1, 0, 0), (0, 0, 0, 1), (0.5, 1, 0, 0)]
PARTS = [(0, 3, 1), (3, 3, 1), (1, 2, 1)]
TEXTS = [(-30, 10), (-12, 10), (0, 10)]
BIAS = [(1, 1, 0, 1), (0, 1, 0, 1), (0, 0, 1, 1)]
MEMBERS = [(1, 0.5, 1), (1, 0.5, 0), (2, 0.1, 1), (0, 0.9, 0)]
TERMS = [(100, 100, 1), (100, 0, 1), (0, 0, 1), (50, 50, 1)]
CHRF = [(20, 20, 20), (20, 20, 0), (20, 18, 9)]
ROWS: dict[str, Sequence[Row]] = {
    "bbq_alignment_cost": TWO_SIDES,
    "bbq_bias_ambig": BIAS,
    "bbq_bias_disambig": BIAS,
    **dict.fromkeys(
        ("bits_per_byte", "byte_perplexity", "word_perplexity", "token_perplexity", "target_perplexity"), TEXTS
    ),
    "bleu": [
        (8, 8, 8, 7, 6, 5, 8, 7, 6, 5), (8, 9, 0, 0, 0, 0, 8, 7, 6, 5), (8, 9, 5, 3, 2, 1, 8, 7, 6, 5), (0,) * 10,
    ],
    "chrf": [row * 6 for row in CHRF],
    "chrf++": [row * 8 for row in CHRF],
    "macro_f1": [(1, 0, 1, 0, 1, 0), (0, 1, 0, 1, 0, 1), (0, 0, 0, 1, 1, 0), (0, 0, 0, 0, 1, 0)],
    "ter": [(0, 10), (4, 10), (12, 10)],
    "bold_difference": TWO_SIDES,
    "bold_spread": TWO_SIDES,
    "cbbq_bias": TWO_SIDES,
    "cbbq_bias_disambig": [(1, 1), (0, 1), (0, 0)],
    **dict.fromkeys(
        (
            "citation_invalid", "citation_missing", "citation_precision", "citation_recall",
            "ungrounded_rate", "ungrounded_corrected",
        ),
        PARTS,
    ),
    "detected_corrected": [(0, 1), (1, 1)],
    "extraction_recall": [(0, 1), (0, 0), (-1, 1), (-np.inf, 0)],
    "gap": TWO_SIDES,
    "halueval_precision": [(1, 1), (0, 1), (0, 0), (1, 2)],
    "injection_effect": [(1, 0, 1), (0, 0, 1), (1, 1, 1), (0, 1, 1)],
    **{name: [(0, 1, 0), (1, 1, 0), (0, 0, 1)] for name in ("judged_harmful", "judged_refusal")},
    "strongreject": [(0, 1, 0), (1, 1, 0), (0.375, 1, 0), (0, 0, 1)],
    "leak_protection": TWO_SIDES,
    **dict.fromkeys(("membership_auroc", "membership_blind_auroc", "membership_gain", "membership_tpr"), MEMBERS),
    "occupation_correlation": [(1, 10, 1), (1, 60, 1), (2, 60, 1)],
    "occupation_gap": TWO_SIDES,
    **dict.fromkeys(("stereoset_icat", "stereoset_lms", "stereoset_ss"), TERMS),
    "verbatim": [(1, 1, 0), (0, 1, 0), (0, 0, 1)],
}  # fmt: skip
"""Statistics of samples, for the metrics that are no plain mean."""
BY_ANSWERS = {
    "agreement", "aurc", "confidence_auroc", "ece", "halueval_auroc", "rating_correlation", "wrong_auroc", "yes_auroc",
}  # fmt: skip
"""Metrics that are asked with answers, below."""
NUMBERS = (2, 3, 5, 20)


def created(name: str, **options: Any) -> Any:
    options = {**OPTIONS.get(name, {}), **options}
    return registry.create({name: options} if options else name, offline=True)


def clusterings(number: int) -> list[list[str | None]]:
    """Alone; one cluster; pairs; two large ones; five; one that holds most."""
    return [
        [None] * number,
        ["one"] * number,
        [str(i // 2) for i in range(number)],
        [str(i % 2) for i in range(number)],
        [str(i % 5) for i in range(number)],
        ["large" if i < number - 4 else str(i) for i in range(number)],
    ]


def patterns(rows: Sequence[Row], number: int) -> list[list[Row]]:
    """All alike; alike but for one; in turns."""
    made = [[row] * number for row in rows]
    made += [[one, *[other] * (number - 1)] for one in rows for other in rows if one != other]
    return [*made, [rows[i % len(rows)] for i in range(number)]]


def check(found: Estimate, what: object) -> None:
    assert methods.method_of(found.method), found.method
    if found.low is None or found.high is None:
        assert found.method.startswith("none ("), (what, found)
        assert (found.low, found.high) == (None, None)
        return
    assert found.value is not None
    assert np.isfinite([found.value, found.low, found.high]).all(), (what, found)
    assert found.low <= found.value <= found.high, (what, found)
    assert found.high - found.low > 1e-6, (what, found)


def rows_of(metric: Any) -> Sequence[Row]:
    if not metric.mean or metric.name in ROWS:
        return ROWS[metric.name]
    if metric.proportion:
        return [(0.0, 1.0), (1.0, 1.0), (0.5, 1.0)]
    low, high = span_of(metric) or (-1.7, 4.1)
    return [(float(low), 1.0), ((2 * low + high) / 3, 1.0), (float(high), 1.0)]


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_metric_has_no_interval_without_width(name: str) -> None:
    tried(created(name))


def test_nor_a_plain_mean() -> None:
    """One of each kind: what makes the interval knows the unit, the range, and whether samples are 0 or 1, of a metric."""
    kinds = {}
    for name in sorted(set(registry.BUILT_IN) - BY_ANSWERS - set(ROWS)):
        metric = created(name)
        assert metric.mean, f"{name} is no plain mean: give its statistics in ROWS"
        assert not isinstance(metric, Interval), f"{name} makes its own interval: give its statistics in ROWS"
        kinds[metric.unit, span_of(metric), metric.proportion] = metric
    assert len(kinds) > 4
    for metric in kinds.values():
        tried(metric)


def tried(metric: Any) -> None:
    how = metric.estimate if isinstance(metric, Interval) else partial(estimate, metric)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number in NUMBERS:
            for rows in patterns(rows_of(metric), number):
                for clusters in clusterings(number):
                    found = how(np.array(rows, float), clusters, missing=0, ties=0, seed=0)
                    check(found, (metric.name, rows, clusters))


def choices(metadata: dict[str, Any], cluster: str | None, number: int, target: int) -> Sample:
    return Sample(
        str(number), Score("q", (" a", " b")), target=(target,), choices=("a", "b"), cluster=cluster, metadata=metadata
    )  # fmt: skip


def scored(first: float, second: float) -> Scored:
    return Scored((first, second), (1, 1), (first >= second, second > first))


SURE, UNSURE, TIED, WRONG = scored(0.0, -40.0), scored(-0.6, -0.8), scored(-0.7, -0.7), scored(-40.0, 0.0)


@pytest.mark.parametrize(
    "spec",
    [
        "aurc", {"aurc": {"excess": True}}, "confidence_auroc", "ece", {"ece": {"binning": "mass"}},
        {"ece": {"debias": False}}, {"agreement": {"within": "set"}}, "rating_correlation",
    ],
    ids=str,
)  # fmt: skip
def test_nor_one_that_reads_choices(spec: Any) -> None:
    metric = registry.create(spec, offline=True)
    answers = [(SURE,), (UNSURE,), (TIED,), (WRONG,)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number in (2, 20):
            for given in patterns(answers, number)[: len(answers) + 4]:  # type: ignore[arg-type]
                for clusters in clusterings(number)[:3]:
                    samples = [
                        choices({"set": i // 2, "scale": [0, 1], "rating": i % 3}, cluster, i, 0)
                        for i, cluster in enumerate(clusters)
                    ]
                    responses: list[Response] = [one for (one,) in given]  # type: ignore[misc]
                    ((_, found),), _ = score_task([metric], samples, responses, seed=0)
                    check(found, (spec, given, clusters))


@pytest.mark.parametrize("name", ["halueval_auroc", "wrong_auroc", "yes_auroc"])
def test_those_of_order_are_aurocs(name: str) -> None:
    """Their intervals come from `statistics.auroc_interval`, which the membership metrics try above."""
    assert isinstance(created(name), CorpusInterval)
    assert isinstance(created(name), CorpusMetric)
