"""Which shard a process is, and which requests are its own."""

from __future__ import annotations

import random

import pytest

from lsm_eval.errors import UserError
from lsm_eval.models.baselines import Baseline
from lsm_eval.requests import Generate, Request, Score
from lsm_eval.runner.shards.named import Shard, read_shard
from lsm_eval.runner.shards.piece import cut, piece


def _array(at: int, first: int, last: int, count: int) -> dict[str, str]:
    return {
        "SLURM_ARRAY_TASK_ID": str(at),
        "SLURM_ARRAY_TASK_MIN": str(first),
        "SLURM_ARRAY_TASK_MAX": str(last),
        "SLURM_ARRAY_TASK_COUNT": str(count),
    }


@pytest.mark.parametrize(
    ("text", "environment", "shard"),
    [
        ("2/8", {}, Shard(2, 8)),
        ("2/8", _array(5, 1, 9, 9), Shard(2, 8)),
        ("auto", _array(1, 1, 4, 4), Shard(1, 4)),
        ("auto", _array(4, 1, 4, 4), Shard(4, 4)),
        ("auto", _array(0, 0, 3, 4), Shard(1, 4)),
        ("auto", _array(3, 0, 3, 4), Shard(4, 4)),
        ("auto", _array(17, 10, 17, 8), Shard(8, 8)),
        ("auto", _array(5, 1, 7, 4), Shard(3, 4)),
        ("auto/4", _array(2, 1, 4, 4), Shard(2, 4)),
        ("auto/4", {"JOB_COMPLETION_INDEX": "0"}, Shard(1, 4)),
        ("auto/4", {"JOB_COMPLETION_INDEX": "3"}, Shard(4, 4)),
    ],
)
def test_the_shard_of_a_process(text: str, environment: dict[str, str], shard: Shard) -> None:
    assert read_shard(text, environment) == shard


@pytest.mark.parametrize(
    ("text", "environment", "why"),
    [
        ("0/4", {}, r"^--shard 0/4: there is no shard 0 of 4; they are 1 to 4\.$"),
        ("5/4", {}, "there is no shard 5 of 4"),
        ("1/0", {}, "there is no shard 1 of 0"),
        ("half", {}, "write I/N, such as 2/8"),
        ("-1/4", {}, "write I/N"),
        ("auto", {}, "neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set"),
        ("auto", {"JOB_COMPLETION_INDEX": "1"}, "write auto/N, with the job's completions as N"),
        ("auto/4", {"JOB_COMPLETION_INDEX": "4"}, "there is no shard 5 of 4"),
        ("auto/4", {"JOB_COMPLETION_INDEX": "one"}, "JOB_COMPLETION_INDEX is 'one' and no number"),
        ("auto", {"SLURM_ARRAY_TASK_ID": "1"}, "SLURM_ARRAY_TASK_COUNT is '' and no number"),
        ("auto", _array(3, 3, 3, 1), "the array has a single task"),
        ("auto/8", _array(3, 3, 3, 1), "the array has a single task"),
        ("auto/8", _array(3, 3, 6, 2), "the array has 2 tasks, not 8"),
        ("auto", _array(3, 1, 7, 3), "not evenly spaced"),
        ("auto", _array(2, 1, 7, 4), "not evenly spaced"),
        ("auto", {**_array(1, 1, 4, 4), "JOB_COMPLETION_INDEX": "1"}, "both SLURM_ARRAY_TASK_ID and JOB"),
    ],
)
def test_no_shard(text: str, environment: dict[str, str], why: str) -> None:
    with pytest.raises(UserError, match=why):
        read_shard(text, environment)


def test_an_array_that_is_not_evenly_spaced_is_seen_by_some_task() -> None:
    """1,3,7 has the count and the ends of an even array from 1 to 7 in steps of 3, but not its places."""
    with pytest.raises(UserError, match="not evenly spaced"):
        read_shard("auto", _array(3, 1, 7, 3))


def test_pieces_are_contiguous_disjoint_and_whole() -> None:
    chance = random.Random(15)
    for _ in range(200):
        costs = [chance.choice([0, 1, 3, 10, 500]) for _ in range(chance.randrange(60))]
        count = chance.randrange(1, 20)
        found = [cut(costs, Shard(at, count)) for at in range(1, count + 1)]
        assert [place for one in found for place in one] == list(range(len(costs)))


def test_pieces_cost_about_the_same() -> None:
    chance = random.Random(16)
    costs = [chance.randrange(1, 100) for _ in range(1000)]
    sums = [sum(costs[place] for place in cut(costs, Shard(at, 7))) for at in range(1, 8)]
    assert max(sums) - min(sums) <= 2 * max(costs)


def test_texts_with_the_same_beginning_stand_together() -> None:
    """A model that knows no order of its own is asked by the order of its prompts, whatever the order of the tasks."""
    chance = random.Random(17)
    requests: list[Request] = [Score(f"{head} {tail}", ("a", "b")) for head in "xyz" for tail in range(20)]
    requests += [Generate(f"{head} {tail}") for head in "xyz" for tail in range(20)]
    chance.shuffle(requests)
    model = Baseline("first")
    pieces = [piece(requests, model, Shard(at, 4)) for at in range(1, 5)]
    texts = [model.render(requests[i]) for one in pieces for i in one]
    assert texts == sorted(texts)
    assert sorted(i for one in pieces for i in one) == list(range(len(requests)))
    assert all(pieces)
