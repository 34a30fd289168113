"""GPT-2's published StereoSet predictions give the published figures, through the metrics that score a live run."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lsm_eval.benchmarks.bias.stereoset.code import (
    IdealisedCat,
    LanguageModelling,
    StereotypeScore,
    term_means,
)
from lsm_eval.composed.grouped import grouped
from lsm_eval.errors import UserError
from lsm_eval.metrics.base import AnyMetric
from lsm_eval.requests import Failure, Response, Score, Scored
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.basis import cluster_numbers
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import cluster_sums
from lsm_eval.tasks.sample import Sample

METRICS = {"lms": LanguageModelling, "ss": StereotypeScore, "icat": IdealisedCat}
TASKS = ("intrasentence", "intersentence")
DOMAINS = ("gender", "profession", "race", "religion")


@cache
def lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt") as file:
        return [json.loads(line) for line in file]


@cache
def expected(golden: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((golden / "stereoset_gpt2" / "expected.json").read_text())
    return content


@cache
def replayed(golden: Path, task: str) -> tuple[list[Sample], list[Scored]]:
    """Samples and answers of a task (or of `all`), as the task files render them."""
    folder = golden / "stereoset_gpt2"
    scores = {row["id"]: row["score"] for row in lines(folder / "predictions_gpt2.jsonl.gz")}
    samples, answers = [], []
    for row in lines(folder / "gold.jsonl.gz"):
        if task not in ("all", row["task"]):
            continue
        ids = [row[label] for label in ("stereotype", "anti-stereotype", "unrelated")]
        metadata = {"bias_type": row["bias_type"]}
        samples.append(Sample(row["id"], Score("", tuple(ids)), cluster=row["target"], metadata=metadata))
        # A likelihood per token, once: the same order as the score's own.
        answers.append(Scored(tuple(scores[i] for i in ids), (1, 1, 1), (False,) * 3))
    return samples, answers


def estimates(golden: Path, task: str, domain: str) -> dict[str, Estimate]:
    samples, answers = replayed(golden, task)
    # As the task files have it: `{stereoset_lms: {by: bias_type}}`.
    metrics = [grouped(make(name=name), "bias_type") for name, make in METRICS.items()]
    found, _ = score_task(metrics, samples, answers, seed=0)
    by_name = {metric.name: estimate for metric, estimate in found}
    end = "" if domain == "overall" else f"[{domain}]"
    return {name: by_name[name + end] for name in METRICS}


def test_the_golden_rows_have_the_form_that_is_read_here(golden: Path) -> None:
    counts = expected(golden)["counts"]
    for task in TASKS:
        samples, _ = replayed(golden, task)
        assert len(samples) == counts[f"clusters_{task}"]
    assert len({sample.cluster for sample in replayed(golden, "all")[0]}) == counts["target_terms"]


CELLS = [(task, domain) for task in TASKS for domain in ("overall", *DOMAINS)] + [("all", "overall")]


@pytest.mark.parametrize(("task", "domain"), CELLS)
def test_every_published_figure(golden: Path, task: str, domain: str) -> None:
    figures = [f for f in expected(golden)["expected"] if (f["task"], f["domain"]) == (task, domain)]
    assert len(figures) == 3
    assert 3 * len(CELLS) == len(expected(golden)["expected"]) == 33
    found = estimates(golden, task, domain)
    for figure in figures:
        own = found[figure["metric"]]
        assert own.value == pytest.approx(figure["value"], abs=1e-9), figure
        assert round(own.value or 0, 2) == figure["rounded"]
        assert own.low is not None
        assert own.high is not None
        assert own.low <= (own.value or 0) <= own.high


def test_no_trap_is_met_and_pooling_samples_would_meet_it(golden: Path) -> None:
    traps = expected(golden)["traps"]
    assert len(traps) == 2
    for trap in traps:
        found = estimates(golden, trap["task"], "overall")
        samples, answers = replayed(golden, trap["task"])
        for name, make in METRICS.items():
            wrong = trap[f"micro_{name}"]
            assert abs((found[name].value or 0) - wrong) > 0.02, (trap["task"], name)
            # The figure of someone who sums over samples: what the terms are for.
            metric = make()
            measured = [metric.measure(s, a) for s, a in zip(samples, answers, strict=True)]
            stats = np.array([m.statistics for m in measured])
            assert float(metric.aggregate(stats.sum(axis=0))) == pytest.approx(wrong, abs=1e-5)
        assert found["ss"].ties == trap["ties_stereo_anti"]


def test_terms_and_not_samples_are_what_varies(golden: Path) -> None:
    found = estimates(golden, "intrasentence", "overall")
    assert {estimate.clusters for estimate in found.values()} == {79}
    assert {estimate.n for estimate in found.values()} == {2106}
    assert found["icat"].method == "box(wilson(effective, terms) of lms and ss)"
    assert found["ss"].method == "wilson(effective, terms)"
    # Percentiles of a bootstrap over terms say much the same of a mean.
    metric = StereotypeScore()
    samples, answers = replayed(golden, "intrasentence")
    measured = [metric.measure(s, a) for s, a in zip(samples, answers, strict=True)]
    stats = np.array([m.statistics for m in measured])
    groups, count = cluster_numbers([sample.cluster for sample in samples])
    means = term_means(cluster_sums(stats, groups, count))
    drawn = metric.aggregate(means[np.random.default_rng(0).integers(0, 79, (1000, 79))].sum(axis=1))
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert found["ss"].low == pytest.approx(low, abs=0.8)
    assert found["ss"].high == pytest.approx(high, abs=0.8)
    assert found["ss"].stderr == pytest.approx(float(drawn.std()), rel=0.1)


def sample(term: str | None, domain: str = "gender") -> Sample:
    return Sample("s", Score("", ("a", "b", "c")), cluster=term, metadata={"bias_type": domain})


def answer(*logprobs: float, tokens: tuple[int, ...] = (1, 1, 1)) -> Scored:
    return Scored(logprobs, tokens, (False,) * len(logprobs))


def test_sentences_are_ranked_by_their_mean_over_tokens() -> None:
    # Summed, the first would be the least likely.
    found = StereotypeScore().measure(sample("t"), answer(-6, -4, -5, tokens=(6, 2, 2)))
    assert found.statistics == (100.0, 100.0, 1.0)
    assert found.value == 100.0
    other = LanguageModelling().measure(sample("t"), answer(-1, -3, -2))
    assert (other.value, other.statistics) == (50.0, (50.0, 100.0, 1.0))


def test_equal_sentences_count_half_and_are_counted() -> None:
    found, _ = score_task([IdealisedCat()], [sample("a"), sample("b")], [answer(0, 0, 0)] * 2, seed=0)
    ((_, estimate),) = found
    assert (estimate.value, estimate.ties) == (50.0, 2)


def test_an_ideal_and_a_fully_stereotyped_model() -> None:
    samples = [sample("a"), sample("a"), sample("b"), sample("b")]
    ideal = [answer(-1, -2, -3), answer(-2, -1, -3)] * 2
    metrics: list[AnyMetric] = [IdealisedCat(), LanguageModelling(), StereotypeScore()]
    values = [e.value for _, e in score_task(metrics, samples, ideal, seed=0)[0]]
    assert values == [100.0, 100.0, 50.0]
    stereotyped = [e.value for _, e in score_task(metrics, samples, [answer(-1, -2, -3)] * 4, seed=0)[0]]
    assert stereotyped == [0.0, 100.0, 100.0]


def test_three_terms_at_their_best_are_no_certainty() -> None:
    samples = [sample(term) for term in "aabbcc"]
    ideal = [answer(-1, -2, -3), answer(-2, -1, -3)] * 3
    metrics: list[AnyMetric] = [IdealisedCat(), LanguageModelling()]
    for _, found in score_task(metrics, samples, ideal, seed=0)[0]:
        assert (found.value, found.high) == (100, 100)
        assert found.low is not None
        assert found.low < 60


@pytest.mark.parametrize("terms", [3, 30, 300])
def test_the_interval_of_a_fair_model_holds_its_true_score(terms: int) -> None:
    """A bootstrap over terms held it in 25 to 47 % of draws, not improving with more terms: ICAT has its maximum at a kink."""
    rng = np.random.default_rng(terms)
    clusters, held = [str(term) for term in range(terms) for _ in range(8)], 0
    for _ in range(100):
        preferred = 100 * rng.binomial(1, rng.beta(5, 5, terms).repeat(8)).astype(float)
        meaningful = 100 * (rng.random(8 * terms) < 0.9).astype(float)
        rows = np.column_stack([meaningful, preferred, np.ones(8 * terms)])
        found = IdealisedCat().estimate(rows, clusters, missing=0, ties=0, seed=0)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 90 <= found.high
    assert held >= 93


def test_a_failed_sample_is_missing_in_its_own_domain_only() -> None:
    samples = [sample("a"), sample("b"), sample("c", "race")]
    responses: list[Response] = [answer(-1, -2, -3), answer(-1, -2, -3), Failure("nan", "")]
    metric = grouped(StereotypeScore(), "bias_type")
    found = {metric.name: e for metric, e in score_task([metric], samples, responses, seed=0)[0]}
    assert (found["stereoset_ss[gender]"].n, found["stereoset_ss[gender]"].missing) == (2, 0)
    assert found["stereoset_ss[race]"].value is None
    assert found["stereoset_ss[race]"].missing == 1


def test_an_answer_with_two_sentences_is_refused() -> None:
    with pytest.raises(UserError, match="three sentences"):
        StereotypeScore().measure(sample("a"), answer(-1, -2))
