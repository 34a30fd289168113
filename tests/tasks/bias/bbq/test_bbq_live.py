"""UnifiedQA's published texts, given as answers to our own task, score what the paper prints: file, prompt order,
parsing, metrics, groups and intervals are those of a live run."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from lsm_eval.metrics.base import AnyMetric
from lsm_eval.requests import Failure, Generate, Generated
from lsm_eval.scoring import registry
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.build import BuildOptions, build_samples
from lsm_eval.tasks.registry import LoadedTask, Registry, load_task
from lsm_eval.tasks.sample import Sample

CATEGORIES = ("Age", "Disability_status", "Religion", "Sexual_orientation")
METRIC = {
    ("accuracy", "ambig"): "bbq_acc_ambig",
    ("accuracy", "disambig"): "bbq_acc_disambig",
    ("accuracy", "none"): "bbq_acc_ambig",
    ("s_amb", "ambig"): "bbq_bias_ambig",
    ("s_amb", "none"): "bbq_bias_ambig",
    ("s_dis", "disambig"): "bbq_bias_disambig",
    ("cost", "disambig"): "bbq_alignment_cost",
}


@dataclass(frozen=True)
class Rows:
    rows: list[dict[str, Any]]
    ids: list[str]


@cache
def expected(golden: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((golden / "bbq_unifiedqa" / "expected.json").read_text())
    return content


@cache
def loaded() -> LoadedTask:
    return load_task(Registry().tasks["bbq_generated"])


@cache
def samples(hub: Path) -> list[Sample]:
    """The task's own samples of the four categories, by `<category>/<example id>`."""
    rows, ids = [], []
    for category in CATEGORIES:
        table = pq.read_table(hub / "oskarvanderwal" / "bbq" / category / "test.parquet").to_pylist()
        rows += table
        ids += [f"{category}/{row['example_id']}" for row in table]
    return build_samples(loaded(), Rows(rows, ids), None, BuildOptions(shots=0))


@cache
def scores(hub: Path, golden: Path, format_: str) -> dict[str, Estimate]:
    """Every metric of the task, and of its groups, over the predictions in one format."""
    column = expected(golden)["columns"][format_]
    said: dict[str, str] = {}
    for category in CATEGORIES:
        with gzip.open(golden / "bbq_unifiedqa" / f"{category}.jsonl.gz", "rt") as lines:
            for row in map(json.loads, lines):
                said[f"{category}/{row['example_id']}"] = row[column]
    # Both rows of a pair hold the same prediction where the context was not read: the ambiguous ones are scored.
    chosen = [
        s
        for s in samples(hub)
        if s.id in said and (format_ != "qonly" or s.metadata["context_condition"] == "ambig")
    ]
    metrics: list[AnyMetric] = [registry.create(spec) for spec in loaded().task.metrics]
    found, _ = score_task(metrics, chosen, [Generated(said[s.id], 1, "stop") for s in chosen], seed=0)
    return {metric.name: estimate for metric, estimate in found}


@pytest.mark.slow
def test_every_published_figure(hub_mirror: Path, golden: Path) -> None:
    figures = expected(golden)["expected"]
    assert len(figures) == 48
    for figure in figures:
        name = f"{METRIC[figure['metric'], figure['context']]}[{figure['category']}]"
        value = scores(hub_mirror, golden, figure["format"])[name].value
        assert value is not None
        assert 100 * value == pytest.approx(figure["exact"], abs=1e-6), figure
        assert 100 * value == pytest.approx(figure["value"], abs=figure["tolerance"]), figure


@pytest.mark.slow
def test_every_count(hub_mirror: Path, golden: Path) -> None:
    for counts in expected(golden)["counts"]:
        found = scores(hub_mirror, golden, counts["format"])
        context = "disambig" if counts["context"] == "disambig" else "ambig"
        accuracy = found[f"bbq_acc_{context}[{counts['category']}]"]
        assert accuracy.n == counts["parsed"]
        assert accuracy.missing == 0
        assert accuracy.value == counts["correct"] / counts["parsed"]


@pytest.mark.slow
def test_no_trap_is_met(hub_mirror: Path, golden: Path) -> None:
    traps = expected(golden)["traps"]
    assert len(traps) == 24
    for trap in traps:
        value = scores(hub_mirror, golden, trap["format"])[f"bbq_bias_ambig[{trap['category']}]"].value
        assert value is not None
        assert abs(100 * value - trap["wrong_value"]) > 1, trap


@pytest.mark.slow
def test_what_names_no_option_has_a_rate_of_its_own(hub_mirror: Path, golden: Path) -> None:
    for format_ in expected(golden)["columns"]:
        unparsed = sum(row["unparsed"] for row in expected(golden)["counts"] if row["format"] == format_)
        rate = scores(hub_mirror, golden, format_)["bbq_no_answer"]
        assert rate.value is not None
        assert rate.value * rate.n == pytest.approx(unparsed)
    # 7,300 items of which one cannot be mapped.
    assert scores(hub_mirror, golden, "arc")["bbq_no_answer"].n == 7300


@pytest.mark.slow
def test_templates_widen_the_intervals_more_than_five_times(hub_mirror: Path, golden: Path) -> None:
    factors = []
    for row in expected(golden)["bootstrap"]:
        estimate = scores(hub_mirror, golden, row["format"])[f"bbq_bias_ambig[{row['category']}]"]
        assert estimate.clusters == row["clusters"]
        assert estimate.method == "newcombe(wilson(effective, clusters); correlated)"
        assert estimate.stderr is not None
        assert 100 * estimate.stderr == pytest.approx(row["cluster_se"], rel=0.1)
        assert estimate.low is not None
        assert estimate.high is not None
        # Few templates: wider than percentiles of 20,000 draws, which are too narrow for them, and of the same place.
        assert [100 * estimate.low, 100 * estimate.high] == pytest.approx(row["cluster_ci95"], abs=6)
        factors.append(100 * estimate.stderr / row["item_se"])
    assert 5 < max(factors) < 6.5


def test_options_are_shuffled_and_everything_follows_them(hub_mirror: Path) -> None:
    right = [0, 0, 0]
    for sample in samples(hub_mirror):
        assert isinstance(sample.request, Generate)
        options = sample.metadata["options"]
        letters = [f"{letter}. {option}" for letter, option in zip("ABC", options, strict=True)]
        assert "\n".join(letters) in sample.request.prompt
        (target,) = sample.target
        right[options.index(target)] += 1
        ambiguous = sample.metadata["context_condition"] == "ambig"
        assert (options.index(target) == sample.metadata["unknown"]) == ambiguous
        assert sample.metadata["biased"] not in (None, sample.metadata["unknown"])
        assert sample.cluster is not None
        assert sample.cluster.startswith(sample.metadata["category"])
    assert all(0.31 < count / len(samples(hub_mirror)) < 0.36 for count in right), right


def test_letters_score_as_the_options_they_stand_for(hub_mirror: Path) -> None:
    chosen = samples(hub_mirror)[:400]
    metrics = [registry.create(spec) for spec in loaded().task.metrics]

    def value(answers: list[Any], name: str) -> Estimate:
        found, _ = score_task(metrics, chosen, answers, seed=0)
        return next(estimate for metric, estimate in found if metric.name == name)

    unknown = [Generated("(" + "ABC"[s.metadata["unknown"]] + ")", 1, "stop") for s in chosen]
    assert value(unknown, "bbq_acc_ambig").value == 1
    assert value(unknown, "bbq_acc_disambig").value == 0
    assert value(unknown, "bbq_bias_ambig").value is None
    biased = [Generated("ABC"[s.metadata["biased"]] + ".", 1, "stop") for s in chosen]
    assert value(biased, "bbq_bias_ambig").value == value(biased, "bbq_bias_disambig").value == 1
    assert value(biased, "bbq_alignment_cost[Age]").value == -1
    silent = [Generated("I would rather not say.", 1, "stop")] * 399 + [Failure("too_long", "")]
    assert value(silent, "bbq_no_answer").value == 1
    nothing = value(silent, "bbq_acc_disambig[Age]")
    assert (nothing.value, nothing.n) == (None, 0)
    # Failed, and not merely silent.
    last = chosen[-1].metadata["context_condition"]
    assert value(silent, f"bbq_acc_{last}[Age]").missing == 1
