"""Citations: how they are read, what bears a sentence out, and the task's passages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lsm_eval.benchmarks.hallucination.cited_qa.code import check, cited_sentences
from lsm_eval.benchmarks.hallucination.cited_qa.passages import rows
from lsm_eval.data import DataOptions, load
from lsm_eval.errors import UserError
from lsm_eval.requests import Generate, Generated
from lsm_eval.scoring.registry import create
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.build import BuildOptions, build_samples
from lsm_eval.tasks.registry import Registry, load_task
from lsm_eval.tasks.sample import Sample

PASSAGES = (
    "The Nile is a river in Africa. It is about 6,650 km long.",
    "The Amazon carries more water than any other river.",
    "Bees make honey from nectar.",
)
NILE, AMAZON = "The Nile is a river in Africa", "The Amazon carries more water than any other river"
NAMES = ["citation_recall", "citation_precision", "citation_missing", "citation_invalid", "citation_right"]


def estimates(*texts: str, gold: Any = 1) -> dict[str, Estimate]:
    samples = [
        Sample(str(i), Generate("?"), metadata={"passages": list(PASSAGES), "gold": gold})
        for i in range(len(texts))
    ]
    answers = [Generated(text, 9, "stop") for text in texts]
    found, _ = score_task([create(name) for name in NAMES], samples, answers, seed=0)
    return {metric.name: estimate for metric, estimate in found}


def values(*texts: str, gold: Any = 1) -> dict[str, float | None]:
    return {name.removeprefix("citation_"): e.value for name, e in estimates(*texts, gold=gold).items()}


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("A river [1].", [(1,)]),
        ("A river. [1]", [(1,)]),
        ("A river.[1][2] Bees fly.", [(1, 2), ()]),
        ("A river [1, 3; 2]. Bees [2].", [(1, 3, 2), (2,)]),
        ("A river [1-3].", [(1, 2, 3)]),
        ("A river [1–2] and [2].", [(1, 2)]),
        ("A river [1990-2020].", [tuple(range(1990, 2021))]),
        ("A river [1-2000].", [(1, 2000)]),
        ("河流[1]。蜜蜂【2】。", [(1,), (2,)]),
        ("A river [a] (1) 1.", [()]),
        ("[1]", []),
        ("", []),
    ],
)
def test_citations_are_read(text: str, numbers: list[tuple[int, ...]]) -> None:
    assert [sentence.numbers for sentence in cited_sentences(text)] == numbers
    assert all("[" not in s.text or "a" in s.text for s in cited_sentences(text))


def test_a_perfect_answer() -> None:
    assert values(f"{NILE} [1]. {AMAZON} [2].") == {
        "recall": 1.0, "precision": 1.0, "missing": 0.0, "invalid": 0.0, "right": 0.0,
    }  # fmt: skip
    assert values(f"{NILE} [1].")["right"] == 1.0


def test_the_wrong_passage_bears_nothing_out() -> None:
    assert values(f"{NILE} [3].") == {
        "recall": 0.0,
        "precision": 0.0,
        "missing": 0.0,
        "invalid": 0.0,
        "right": 0.0,
    }


def test_an_idle_citation_costs_precision_only() -> None:
    found = values(f"{NILE} [1][3].")
    assert (found["recall"], found["precision"]) == (1.0, 0.5)


def test_passages_that_only_together_bear_out_are_both_precise() -> None:
    (sentence,) = cited_sentences("Nile long river Africa bees honey nectar make [1][3].")
    assert check(sentence, PASSAGES, 1, 1.0).precise == 2
    assert not check(cited_sentences("Nile river bees honey nectar make [1].")[0], PASSAGES, 1, 1.0).supported
    # No run of words goes from one passage into the next.
    (seam,) = cited_sentences("6,650 km long Bees make honey [1][3].")
    assert check(seam, PASSAGES, 1, 1.0).supported
    assert not check(seam, PASSAGES, 3, 1.0).supported


def test_passages_that_are_not_there_and_sentences_that_cite_nothing() -> None:
    found = values(f"{NILE} [1][7]. {AMAZON}. Yes. [0]")
    assert found["recall"] == 0.5
    assert found["precision"] == 0.5
    assert found["invalid"] == 0.5, "the one-word sentence claims nothing, and its citation is not counted"
    assert found["missing"] == 0.5
    assert found["right"] == 0.0


def test_an_answer_without_citations_has_no_precision() -> None:
    found = estimates(f"{NILE}.")
    assert found["citation_precision"].value is None
    assert found["citation_missing"].value == 1.0
    assert found["citation_recall"].value == 0.0
    assert estimates("")["citation_recall"].value is None, "undefined, not 0"


def test_parts_are_pooled_and_completions_are_the_clusters() -> None:
    found = estimates(f"{NILE} [1]. {NILE} [1]. {NILE} [1].", f"{NILE} [3].", f"{NILE} [3].")
    recall = found["citation_recall"]
    assert recall.value == pytest.approx(3 / 5)
    assert (recall.n, recall.clusters) == (3, 3)


@pytest.mark.parametrize("gold", [0, 4, None, "1"])
def test_a_gold_passage_that_is_not_there_is_told(gold: Any) -> None:
    with pytest.raises(UserError, match="is not the number of one of its 3 passages"):
        estimates(NILE, gold=gold)


def test_options_that_mean_nothing_are_refused() -> None:
    with pytest.raises(UserError, match="`least` at least `k`"):
        create({"citation_recall": {"k": 4}})
    sample = Sample("1", Generate("?"), metadata={"passages": "one"})
    with pytest.raises(UserError, match=r"metadata\.passages.* is no list of texts"):
        score_task([create("citation_recall")], [sample], [Generated(NILE, 9, "stop")], seed=0)


def test_too_few_passages_are_told() -> None:
    with pytest.raises(UserError, match="4 passages a question are asked for, and the split has 1"):
        rows([{"passage": "a", "question": "b", "answer": True}])


def test_the_task_shows_the_right_passage_evenly_among_others(hub_mirror: Path) -> None:
    loaded = load_task(Registry().tasks["cited_qa"])
    dataset = loaded.task.dataset
    options = DataOptions(mirror=hub_mirror, offline=True)
    table = load(dataset, base=loaded.folder, options=options, pinned=dataset.sha256)
    assert table.pinned
    samples = build_samples(loaded, table, None, BuildOptions(shots=0))
    assert len(samples) == 3270
    places = [sample.metadata["gold"] for sample in samples]
    assert all(places.count(place) / len(places) == pytest.approx(0.25, abs=0.03) for place in (1, 2, 3, 4))
    for row, sample in zip(table.rows, samples, strict=True):
        assert len(set(row["passages"])) == 4
        assert isinstance(sample.request, Generate)
    # One sample in full.
    row, sample = table.rows[0], samples[0]
    shown = "".join(f"[{i}] {text.strip()}\n" for i, text in enumerate(row["passages"], 1))
    assert isinstance(sample.request, Generate)
    assert sample.request.prompt == (
        f"{shown}\nQuestion: {row['question']}?\n"
        "Answer yes or no and say why in one or two sentences, using only the passages above. Behind each sentence, "
        "cite the passages that support it by their numbers, such as [5] or [5][6].\nAnswer:"
    )
    # A sentence copied from the right passage, cited rightly, is borne out; cited wrongly, it is not.
    answers = []
    for index, (row, sample) in enumerate(zip(table.rows, samples, strict=True)):
        gold = sample.metadata["gold"]
        cited = gold if index % 2 else gold % 4 + 1
        answers.append(Generated(f"{row['passages'][gold - 1].split('. ')[0]} [{cited}].", 9, "stop"))
    found, _ = score_task([create("citation_recall"), create("citation_right")], samples, answers, seed=0)
    assert found[1][1].value == 0.5
    assert found[0][1].value == pytest.approx(0.5, abs=0.02)
