"""When is a text given back, and how much of it?"""

from __future__ import annotations

from typing import Any

import pytest

from lsm_eval.metrics.extraction import begins
from lsm_eval.requests import Generate, Generated
from lsm_eval.scoring.registry import create
from lsm_eval.scoring.task import score_task
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


def test_likeness_to_the_reference() -> None:
    text = [(" one two tree four and so on", "length")] * 3
    # "one two tree four" for "one two three four": one character left out of 18.
    assert estimates("edit_similarity", text)[0].value == pytest.approx(1 - 1 / 18)
