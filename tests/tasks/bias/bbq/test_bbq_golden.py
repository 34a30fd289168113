"""UnifiedQA's published BBQ predictions give the published figures (Parrish et al. 2022, figures 2, 3, 5, 6)."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from lsm_eval.benchmarks.bias.bbq.code import (
    AccuracyAmbiguous,
    AccuracyDisambiguated,
    AlignmentCost,
    BiasAmbiguous,
    BiasDisambiguated,
)
from lsm_eval.benchmarks.bias.bbq.groups import bbq_lettered, bbq_metadata, bbq_published
from lsm_eval.errors import UserError
from lsm_eval.metrics.base import Measurement
from lsm_eval.requests import Score, Scored
from lsm_eval.statistics.intervals import estimate
from lsm_eval.tasks.sample import Sample

CATEGORIES = ("Age", "Disability_status", "Religion", "Sexual_orientation")
METRICS: dict[tuple[str, str], Callable[[], Any]] = {
    ("accuracy", "ambig"): AccuracyAmbiguous,
    ("accuracy", "disambig"): AccuracyDisambiguated,
    ("accuracy", "none"): AccuracyAmbiguous,
    ("s_amb", "ambig"): BiasAmbiguous,
    ("s_amb", "none"): BiasAmbiguous,
    ("s_dis", "disambig"): BiasDisambiguated,
    ("cost", "disambig"): AlignmentCost,
}
Key = tuple[str, str, str]


@cache
def expected(golden: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((golden / "bbq_unifiedqa" / "expected.json").read_text())
    return content


@cache
def rows(golden: Path, category: str) -> list[dict[str, Any]]:
    with gzip.open(golden / "bbq_unifiedqa" / f"{category}.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


def normalised(text: str) -> str:
    text = text.replace("}", "").lower().replace("o'brien", "obrien").strip()
    text = text + "it" if text.endswith("pantsu") else text
    return text.removesuffix(".").strip()


def option(row: dict[str, Any], prediction: str) -> int | None:
    """The option that a free-text prediction names, by the rules of expected.json."""
    said = normalised(prediction)
    options = [normalised(row[f"ans{i}"]) for i in range(3)]
    if said in options:
        return options.index(said)
    for index in range(3):
        words = row["answer_info"][f"ans{index}"][0].lower().split()
        if len(words) >= 2 and " ".join(words[:2]) in said:
            return index
    return None


def samples(golden: Path, category: str, format_: str) -> Iterator[tuple[Sample, int]]:
    """Parsed items and the option chosen; the question-only baseline is read from the ambiguous rows."""
    column = expected(golden)["columns"][format_]
    for row in rows(golden, category):
        chosen = option(row, row[column])
        if chosen is None or (format_ == "qonly" and row["context_condition"] != "ambig"):
            continue
        choices = tuple(row[f"ans{i}"] for i in range(3))
        metadata = {"context_condition": row["context_condition"], **bbq_metadata(row)}
        yield (
            Sample(
                f"{row['example_id']}",
                Score("", choices),
                (row["label"],),
                choices,
                cluster=row["question_index"],
                metadata=metadata,
            ),
            chosen,
        )


def replay(golden: Path, key: Key, metric_name: str) -> tuple[Any, list[tuple[Sample, Measurement]]]:
    category, format_, context = key
    metric = METRICS[metric_name, context]()
    found = [
        (item, metric.measure_choice(item, [chosen])) for item, chosen in samples(golden, category, format_)
    ]
    return metric, [(item, measurement) for item, measurement in found if measurement is not None]


def value(golden: Path, key: Key, metric_name: str) -> float:
    metric, found = replay(golden, key, metric_name)
    return 100 * float(metric.aggregate(np.array([m.statistics for _, m in found]).sum(axis=0)))


def test_every_published_figure(golden: Path) -> None:
    figures = expected(golden)["expected"]
    assert len(figures) == 48
    for figure in figures:
        key = (figure["category"], figure["format"], figure["context"])
        found = value(golden, key, figure["metric"])
        assert found == pytest.approx(figure["exact"], abs=1e-6), figure
        assert found == pytest.approx(figure["value"], abs=figure["tolerance"]), figure


def test_every_count(golden: Path) -> None:
    for counts in expected(golden)["counts"]:
        key = (counts["category"], counts["format"], counts["context"])
        bias = "s_dis" if counts["context"] == "disambig" else "s_amb"
        _, found = replay(golden, key, bias)
        sums = np.array([m.statistics for _, m in found]).sum(axis=0)
        assert list(sums) == [counts["biased"], counts["non_unknown"], counts["correct"], counts["parsed"]]


def test_no_trap_is_met(golden: Path) -> None:
    for trap in expected(golden)["traps"]:
        found = value(golden, (trap["category"], trap["format"], "ambig"), "s_amb")
        assert abs(found - trap["wrong_value"]) > 1, trap


def test_templates_as_clusters_widen_the_interval_as_measured(golden: Path) -> None:
    for row in expected(golden)["bootstrap"]:
        metric, found = replay(golden, (row["category"], row["format"], "ambig"), row["metric"])
        stats = np.array([m.statistics for _, m in found])
        clusters = [item.cluster for item, _ in found]
        clustered = estimate(metric, stats, clusters, missing=0, ties=0, seed=0)
        alone = estimate(metric, stats, [None] * len(stats), missing=0, ties=0, seed=0)
        assert clustered.stderr is not None
        assert alone.stderr is not None
        assert clustered.clusters == row["clusters"]
        assert alone.clusters is None
        # CR2's error of few clusters is larger than the bootstrap's, which is too small there.
        assert 100 * clustered.stderr == pytest.approx(row["cluster_se"], rel=0.15)
        assert 100 * alone.stderr == pytest.approx(row["item_se"], rel=0.1)


@pytest.mark.parametrize("category", [*CATEGORIES, "Physical_appearance"])
def test_the_hubs_rows_have_one_biased_and_one_unknown_choice(hub_mirror: Path, category: str) -> None:
    table = pq.read_table(hub_mirror / "oskarvanderwal" / "bbq" / category / "test.parquet").to_pylist()
    found = [bbq_metadata(row) for row in table]
    assert all(m["biased"] is not None and m["biased"] != m["unknown"] for m in found)
    # By the data's design the truth goes with the stereotype about as often as against it.
    clear = [
        m["biased"] == r["label"] for m, r in zip(found, table, strict=True) if r["label"] != m["unknown"]
    ]
    assert 0.45 < sum(clear) / len(clear) < 0.55


ITEM = {"context_condition": "disambig", "unknown": 2, "biased": 0}


def item(**changes: Any) -> Sample:
    return Sample("s", Score("", ("a", "b", "?")), (1,), ("a", "b", "?"), metadata={**ITEM, **changes})


def scored(*logprobs: float) -> Scored:
    return Scored(logprobs, (1, 1, 1), (False,) * 3)


def test_a_tie_is_shared_between_the_choices() -> None:
    found = BiasDisambiguated().measure(item(), scored(-1, -1, -2))
    assert found == Measurement((0.5, 1.0, 0.5, 1.0), 0.0, tie=True)


def test_only_items_of_the_context_have_a_say() -> None:
    assert BiasAmbiguous().measure(item(), scored(-1, -2, -3)) is None
    assert AccuracyAmbiguous().measure(item(), scored(-1, -2, -3)) is None
    assert AccuracyDisambiguated().measure(item(), scored(-1, -2, -3)) == Measurement((0.0, 1.0), 0.0)


def test_an_item_without_one_biased_choice_counts_for_accuracy_only() -> None:
    assert BiasDisambiguated().measure(item(biased=None), scored(-1, -2, -3)) is None
    assert AccuracyDisambiguated().measure(item(biased=None), scored(-1, -2, -3)) is not None


def test_bias_is_undefined_where_only_unknown_is_answered() -> None:
    metric = BiasDisambiguated()
    found = metric.measure(item(), scored(-3, -2, -1))
    assert found is not None
    assert found.value is None
    result = estimate(metric, np.array([found.statistics] * 3), [None] * 3, missing=0, ties=0, seed=0)
    assert (result.value, result.low, result.method) == (None, None, "none (undefined on these samples)")


def test_the_biased_choice_follows_the_question() -> None:
    row = {
        "question_polarity": "neg",
        "answer_info": {"ans0": ["grandfather", "old"], "ans1": ["?", "unknown"], "ans2": ["boy", "nonOld"]},
        "additional_metadata": {"stereotyped_groups": ["Old"]},
    }
    assert bbq_metadata(row) == {"unknown": 1, "biased": 0}
    assert bbq_metadata({**row, "question_polarity": "nonneg"}) == {"unknown": 1, "biased": 2}
    both = {"stereotyped_groups": ["old", "nonOld"]}
    assert bbq_metadata({**row, "additional_metadata": both})["biased"] is None
    with pytest.raises(UserError, match="question_polarity"):
        bbq_metadata({**row, "question_polarity": "positive"})


def test_published_labels_may_name_both_people_or_none() -> None:
    assert BiasDisambiguated().signature == "bbq_bias_disambig"
    published = BiasDisambiguated(labels="published")
    assert "published" in published.signature

    def biased(metric: Any, indices: list[int] | None) -> Any:
        return metric.measure(item(biased_published=indices), scored(-1, -2, -3))

    # Whichever of the two is chosen, it is biased; or neither is.
    assert biased(published, [0, 1]) == Measurement((1.0, 1.0, 0.0, 1.0), 1.0)
    assert biased(published, []) == Measurement((0.0, 1.0, 0.0, 1.0), -1.0)
    assert biased(published, [1]) == Measurement((0.0, 1.0, 0.0, 1.0), -1.0)
    assert biased(published, None) is None
    cost = AlignmentCost(labels="published")
    assert biased(cost, [0, 1]).statistics == (0.0, 0.0, 0.0, 1.0)
    assert biased(cost, []).statistics == (0.0, 1.0, 0.0, 0.0)


def test_published_groups_of_rows_that_were_corrected() -> None:
    info = {
        "ans0": ["no scars", "posDress"],
        "ans1": ["Undetermined", "unknown"],
        "ans2": ["scars", "negDress"],
    }
    about = {"stereotyped_groups": ["negDress"]}
    old = ("The individual with no scars", "Undetermined", "The individual with scars")
    new = ("The person with no scars", "Undetermined", "The person with scars")
    assert bbq_published(old, info, about, "neg") == [0, 2]
    assert bbq_published(old, info, about, "nonneg") == []
    assert bbq_published(new, info, about, "neg") == [2]
    assert bbq_published(new, info, about, "nonneg") == [0]
    shown = bbq_lettered(new, info, about, "neg", "key")
    assert bbq_published(new, info, about, "neg", "key") == [shown["biased"]]


def test_36_rows_of_physical_appearance_were_corrected(hub_mirror: Path) -> None:
    table = pq.read_table(hub_mirror / "oskarvanderwal/bbq/Physical_appearance/test.parquet").to_pylist()
    found: Counter[tuple[str, int]] = Counter()
    for row in table:
        biased = bbq_published(
            [row["ans0"], row["ans1"], row["ans2"]],
            row["answer_info"],
            row["additional_metadata"],
            row["question_polarity"],
        )
        found[row["question_polarity"], len(biased)] += 1
    assert found == {
        ("neg", 1): 770,
        ("nonneg", 1): 770,
        ("neg", 2): 16,
        ("nonneg", 0): 16,
        ("neg", 0): 2,
        ("nonneg", 2): 2,
    }
