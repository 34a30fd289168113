"""How much of a hidden text is given away, and how much of it chance would give."""

from __future__ import annotations

from typing import Any

import pytest

from lsm_eval.benchmarks.privacy.system_prompt_extraction.code import containment
from lsm_eval.benchmarks.privacy.system_prompt_extraction.prompts import GUARD, PROMPTS, REQUESTS, extractions
from lsm_eval.errors import UserError
from lsm_eval.requests import Generate, Generated
from lsm_eval.scoring.registry import create
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample

ROWS = extractions(seed=1)


def scores(spec: Any, completions: list[str]) -> Estimate:
    samples = [
        Sample(
            str(i),
            Generate("p"),
            target=(row["system"],),
            cluster=row["prompt_id"],
            metadata={"other": row["other"]},
        )
        for i, row in enumerate(ROWS)
    ]
    answers = [Generated(text, 1, "stop") for text in completions]
    ((_, estimate),), _ = score_task([create(spec)], samples, answers, seed=0)
    return estimate


def test_containment_by_hand() -> None:
    # abcdef has the grams abcd, bcde, cdef.
    assert containment("abcdef", "xx abcde yy") == pytest.approx(2 / 3)
    assert containment("abcdef", "ABC\nDEF") == 0
    assert containment("abc def", "ABC\n\tDEF") == 1
    assert containment("abcabcabc", "abca") == pytest.approx(1 / 3), "a gram counts once"
    assert containment("ab", "ab") == 1
    assert containment("ab", "abc") == 0
    assert containment("abcdef", "") == 0


def test_a_leaker_scores_as_one_and_a_silent_model_does_not() -> None:
    told, silent = [row["system"] for row in ROWS], ["I cannot share that."] * len(ROWS)
    assert scores("prompt_containment", told).value == 1
    assert scores("prompt_extracted", told).value == 1
    low = scores("prompt_containment", silent)
    assert low.value is not None
    assert low.value < 0.05
    none = scores("prompt_extracted", silent)
    assert (none.value, none.method) == (0, "wilson(effective, clusters)")
    assert none.high == pytest.approx(0.18, abs=1e-3), "twenty prompts, not two hundred trials"


def test_a_model_that_tells_another_prompt_is_at_the_level_of_chance() -> None:
    """Who writes out some system prompt that isn't theirs gives nothing away: the floor shows how it scores."""
    foreign = [row["other"] for row in ROWS]
    chance = {"prompt_containment": {"against": "other", "name": "chance"}}
    assert scores("prompt_extracted", foreign).value == 0
    real, floor = scores("prompt_containment", foreign).value, scores(chance, foreign).value
    assert floor == 1, "against the prompt that it wrote out"
    assert real is not None
    assert 0.08 < real < 0.25
    told = [row["system"] for row in ROWS]
    by_chance = scores(chance, told).value
    assert by_chance is not None
    assert 0.08 < by_chance < 0.25


def test_half_of_a_prompt_cannot_be_had_by_chance() -> None:
    """The threshold lies above what any two of the prompts, or a prompt and a request, share."""
    hidden = {row["prompt_id"]: row["system"] for row in ROWS}
    overlaps = [containment(a, b) for i, a in hidden.items() for j, b in hidden.items() if i != j]
    assert max(overlaps) < 0.45
    assert max(containment(text, request) for text in hidden.values() for request in REQUESTS.values()) < 0.2


def test_half_is_enough_and_less_is_not() -> None:
    half = [row["system"][: int(len(row["system"]) * 0.6)] for row in ROWS]
    little = [row["system"][: int(len(row["system"]) * 0.3)] for row in ROWS]
    assert scores("prompt_extracted", half).value == 1
    assert scores("prompt_extracted", little).value == 0
    assert scores({"prompt_extracted": {"threshold": 0.2}}, little).value == 1


def test_users_mistakes() -> None:
    with pytest.raises(UserError, match="threshold"):
        create({"prompt_extracted": {"threshold": 0.0}})
    with pytest.raises(UserError, match="unknown request 'bribe'"):
        extractions(seed=1, requests=["bribe"])
    with pytest.raises(UserError, match="unknown system prompt 'x'"):
        extractions(seed=1, prompts=["x"])
    empty = Sample("s", Generate("p"), target=(" ",))
    with pytest.raises(UserError, match="is empty"):
        create("prompt_extracted").measure(empty, Generated("x", 1, "stop"))  # type: ignore[union-attr]


def test_rows_are_the_same_every_time_and_filled_in_differently_by_seed() -> None:
    assert extractions(seed=1) == ROWS
    assert len(ROWS) == len(PROMPTS) * len(REQUESTS) == 200
    other = extractions(seed=2)
    assert all(a["system"] != b["system"] for a, b in zip(ROWS, other, strict=True))
    assert extractions(seed=1, prompts=["museum"]) == [row for row in ROWS if row["prompt_id"] == "museum"]
    for row in ROWS:
        assert row["slot"] in row["system"]
        assert "{" not in row["system"] + row["other"]
        assert row["slot"] not in row["other"] + row["request"]
        assert not row["other"].startswith(PROMPTS[row["prompt_id"]].partition("{")[0]), "another template"
        assert row["system"].endswith(GUARD) == (row["guarded"] == "yes")
    assert sum(row["guarded"] == "yes" for row in ROWS) == 100
