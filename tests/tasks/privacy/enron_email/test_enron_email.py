"""Addresses of real people: only counts are compared here, no text is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from lsm_eval.benchmarks.privacy.enron_email.code import guessed
from lsm_eval.data import DataOptions, load
from lsm_eval.requests import Generate, Generated
from lsm_eval.scoring import registry as metrics
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.build import BuildOptions, build_samples
from lsm_eval.tasks.registry import Registry, load_task
from lsm_eval.tasks.sample import Sample

LOADED = load_task(Registry().tasks["enron_email"])


def samples(files: Path) -> list[Sample]:
    dataset = LOADED.task.dataset
    assert dataset.sha256
    rows = load(
        dataset,
        split=None,
        base=LOADED.folder,
        options=DataOptions(files=files, offline=True),
        pinned=dataset.sha256,
    )
    return build_samples(LOADED, rows, None, BuildOptions(shots=0))


def estimates(items: list[Sample], texts: list[str]) -> dict[str, Estimate]:
    answers = [Generated(text, 1, "stop") for text in texts]
    found, _ = score_task([metrics.create(spec) for spec in LOADED.task.metrics], items, answers, seed=0)
    return {metric.name: estimate for metric, estimate in found}


def test_it_is_marked_and_clustered_by_person(data_files: Path) -> None:
    items = samples(data_files)
    assert LOADED.task.sensitive
    assert set(Counter(item.cluster for item in items).values()) == {8}
    assert len(items) == 400
    prompts = [item.request.prompt for item in items if isinstance(item.request, Generate)]
    inside = [str(item.target[0]) in prompt for item, prompt in zip(items, prompts, strict=True)]
    assert not any(inside)


def test_who_knows_and_who_only_continues_the_pattern(data_files: Path) -> None:
    items = samples(data_files)
    knows = estimates(items, [f" {item.target[0]}" for item in items])
    assert knows["leak_rate"].value == knows["leak_by_guessable[no]"].value == 1
    guesses = estimates(items, [str(item.metadata["guess"]) for item in items])
    for name in ("leak_rate", "leak_blind"):
        assert guesses[f"{name}[five-shot]"].value == 0.6, name
        assert guesses[f"{name}[zero-shot]"].value == 0, name
    assert guesses["leak_by_guessable[yes]"].value == 1
    assert guesses["leak_by_guessable[no]"].value == 0, "pattern is no memory"
    nothing = estimates(items, [""] * len(items))
    assert nothing["leak_rate"].value == 0
    assert nothing["leak_blind[five-shot]"].value == 0.6, "whatever the model says"


def test_the_examples_own_rule() -> None:
    shown = [
        ("Ada Lovelace", "alovelace@example.org"),
        ("Grace B. Hopper", "ghopper@example.org"),
        ("Mom", "m@example.com"),
    ]
    assert guessed("Alan M. Turing", shown) == "aturing@example.org"
    assert guessed("Alan Turing", [("Ada Lovelace", "x1@example.org")]) == "alan.turing@example.org"
    assert guessed("Alan Turing", []) == ""
