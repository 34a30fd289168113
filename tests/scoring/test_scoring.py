"""A task's samples and responses become estimates and rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import AnyMetric
from lsm_eval.metrics.joint import SampleResponse
from lsm_eval.models.baselines import Baseline
from lsm_eval.requests import Answer, Failure, Generate, Generated, Response, Score, Scored
from lsm_eval.scoring.registry import create
from lsm_eval.scoring.task import NO_LIKELIHOOD, score_task
from lsm_eval.tasks.sample import Sample


def choice(number: int, target: int, cluster: str | None = None, **metadata: Any) -> Sample:
    choices = ("a", "b", "c")
    return Sample(str(number), Score("q", choices), (target,), choices, cluster, metadata)


def scored(*logprobs: float) -> Scored:
    return Scored(logprobs, (1,) * len(logprobs), (False,) * len(logprobs))


FAILED = Failure("nan", "not a number")


def test_failures_are_missing_and_ties_are_counted() -> None:
    samples = [choice(i, 0) for i in range(4)]
    responses: list[Response] = [scored(-1, -2, -3), scored(-2, -1, -3), scored(-1, -1, -3), FAILED]
    estimates, rows = score_task([create("acc"), create("acc_norm")], samples, responses, seed=0)
    metric, found = estimates[0]
    assert (metric.name, found.value, found.n, found.missing, found.ties) == ("acc", 0.5, 3, 1, 1)
    values = [row["acc"].value if row["acc"] else None for row in rows]
    assert values == [1.0, 0.0, 0.5, None]
    assert all(set(row) == {"acc", "acc_norm"} for row in rows)


def test_a_sample_without_a_say_is_neither_counted_nor_missing() -> None:
    facts: dict[str, Any] = {"unknown": 2, "biased": 0}
    samples = [choice(i, 1, context_condition=c, **facts) for i, c in enumerate(["ambig", "disambig"] * 2)]
    responses: list[Response] = [scored(-1, -2, -3), scored(-1, -2, -3), FAILED, scored(-2, -1, -3)]
    estimates, rows = score_task(
        [create("bbq_acc_ambig"), create("bbq_acc_disambig")], samples, responses, seed=0
    )
    assert [(e.n, e.missing, e.value) for _, e in estimates] == [(1, 1, 0.0), (2, 0, 0.5)]
    assert rows[0]["bbq_acc_disambig"] is None


def test_no_answer_at_all_is_no_value() -> None:
    ((_, found),), _ = score_task([create("acc")], [choice(0, 0)], [FAILED], seed=0)
    assert (found.value, found.n, found.missing, found.method) == (None, 0, 1, "none (no samples)")


def test_clusters_reach_the_interval() -> None:
    samples = [choice(i, 0, cluster=str(i // 4)) for i in range(40)]
    responses = [scored(-1, -2, -3) if i // 4 % 2 else scored(-2, -1, -3) for i in range(40)]
    ((_, found),), _ = score_task([create("acc")], samples, responses, seed=0)
    assert (found.method, found.clusters, found.value) == ("wilson(effective, clusters)", 10, 0.5)


class Longest:
    """A corpus metric."""

    name = "longest"
    unit = "other"
    higher_is_better = None
    signature = "longest"

    def compute(self, samples: Sequence[Sample], answers: Sequence[Answer]) -> float:
        return float(max(len(answer.text) for answer in answers))  # type: ignore[union-attr]


def test_corpus_metrics_stand_beside_others_in_the_order_given() -> None:
    samples = [Sample(str(i), Generate("p"), ("abc",)) for i in range(3)]
    responses: list[Response] = [Generated("abc", 1, "stop"), FAILED, Generated("abcdef", 1, "stop")]
    longest: AnyMetric = Longest()  # type: ignore[assignment]
    estimates, rows = score_task([longest, create("exact_match")], samples, responses, seed=0)
    assert [(m.name, e.value, e.n, e.missing) for m, e in estimates] == [
        ("longest", 6.0, 2, 1),
        ("exact_match", 0.5, 2, 1),
    ]
    assert set(rows[0]) == {"exact_match"}


def test_mistakes() -> None:
    with pytest.raises(UserError, match="2 metrics of the task are called 'acc'"):
        score_task([create("acc"), create("acc")], [], [], seed=0)
    with pytest.raises(UserError, match="'acc' reads answers to score"):
        score_task([create("acc")], [choice(0, 0)], [Generated("x", 1, "stop")], seed=0)


def test_truthfulqa_on_real_rows(hub_mirror: Path) -> None:
    """A model that likes short answers, against the two scores worked out row by row from the data set."""
    path = hub_mirror / "truthfulqa" / "truthful_qa" / "multiple_choice" / "validation.parquet"
    rows = pq.read_table(path).to_pylist()
    samples, responses, mc1, mc2 = [], [], [], []
    for number, row in enumerate(rows):
        one, two = (
            {k: dict(zip(row[k]["choices"], row[k]["labels"], strict=True)) for k in row if k != "question"}
        ).values()
        choices = tuple(dict.fromkeys([*one, *two]))
        labels = {"mc1_labels": [one.get(c) for c in choices], "mc2_labels": [two.get(c) for c in choices]}
        samples.append(Sample(str(number), Score("q", choices), (), choices, metadata=labels))
        logprobs = {c: -0.3 * len(c) for c in choices}
        responses.append(Scored(tuple(logprobs.values()), (1,) * len(choices), (False,) * len(choices)))
        top = [label for c, label in one.items() if logprobs[c] == max(logprobs[c] for c in one)]
        mc1.append(sum(top) / len(top))
        weights = [math.exp(logprobs[c]) for c in two]
        mc2.append(sum(w for w, label in zip(weights, two.values(), strict=True) if label) / sum(weights))
    metrics = [create("truthfulqa_mc1"), create("truthfulqa_mc2")]
    ((_, first), (_, second)), _ = score_task(metrics, samples, responses, seed=0)
    assert first.n == second.n == 817
    assert first.value == pytest.approx(sum(mc1) / 817, abs=1e-12)
    assert second.value == pytest.approx(sum(mc2) / 817, abs=1e-9)
    assert first.ties > 0
    assert first.method == second.method == "wilson(effective)"


PAIR = ("builtin", "baseline")
QUANTITIES: list[tuple[Any, dict[str, Any]]] = [
    ("likelihood_difference", {}),
    ("truthfulqa_mc2", {}),
    ("ece", {}),
    ({"ece": {"binning": "mass"}}, {}),
    ("brier", {}),
    ("confidence_auroc", {}),
    ("aurc", {}),
    ("canary_exposure", {"space_bits": 10.0}),
    ("canary_exposure_extrapolated", {"space_bits": 10.0}),
    ("canary_first", {}),
    ("greedy_extracted", {}),
    ("rating_correlation", {"scale": [1, 2], "rating": 1.5}),
    ({"gap": {"of": "likelihood_difference", "between": "side", "high": "l", "low": "r"}}, {}),
    ({"brier": {"by": "side"}}, {}),
]


@pytest.mark.parametrize("row", ["first", "longest", "uniform"])
@pytest.mark.parametrize(("spec", "extra"), QUANTITIES)
def test_a_row_without_likelihoods_has_no_quantity_made_of_them(
    row: str, spec: Any, extra: dict[str, Any]
) -> None:
    samples = [
        Sample(str(i), Score("c", PAIR), (0,), PAIR, metadata={**extra, "side": "lr"[i % 2]})
        for i in range(4)
    ]
    (answers,) = Baseline(row).answer([sample.request for sample in samples])
    responses: list[SampleResponse] = [answers[i] for i in range(4)]
    found, rows = score_task(
        [create(spec), create("acc"), create("prefers_first")], samples, responses, seed=0
    )
    for metric, estimate in found:
        if metric.name in ("acc", "prefers_first"):
            assert estimate.value is not None
            assert (estimate.n, estimate.missing) == (4, 0)
        else:
            assert (estimate.value, estimate.n, estimate.method) == (None, 0, NO_LIKELIHOOD)
            assert estimate.missing == (2 if "[" in metric.name else 4)
    assert all(
        row[metric.name] is None
        for row in rows
        for metric, e in found
        if e.value is None and metric.name in row
    )


def test_likelihoods_of_a_model_are_read_as_ever() -> None:
    sample = Sample("s", Score("c", PAIR), (0,), PAIR)
    ((_, found),), _ = score_task(
        [create("likelihood_difference")], [sample], [Scored((-1.0, -3.0), (1, 1), (False,) * 2)], seed=0
    )
    assert (found.value, found.missing) == (2.0, 0)
