"""Gaps between groups, whose intervals keep pairs together, and agreement within sets."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from lsm_eval.benchmarks.bias.wino.agreement import Agreement
from lsm_eval.errors import UserError
from lsm_eval.requests import Answer, Failure, Generated, Score, Scored
from lsm_eval.scoring.registry import check, create
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import proportion_interval
from lsm_eval.tasks.sample import Sample

GAP: dict[str, Any] = {"of": "acc", "between": "condition", "high": "pro", "low": "anti"}


def item(number: int, condition: str, *, right: int = 0, cluster: str | None = None, **more: Any) -> Sample:
    metadata = {"condition": condition, **more}
    return Sample(str(number), Score("", ("a", "b")), (right,), ("a", "b"), cluster, metadata)


FIRST = Scored((-1.0, -2.0), (1, 1), (False, False))
TIE = Scored((-1.0, -1.0), (1, 1), (False, False))


def one(spec: Any, samples: list[Sample], answers: list[Any]) -> Estimate:
    found, _ = score_task([create(spec)], samples, answers, seed=0)
    return found[0][1]


def pairs(seed: int, number: int = 200) -> list[Sample]:
    """Pairs that are right together or wrong together, mostly: the gap is far surer than either accuracy."""
    rng = np.random.default_rng(seed)
    samples = []
    for pair in range(number):
        wrong = int(rng.random() < 0.5)
        against = wrong if rng.random() < 0.9 else 1
        samples += [
            item(2 * pair, "pro", right=wrong, cluster=f"p{pair}"),
            item(2 * pair + 1, "anti", right=against, cluster=f"p{pair}"),
        ]
    return samples


def test_the_gap_is_the_difference_of_the_two_means() -> None:
    samples = [item(0, "pro"), item(1, "pro", right=1), item(2, "anti"), item(3, "other")]
    found = one({"gap": GAP}, samples, [FIRST, FIRST, FIRST, FIRST])
    assert (found.value, found.n, found.missing) == (-0.5, 3, 0)
    swapped = one({"gap": {**GAP, "high": "anti", "low": "pro"}}, samples, [FIRST] * 4)
    assert swapped.value == 0.5


def test_pairs_in_one_cluster_give_the_interval_of_paired_differences() -> None:
    samples = pairs(0)
    found = one({"gap": GAP}, samples, [FIRST] * 400)
    right = np.array([sample.target == (0,) for sample in samples], float)
    differences = right[0::2] - right[1::2]
    assert found.value == pytest.approx(differences.mean())
    assert found.stderr == pytest.approx(differences.std(ddof=1) / math.sqrt(200), rel=0.1)
    assert found.method == "newcombe(wilson; correlated)"
    assert found.clusters == 200
    # Without the pairs the interval would be several times as wide.
    sums = np.array([(r, 1, 0, 0) if n % 2 == 0 else (0, 0, r, 1) for n, r in enumerate(right)])
    draws = np.random.default_rng(0).integers(0, 400, (1000, 400))
    drawn = sums[draws].sum(axis=1)
    alone = float((drawn[:, 0] / drawn[:, 1] - drawn[:, 2] / drawn[:, 3]).std())
    assert found.stderr is not None
    assert alone > 1.8 * found.stderr


@pytest.mark.parametrize("number", [2, 5, 30])
def test_a_gap_in_which_nothing_varies_is_not_certain(number: int) -> None:
    """All right on one side and all wrong on the other, or all right: never an interval without width."""
    for wrong in (0, 1):
        samples = [item(n, "pro" if n % 2 else "anti", right=wrong * (n % 2)) for n in range(2 * number)]
        found = one({"gap": GAP}, samples, [FIRST] * len(samples))
        assert found.value == -wrong
        assert found.low is not None
        assert found.high is not None
        assert -1 <= found.low <= -wrong <= found.high <= 1
        assert found.high - found.low > 1 / number
    alone = one({"gap": GAP}, [item(0, "pro"), item(1, "anti")], [FIRST] * 2)
    assert (alone.value, alone.low, alone.method) == (0.0, None, "none (one sample)")


def test_failures_count_where_they_would_have() -> None:
    samples = [item(0, "pro"), item(1, "anti"), item(2, "other")]
    failed = Failure("nan", "")
    found = one({"gap": GAP}, samples, [FIRST, failed, failed])
    assert (found.value, found.n, found.missing) == (None, 1, 1)


def test_ties_are_shared() -> None:
    found = one({"gap": GAP}, [item(0, "pro"), item(1, "anti")], [FIRST, TIE])
    assert (found.value, found.ties) == (0.5, 1)


def test_a_gap_of_a_metric_with_options_in_groups() -> None:
    spec: Any = {
        "gap": {**GAP, "of": {"exact_match": {"ignore_case": True}}, "name": "difference", "by": "type"}
    }
    check(spec, "generate")
    texts = ["Yes", "no", "yes", "yes"]
    samples = [
        Sample(str(n), Score("", ()), ("yes",), metadata={"condition": c, "type": t})
        for n, (c, t) in enumerate([("pro", 1), ("anti", 1), ("pro", 2), ("anti", 2)])
    ]
    found, _ = score_task([create(spec)], samples, [Generated(text, 1, "stop") for text in texts], seed=0)
    assert [(metric.name, estimate.value) for metric, estimate in found] == [
        ("difference", 0.5),
        ("difference[1]", 1.0),
        ("difference[2]", 0.0),
    ]
    signature = found[1][0].signature
    assert signature.startswith("gap|of:exact_match|")
    assert "|between:condition|high:pro|low:anti|by:type=1" in signature


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"of": "acx"}, "unknown metric 'acx'"),
        ({"of": "agreement"}, "plain function of sums over samples, and 'agreement' is none"),
        ({"of": {"acc": {"by": "x"}}}, "plain function of sums"),
        ({"high": "anti"}, "'high' and 'low' are both 'anti'"),
        ({"betwen": "x"}, "did you mean 'between'"),
    ],
)
def test_mistakes(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        create({"gap": {**GAP, **options}})


def members(*sets: str) -> tuple[list[Sample], list[Answer]]:
    """A sample a letter: `1` and `2` choose the first and the second, `=` has a tie."""
    scores = {"1": (-1.0, -2.0), "2": (-2.0, -1.0), "=": (-1.0, -1.0)}
    samples: list[Sample] = []
    answers: list[Answer] = []
    for name, letters in enumerate(sets):
        for number, letter in enumerate(letters):
            samples.append(
                Sample(f"{name}.{number}", Score("", ("a", "b")), (0,), ("a", "b"), None, {"set": name})
            )
            answers.append(Scored(scores[letter], (1, 1), (False, False)))
    return samples, answers


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        (("111", "222"), 1.0),
        (("112", "222"), 0.5),
        (("12",), 0.0),
        (("===",), 0.25),
        (("=11", "111"), 0.75),
        # One member compares nothing.
        (("111", "2"), 1.0),
    ],
)
def test_agreement(sets: tuple[str, ...], expected: float) -> None:
    assert Agreement().compute(*members(*sets)) == expected


def test_agreement_of_nothing_is_undefined() -> None:
    assert math.isnan(Agreement().compute(*members("1", "2")))


def agreed(samples: list[Sample], answers: list[Answer]) -> Estimate:
    ((_, found),), _ = score_task([create({"agreement": {"within": "set"}})], samples, answers, seed=0)
    return found


def test_agreement_of_sets_that_stand_alone_is_a_share_of_sets() -> None:
    found = agreed(*members(*["111"] * 9, "12", "2"))
    assert (found.value, found.method, found.n, found.clusters) == (0.9, "wilson", 30, 10)
    assert (found.low, found.high) == pytest.approx(proportion_interval(9, 10, 0.95)[1])
    every = agreed(*members(*["111"] * 10))
    assert (every.value, every.high) == (1.0, 1.0)
    assert (every.low or 1) < 0.8
    assert agreed(*members("1", "2")).method == "none (undefined on these samples)"


def test_sets_that_share_a_cluster_are_of_one() -> None:
    samples, answers = members(*["11", "22", "12"] * 6)
    # The first two sets are joined through the third, whose members are in the clusters of both.
    names = ["a", "a", "b", "b", "a", "b"]
    joined = [
        Sample(s.id, s.request, s.target, s.choices, f"{names[i % 6]}{i // 6}", s.metadata)
        for i, s in enumerate(samples)
    ]
    found = agreed(joined, answers)
    assert (found.clusters, found.method) == (6, "wilson(effective, clusters)")


def test_agreement_has_an_interval_over_clusters() -> None:
    samples, answers = members(*["111", "121", "222", "221"] * 30)
    clustered = [
        Sample(s.id, s.request, s.target, s.choices, f"c{s.metadata['set'] // 4}", s.metadata)
        for s in samples
    ]
    found, rows = score_task([create({"agreement": {"within": "set"}})], clustered, answers, seed=0)
    estimate = found[0][1]
    assert (estimate.value, estimate.clusters, estimate.n) == (0.5, 30, 360)
    assert estimate.method == "wilson(effective, clusters)"
    assert estimate.low is not None
    assert estimate.high is not None
    # Every cluster is alike; a hundred samples alone would say no more than this.
    assert 0.1 < estimate.high - estimate.low < 0.3
    assert rows[0] == {}
