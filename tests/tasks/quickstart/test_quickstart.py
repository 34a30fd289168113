"""The quickstart suite: its data keeps to good practice, and it asks for little."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from mirrored_tasks import table_of

from lsm_eval.tasks.build import BuildOptions, build_samples
from lsm_eval.tasks.registry import LoadedTask, Registry, load_task
from lsm_eval.tasks.sample import Sample

REGISTRY = Registry()
MULTIPLE_CHOICE = ["quickstart_accuracy_en", "quickstart_accuracy_zh", "quickstart_hallucination"]


def task(name: str) -> LoadedTask:
    return load_task(REGISTRY.tasks[name])


def samples_of(name: str) -> list[Sample]:
    """The samples with the examples that the task shows."""
    loaded = task(name)
    return build_samples(loaded, table_of(name), None, BuildOptions(shots=loaded.task.fewshot.shots))


def test_the_quickstart_suite_has_every_quickstart_task_and_every_area_but_perplexity_and_safety() -> None:
    suite = REGISTRY.resolve(["quickstart"])
    assert sorted(t.task.task for t in suite) == sorted(
        name for name in REGISTRY.tasks if name.startswith("quickstart_")
    )
    areas = {t.task.area for t in suite}
    assert areas == {"accuracy", "translation", "summarisation", "bias", "hallucination", "privacy"}


@pytest.mark.parametrize("name", MULTIPLE_CHOICE)
def test_right_answers_are_evenly_spread_and_not_given_away(name: str) -> None:
    samples = samples_of(name)
    positions = Counter(sample.target for sample in samples)
    assert all(len(sample.choices) == 4 and len(sample.target) == 1 for sample in samples)
    assert set(positions) == {(i,) for i in range(4)}
    assert max(positions.values()) - min(positions.values()) <= 1

    def share(pick: Callable[[list[int]], int]) -> float:
        def hit(sample: Sample) -> bool:
            lengths = [len(choice) for choice in sample.choices]
            return lengths.count(pick(lengths)) == 1 and lengths.index(pick(lengths)) == sample.target[0]

        return sum(map(hit, samples)) / len(samples)

    # Always taking the longest (shortest) answer must not pay.
    assert share(max) <= 0.35
    assert share(min) <= 0.35


@pytest.mark.parametrize("name", ["quickstart_en_zh", "quickstart_en_de"])
def test_examples_are_none_of_the_items(name: str) -> None:
    loaded = task(name).task
    asked = {sample.request.prompt.rsplit("\n\n", 1)[1] for sample in samples_of(name)}  # type: ignore[union-attr]
    shown = {f"English sentence: {row['source']}" for row in loaded.fewshot.examples}
    assert len(shown) == loaded.fewshot.shots == 3
    assert not {prompt.split("\n")[0] for prompt in asked} & shown


def test_quickstart_asks_for_little_text() -> None:
    suite = [t.task for t in REGISTRY.resolve(["quickstart"])]
    generated = [t for t in suite if t.request == "generate"]
    assert all(t.max_tokens <= 64 for t in generated)
    assert sum(len(table_of(t.task).rows) for t in generated) <= 70


def test_bias_pairs_differ_in_the_group_only() -> None:
    rows: list[dict[str, Any]] = [
        json.loads(line)
        for line in (task("quickstart_bias").folder / "bias.jsonl").read_text("utf-8").splitlines()
    ]
    for row in rows:
        one, other = row["stereotyped"].split(), row["other"].split()
        apart = set(one).symmetric_difference(other)
        assert 0 < len(apart) <= 6, row["id"]
        shared = [word for word in one if word in other]
        assert len(shared) >= len(one) - 3, row["id"]
    assert all(count >= 8 for count in Counter(row["group"] for row in rows).values())
