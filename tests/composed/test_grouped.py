"""The option `by`: the metric over all samples, and one a group with its own interval and missing samples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lsm_eval.composed.grouped import grouped
from lsm_eval.errors import UserError
from lsm_eval.metrics.base import FloatArray, Measurement, Metric
from lsm_eval.metrics.common import MeanMetric, counted
from lsm_eval.metrics.joint import Answers, JointMetric, SampleResponse
from lsm_eval.metrics.protocols import HasMoreMetrics, Interval, Selective
from lsm_eval.requests import Answer, Failure, Generated, Score, Scored
from lsm_eval.scoring.registry import check, create
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample

PLUGIN = """
from lsm_eval.metrics.common import MeanMetric, counted

class Length(MeanMetric):
    default_name = "grouped_length"
    unit = "other"

    def __init__(self, *, factor: int = 1) -> None:
        super().__init__()
        self.factor = factor

    def measure(self, sample, answer):
        return counted(self.factor * len(answer.text))
"""


def item(number: int, group: Any, *, right: int = 0, cluster: str | None = None, **metadata: Any) -> Sample:
    return Sample(
        str(number), Score("", ("a", "b")), (right,), ("a", "b"), cluster, {"group": group, **metadata}
    )


def first(tie: bool = False) -> Scored:
    return Scored((-1.0, -1.0 if tie else -2.0), (1, 1), (False, False))


def estimates(metric: Any, samples: list[Sample], answers: Sequence[SampleResponse]) -> dict[str, Estimate]:
    found, _ = score_task([metric], samples, answers, seed=0)
    return {metric.name: estimate for metric, estimate in found}


def test_each_group_is_what_its_own_samples_would_give() -> None:
    rng = np.random.default_rng(1)
    groups = ["Age", "Religion", "Ability"]
    samples = [
        item(n, groups[n % 3], right=int(rng.integers(2)), cluster=f"c{rng.integers(9)}") for n in range(120)
    ]
    answers: list[SampleResponse] = [
        Failure("nan", "") if n % 11 == 0 else first(tie=n % 7 == 0) for n in range(120)
    ]
    found = estimates(create({"acc": {"by": "group"}}), samples, answers)
    assert list(found) == ["acc", "acc[Age]", "acc[Religion]", "acc[Ability]"]
    assert found["acc"] == estimates(create("acc"), samples, answers)["acc"]
    for group in groups:
        own = [n for n in range(120) if samples[n].metadata["group"] == group]
        alone = estimates(create("acc"), [samples[n] for n in own], [answers[n] for n in own])["acc"]
        assert found[f"acc[{group}]"] == alone
        assert alone.missing > 0
        assert alone.ties > 0
        assert alone.method == "wilson(effective, clusters)"
    assert sum(found[f"acc[{group}]"].missing for group in groups) == found["acc"].missing


def test_a_group_in_which_all_failed_is_shown_with_its_missing_samples() -> None:
    samples = [item(0, "x"), item(1, "y"), item(2, "y")]
    found = estimates(
        create({"acc": {"by": "group"}}), samples, [first(), Failure("nan", ""), Failure("nan", "")]
    )
    assert (found["acc[y]"].value, found["acc[y]"].n, found["acc[y]"].missing) == (None, 0, 2)
    assert (found["acc[x]"].value, found["acc[x]"].missing) == (1.0, 0)


def test_keys_are_crossed_and_null_belongs_nowhere() -> None:
    samples = [
        item(0, "Age", context="ambig"),
        item(1, "Age", context="clear"),
        item(2, None, context="ambig"),
    ]
    found = estimates(create({"acc": {"by": "group * context"}}), samples, [first()] * 3)
    assert list(found) == ["acc", "acc[Age, ambig]", "acc[Age, clear]"]
    assert [estimate.n for estimate in found.values()] == [3, 1, 1]


def test_a_metric_can_be_scored_twice() -> None:
    metric = create({"acc": {"by": "group"}})
    assert list(estimates(metric, [item(0, "x")], [first()])) == ["acc", "acc[x]"]
    assert list(estimates(metric, [item(0, "z")], [first()])) == ["acc", "acc[z]"]


def test_signatures_tell_the_group() -> None:
    metric = create({"acc": {"by": "group", "name": "accuracy"}})
    found, rows = score_task([metric], [item(0, "x y")], [first()], seed=0)
    assert [m.name for m, _ in found] == ["accuracy", "accuracy[x y]"]
    # The number over all samples is the same with and without groups.
    assert [m.signature for m, _ in found] == ["acc", "acc|by:group=x y"]
    assert set(rows[0]) == {"accuracy", "accuracy[x y]"}


def test_a_selective_metric_misses_a_failure_only_where_it_would_have_counted() -> None:
    def bbq(number: int, group: str, context: str) -> Sample:
        return item(number, group, context_condition=context, unknown=0, biased=1)

    samples = [bbq(0, "x", "ambig"), bbq(1, "x", "disambig"), bbq(2, "y", "ambig"), bbq(3, "y", "disambig")]
    failed = Failure("nan", "")
    found = estimates(create({"bbq_acc_ambig": {"by": "group"}}), samples, [first(), failed, failed, failed])
    assert {name: (estimate.n, estimate.missing) for name, estimate in found.items()} == {
        "bbq_acc_ambig": (1, 1),
        "bbq_acc_ambig[x]": (1, 0),
        "bbq_acc_ambig[y]": (0, 1),
    }


class Both(MeanMetric):
    """Reads several answers, and makes its interval in its own way."""

    default_name = "both"

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        return counted(1)

    def measure_all(self, sample: Sample, answers: Sequence[Answer]) -> Measurement:
        return counted(len(answers))

    def estimate(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        *,
        missing: int,
        ties: int,
        seed: int,
    ) -> Estimate:
        return Estimate(float(len(statistics)), None, None, None, "own", 0.95, len(statistics), missing)


def test_optional_protocols_are_those_of_the_metric() -> None:
    plain, rich = grouped(create("acc"), "group"), grouped(Both(), "group")
    assert isinstance(plain, Metric)
    assert isinstance(plain, Selective)
    assert isinstance(plain, HasMoreMetrics)
    assert not isinstance(plain, (JointMetric, Interval))
    assert isinstance(rich, JointMetric)
    assert isinstance(rich, Interval)
    samples = [item(0, "x"), item(1, "y"), item(2, "y")]
    both = Answers((first(), first()))
    found, rows = score_task([rich], samples, [both] * 3, seed=0)
    assert {metric.name: estimate.value for metric, estimate in found} == {
        "both": 3,
        "both[x]": 1,
        "both[y]": 2,
    }
    assert {estimate.method for _, estimate in found} == {"own"}
    assert rows[1]["both[y]"] == counted(2)
    assert rows[1]["both[x]"] is None


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"acc": {"by": ""}}, "'by' must name a key"),
        ({"acc": {"by": ["group"]}}, "'by' must name a key"),
        ({"acc": {"by": "group*"}}, "'by' must name a key"),
        ({"acc": {"by": "group", "nome": "x"}}, "no option 'nome': did you mean 'name'"),
        ({"evaluate:accuracy": {"by": "group"}}, "takes no option 'by'"),
    ],
)
def test_mistakes(spec: Any, words: str) -> None:
    for refused in (lambda: check(spec, "score"), lambda: create(spec)):
        with pytest.raises(UserError, match=words):
            refused()


def test_metrics_without_per_sample_statistics_have_no_groups() -> None:
    with pytest.raises(UserError, match="over a whole set of samples only and takes no option 'by'"):
        create({"agreement": {"by": "group"}})
    with pytest.raises(UserError, match="names metrics of its own"):
        grouped(grouped(create("acc"), "group"), "group")


def test_a_key_that_is_missing_or_names_every_sample_is_a_mistake() -> None:
    with pytest.raises(UserError, match=r"`metadata.colour`, which sample '0' lacks"):
        estimates(create({"acc": {"by": "colour"}}), [item(0, "x")], [first()])
    many = [item(n, n) for n in range(201)]
    with pytest.raises(UserError, match="makes 201 groups"):
        estimates(create({"acc": {"by": "group"}}), many, [first()] * 201)


def test_metrics_of_other_packages_take_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "grouped_plugin.py").write_text(PLUGIN)
    info = tmp_path / "grouped_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: grouped-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[lsm_eval.metrics]\ngrouped_length = grouped_plugin:Length\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    spec: Any = {"grouped_length": {"factor": 2, "by": "group"}}
    check(spec, "generate")
    answers = [Generated("ab", 1, "stop"), Generated("abcd", 1, "stop")]
    found = estimates(create(spec), [item(0, "x"), item(1, "y")], answers)
    assert {name: estimate.value for name, estimate in found.items()} == {
        "grouped_length": 6,
        "grouped_length[x]": 4,
        "grouped_length[y]": 8,
    }
