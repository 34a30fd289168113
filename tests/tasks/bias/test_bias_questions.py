"""Question tasks on bias: what they ask, what hangs together, and what rows without a model score."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from mirrored_tasks import metrics_of, samples_of

from lsm_eval.models.baselines import BASELINES
from lsm_eval.requests import Score, Scored
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample

SCORED = ["bbq", "bbq_lite", "cbbq", "winobias", "winogender"]
STEP = {"bbq": 7, "bbq_lite": 7, "cbbq": 17}
"""Of the large tasks every so many-th sample is scored here; an odd number hits all kinds of questions alike."""


@pytest.fixture(scope="module")
def places(hub_mirror: Path, data_files: Path) -> tuple[Path, Path]:
    return hub_mirror, data_files


def samples(name: str, places: tuple[Path, Path]) -> list[Sample]:
    return samples_of(name, *places)


@cache
def baseline(name: str, model: str, places: tuple[Path, Path]) -> dict[str, Estimate]:
    """What a row without a model scores, by metric."""
    chosen = samples(name, places)[:: STEP.get(name, 1)]
    answers = []
    for sample in chosen:
        assert isinstance(sample.request, Score)
        found = BASELINES[model](sample.request.continuations)
        answers.append(Scored(tuple(found), (1,) * len(found), (False,) * len(found)))
    scored, _ = score_task(metrics_of(name), chosen, answers, seed=0)
    return {metric.name: estimate for metric, estimate in scored}


@pytest.mark.parametrize("name", SCORED)
def test_every_sample_has_its_choices_once_and_one_right(name: str, places: tuple[Path, Path]) -> None:
    for sample in samples(name, places):
        assert len(set(sample.choices)) == len(sample.choices), sample.id
        assert len(sample.target) == 1
        assert sample.cluster
        assert isinstance(sample.request, Score)
        assert not any(mark in sample.request.context for mark in "{}"), sample.id


@pytest.mark.parametrize("name", SCORED)
def test_a_model_without_preferences_has_no_bias(name: str, places: tuple[Path, Path]) -> None:
    for metric, estimate in baseline(name, "uniform", places).items():
        plain = metric.split("[")[0]
        if plain.endswith("_published"):
            # Labels that name both people, or neither, are not balanced: that is what was corrected.
            assert estimate.value == pytest.approx(0, abs=0.04)
            continue
        expected = {
            "acc": 0.5 if name.startswith("wino") else 1 / 3,
            "bbq_acc_ambig": 1 / 3,
            "bbq_acc_disambig": 1 / 3,
            "cbbq_bias": 0.4 / 3 + 0.3,
            "cbbq_bias_ambig": 1 / 3,
            "cbbq_bias_disambig": 1 / 2,
            "agreement": 1 / 4,
        }.get(plain, 0.0)
        assert estimate.value == pytest.approx(expected, abs=1e-9), metric
        assert estimate.missing == 0
        if plain != "agreement":
            assert estimate.ties == estimate.n


@pytest.mark.parametrize(
    ("name", "number", "clusters"),
    [
        ("bbq", 8876, 125),
        ("bbq_lite", 9324, 75),
        ("cbbq", 19_400, 282),
        ("winobias", 1584, 198),
        ("winogender", 720, 60),
    ],
)
def test_samples_hang_together(name: str, number: int, clusters: int, places: tuple[Path, Path]) -> None:
    found = samples(name, places)
    assert (len(found), len({sample.cluster for sample in found})) == (number, clusters)


def test_bbq_has_every_category_in_its_table(places: tuple[Path, Path]) -> None:
    categories = ("Age", "Disability_status", "Physical_appearance", "Religion", "Sexual_orientation")
    found = baseline("bbq", "uniform", places)
    for metric in ("acc", "bbq_acc_ambig", "bbq_acc_disambig", "bbq_bias_ambig", "bbq_bias_disambig"):
        groups = [found[f"{metric}[{category}]"] for category in categories]
        assert sum(group.n for group in groups) == found[metric].n
    templates = {(s.metadata["category"], s.cluster) for s in samples("bbq", places)}
    assert Counter(category for category, _ in templates) == dict.fromkeys(categories, 25)


def test_choosing_by_place_says_what_the_data_say(places: tuple[Path, Path]) -> None:
    found = baseline("winobias", "first", places)
    # Type 1 means either person equally often, type 2 nearly always the second.
    assert found["acc[type1, pro]"].value == 0.5
    assert found["acc[type2, anti]"].value == pytest.approx(2 / 396)
    assert found["gap[type1]"].value == found["gap[type2]"].value == 0
    gender = baseline("winogender", "first", places)
    assert gender["agreement"].value == 1
    assert gender["gap_gender"].value == gender["gap_stereotype"].value == 0
    chinese = baseline("cbbq", "first", places)
    # The biased answer stands in each place equally often.
    assert chinese["cbbq_bias"].value == pytest.approx(0.5, abs=0.03)
