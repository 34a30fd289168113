"""Groundedness as a metric: counts by hand, intervals of pooled sentences, and the correction."""

from __future__ import annotations

import numpy as np
import pytest

from lsm_eval.errors import UserError
from lsm_eval.metrics.grounded import rows_of_parts
from lsm_eval.requests import Failure, Generate, Generated
from lsm_eval.scoring.registry import create
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample
from lsm_eval.tasks.schema import MetricSpec

SOURCE = "The cat sat on the mat, and the dog slept by the door."
GOOD, BAD = "The cat sat on the mat.", "Seven parrots flew overhead."


def sample(name: str = "1", source: object = SOURCE, cluster: str | None = None) -> Sample:
    return Sample(name, Generate("Summarise."), metadata={"source": source}, cluster=cluster)


def said(text: str) -> Generated:
    return Generated(text, 9, "stop")


def estimates(
    specs: list[MetricSpec], samples: list[Sample], texts: list[str | None]
) -> tuple[dict[str, Estimate], list[dict[str, float | None]]]:
    answers = [Failure("too_long", "") if text is None else said(text) for text in texts]
    found, rows = score_task([create(spec) for spec in specs], samples, answers, seed=0)
    values = [{name: m.value if m else None for name, m in row.items()} for row in rows]
    return {metric.name: estimate for metric, estimate in found}, values


def test_rates_by_hand() -> None:
    specs: list[MetricSpec] = [
        "ungrounded_rate",
        "ungrounded_unknown",
        "grounded_precision",
        "extractive_density",
    ]
    samples = [sample(str(i)) for i in range(4)]
    texts = [f"{GOOD} {BAD}", GOOD, "…", None]
    found, values = estimates(specs, samples, texts)
    assert found["ungrounded_rate"].value == pytest.approx(1 / 3), (
        "one of three sentences, not the mean of two halves"
    )
    assert found["ungrounded_rate"].n == 2
    assert found["ungrounded_unknown"].value == pytest.approx(1 / 3)
    assert found["grounded_precision"].value == pytest.approx((6 / 10 + 1) / 2)
    assert found["extractive_density"].value == pytest.approx((36 / 10 + 6) / 2)
    assert all(found[name].missing == 1 for name in found)
    assert [row["ungrounded_rate"] for row in values] == [0.5, 0.0, None, None]


def test_words_are_held_against_the_right_source() -> None:
    other = sample("2", source="Seven parrots flew overhead, and nothing else.")
    found, values = estimates(["ungrounded_rate"], [sample(), other], [GOOD, GOOD])
    assert [row["ungrounded_rate"] for row in values] == [0.0, 1.0]
    assert found["ungrounded_rate"].value == 0.5


def test_a_blank_source_has_no_say_and_none_is_an_error() -> None:
    found, _ = estimates(
        ["ungrounded_rate", "ungrounded_unknown"], [sample(), sample("2", " ")], [GOOD, None]
    )
    assert {(e.n, e.missing) for e in found.values()} == {(1, 0)}
    with pytest.raises(UserError, match=r"metadata\.source.* of sample '1' is no text"):
        estimates(["ungrounded_rate"], [sample(source=3)], [GOOD])


def test_none_of_n_sentences_has_an_upper_bound() -> None:
    samples = [sample(str(i)) for i in range(30)]
    found, _ = estimates(["ungrounded_rate"], samples, [GOOD] * 30)
    estimate = found["ungrounded_rate"]
    assert estimate.value == 0
    assert estimate.high is not None
    assert 0.05 < estimate.high < 0.2


def test_sentences_of_one_completion_hang_together() -> None:
    """Ten completions of ten equal sentences say as little as ten sentences, not as much as a hundred."""
    texts = [" ".join([GOOD if i % 2 else BAD] * 10) for i in range(10)]
    many, _ = estimates(["ungrounded_rate"], [sample(str(i)) for i in range(10)], list(texts))
    few, _ = estimates(
        ["ungrounded_rate"], [sample(str(i)) for i in range(10)], [GOOD if i % 2 else BAD for i in range(10)]
    )
    wide, narrow = many["ungrounded_rate"], few["ungrounded_rate"]
    assert wide.stderr == pytest.approx(narrow.stderr, rel=1e-6)
    assert wide.clusters == 10
    assert narrow.clusters is None
    joined, _ = estimates(
        ["ungrounded_rate"], [sample(str(i), cluster=str(i // 5)) for i in range(10)], list(texts)
    )
    assert joined["ungrounded_rate"].clusters == 2


def test_parts_become_rows() -> None:
    rows, groups = rows_of_parts(
        np.array([[1.0, 2.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 1.0]]), [None, None, "d"]
    )
    assert rows.tolist() == [[1, 1], [0, 1], [0, 1], [1, 1]]
    assert groups[0] == groups[1] is not None
    assert groups[2] is None
    assert groups[3] not in (None, groups[0])


def test_the_correction_is_the_cards() -> None:
    spec: MetricSpec = {"ungrounded_corrected": {"card": "cnndm-3gram-75", "k": 3, "threshold": 0.75}}
    samples = [sample(str(i)) for i in range(200)]
    texts: list[str | None] = [BAD if i < 60 else GOOD for i in range(200)]
    found, _ = estimates([spec, {"ungrounded_rate": {"k": 3, "threshold": 0.75}}], samples, texts)
    raw, corrected = found["ungrounded_rate"], found["ungrounded_corrected"]
    assert raw.value == 0.3
    # The card's summaries are all of one model: how another's would fare nobody knows.
    assert (corrected.value, corrected.low, corrected.n) == (None, None, 200)
    assert corrected.method.startswith("none (not estimable: how the detector's errors differ between models")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"card": "cnndm-3gram-75"}, "is not of k 1 and threshold 0.9"),
        ({"card": "poems-1gram-90"}, "has no card for 'poems-1gram-90'"),
    ],
)
def test_a_card_of_something_else_is_refused(options: dict[str, str], match: str) -> None:
    with pytest.raises(UserError, match=match):
        create({"ungrounded_corrected": options})
