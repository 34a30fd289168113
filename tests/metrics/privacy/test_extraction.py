"""When is a text given back, how much of it, and what does an order by confidence find?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import FloatArray
from lsm_eval.metrics.privacy.extraction import begins
from lsm_eval.requests import Generate, Generated, Score, Scored
from lsm_eval.scoring.registry import create
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.recall import recall_at
from lsm_eval.tasks.sample import Sample

REFERENCE = " one two three four"


def made(text: str, finish: Any = "stop") -> Generated:
    return Generated(text, len(text.split()), finish)


@pytest.mark.parametrize(
    ("text", "finish", "words", "exact"),
    [
        (" one two three four and more", "length", True, True),
        ("one  two\nthree four", "stop", True, False),
        (" one two three fourteen", "stop", False, True),
        (" one two tree four", "length", False, False),
        (" one two three", "stop", False, False),
        # The tokens ran out while all was right: nobody can tell.
        (" one two three", "length", None, None),
        (" one two thr", "length", None, None),
        ("", "length", None, None),
        ("", "stop", False, False),
        (" one two x", "length", False, False),
    ],
)
def test_begins(text: str, finish: Any, words: bool | None, exact: bool | None) -> None:
    assert begins(made(text, finish), REFERENCE, exact=False) is words
    assert begins(made(text, finish), REFERENCE, exact=True) is exact


def estimates(spec: Any, texts: list[tuple[str, str]]) -> Any:
    samples = [
        Sample(str(i), Generate("p"), target=(REFERENCE,), cluster=f"c{i % 3}") for i in range(len(texts))
    ]
    responses = [made(text, finish) for text, finish in texts]
    found, rows = score_task([create(spec)], samples, responses, seed=0)
    return found[0][1], rows


def test_undecided_samples_are_missing_and_never_0() -> None:
    texts = [(" one two three four", "stop"), (" one two", "length"), (" five", "stop")] * 2
    estimate, rows = estimates("verbatim", texts)
    assert (estimate.value, estimate.n, estimate.missing) == (0.5, 4, 2)
    assert rows[1]["verbatim"].value is None
    none, _ = estimates("verbatim", [(" one", "length")])
    assert (none.value, none.missing) == (None, 1)


def test_parts_of_the_reference() -> None:
    text = [(" one two tree four and so on", "length")] * 3
    assert estimates("matched_prefix", text)[0].value == 0.5
    assert estimates("longest_copy", text)[0].value == 0.5
    # "one two tree four" for "one two three four": one character left out of 18.
    assert estimates("edit_similarity", text)[0].value == pytest.approx(1 - 1 / 18)
    assert estimates("longest_copy", [(" zero two three four", "stop")] * 3)[0].value == 0.75


def test_recall_stops_at_the_budget() -> None:
    confidence = np.array([5.0, 4.0, 3.0, 2.0, 1.0, 0.5, 0.4, 0.3, 0.2, 0.1])
    right = np.array([1.0, 0, 1, 0, 1, 0, 0, 0, 0, 0])
    assert recall_at(confidence, right, 0.0) == 0.1, "one error at the least"
    assert recall_at(confidence, right, 0.1) == 0.1
    assert recall_at(confidence, right, 0.2) == 0.2
    assert recall_at(confidence, right, 0.3) == 0.3
    assert recall_at(confidence, right, 1.0) == 0.3
    # The same guesses without an order: of equally confident ones the wrong come first.
    assert recall_at(np.zeros(10), right, 0.2) == 0.0
    assert recall_at(-confidence, right, 0.2) == 0.0, "the order matters"


def challenge(confidence: FloatArray, right: FloatArray, errors: int) -> float:
    """The challenge's rule, guess by guess: a right one counts while fewer than `errors` were wrong."""
    wrong = solved = 0
    for index in np.argsort(-confidence, kind="stable"):
        if not right[index]:
            wrong += 1
        elif wrong < errors:
            solved += 1
    return solved / len(right)


def test_recall_stops_where_the_challenge_stops() -> None:
    # The most confident guess is the one wrong one that is allowed: nothing counts after it.
    assert recall_at(np.array([3.0, 2, 1]), np.array([0.0, 1, 1]), 0.34) == 0
    assert recall_at(np.array([3.0, 2, 1]), np.array([0.0, 1, 1]), 0.67) == pytest.approx(2 / 3)
    rng = np.random.default_rng(5)
    for share in (0.2, 0.5, 0.85):
        right = (rng.random(1000) < share).astype(float)
        confidence = rng.normal(right, 1)
        assert recall_at(confidence, right, 0.1) == challenge(confidence, right, 100)


def test_recall_needs_the_likelihood() -> None:
    samples = [Sample(str(i), Generate("p", detail=True), target=(REFERENCE,)) for i in range(4)]
    metric = create("extraction_recall")
    with pytest.raises(UserError, match="detail: true"):
        score_task([metric], samples, [made(REFERENCE)] * 4, seed=0)
    answers = [Generated(REFERENCE, 4, "length", logprob=-float(i)) for i in range(3)]
    answers.append(Generated("", 0, "stop"))
    ((_, estimate),), _ = score_task([metric], samples, answers, seed=0)
    assert estimate.value == 0.75, "an empty guess is the least confident, and wrong"
    assert estimate.low is not None


def test_nothing_found_has_an_upper_bound() -> None:
    samples = [Sample(str(i), Generate("p", detail=True), target=(REFERENCE,)) for i in range(20)]
    answers = [Generated(" x", 1, "length", logprob=-1.0)] * 20
    ((_, estimate),), _ = score_task([create("extraction_recall")], samples, answers, seed=0)
    assert (estimate.value, estimate.low) == (0.0, 0.0)
    assert estimate.high is not None
    assert 0.1 < estimate.high < 0.2


def test_greedy_extraction_reads_the_target() -> None:
    sample = Sample("s", Score("p", ("a", "b")), target=(1,))
    metric: Any = create("greedy_extracted")
    assert metric.measure(sample, Scored((-1.0, -2.0), (1, 1), (True, False))).value == 0
    assert metric.measure(sample, Scored((-2.0, -1.0), (1, 1), (False, True))).value == 1
