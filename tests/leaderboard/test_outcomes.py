"""Right and wrong by sample: whom they are compared with, flags, agreement, and hard and disputed samples."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from records import estimate, sample, write_record

from lsm_eval.leaderboard.outcomes.agreement import agreement
from lsm_eval.leaderboard.outcomes.difficulty import disputed, hardest
from lsm_eval.leaderboard.outcomes.flags import Flag, OtherOutcomes, counts, flags, letters, others
from lsm_eval.leaderboard.outcomes.outcome import (
    NONE,
    RIGHT,
    WRONG,
    Field,
    SampleOutcomes,
    field_of,
    outcomes,
    read,
)
from lsm_eval.results.reader import read_record
from lsm_eval.results.schema import EstimateRow


def row(**other: object) -> EstimateRow:
    return EstimateRow.model_validate(estimate("arc", **other))  # type: ignore[arg-type]


def answered(found: dict[str, int], asked: dict[str, str] | None = None) -> SampleOutcomes:
    hashes = [None if asked is None else asked[one] for one in found]
    return SampleOutcomes(
        pa.chunked_array([pa.array(list(found))]),
        pa.chunked_array([pa.array(hashes, pa.string())]),
        np.array(list(found.values()), np.int8),
    )


def field(rows: list[list[int]]) -> Field:
    ids = tuple(f"s{at}" for at in range(len(rows[0])))
    return Field(tuple(f"m{at}" for at in range(len(rows))), ids, np.array(rows, np.int8))


def test_half_a_point_is_right_and_missing_is_neither() -> None:
    scores = np.array([0.0, 0.49, 0.5, 1.0, np.nan])
    assert outcomes(scores, row()).tolist() == [WRONG, WRONG, RIGHT, RIGHT, NONE]
    assert outcomes(scores, row(higher_is_better=False)).tolist() == [RIGHT, RIGHT, WRONG, WRONG, NONE]


@pytest.mark.parametrize("other", [{"unit": "perplexity"}, {"unit": "points"}, {"higher_is_better": None}])
def test_what_says_nothing_of_a_single_sample_has_no_outcome(other: dict[str, object]) -> None:
    assert set(outcomes(np.array([0.0, 1.0]), row(**other)).tolist()) == {NONE}


def test_outcomes_are_read_from_the_table_of_a_record(tmp_path: Path) -> None:
    rows = [
        sample("arc", 0, asked="a"),
        sample("arc", 1, asked="b", **{"score.accuracy": 0.0}),
        sample("arc", 2, asked="c", failure="nan", **{"score.accuracy": None}),
    ]
    record = read_record(write_record(tmp_path / "r", "m", [estimate("arc")], samples=rows))
    found = read(record, row(), "accuracy")
    assert found is not None
    assert found.outcomes.tolist() == [RIGHT, WRONG, NONE]
    assert found.ids.to_pylist() == ["s0", "s1", "s2"]
    assert found.first(1).asked.to_pylist() == ["a"]
    assert read(record, row(), "another") is None


def test_early_records_do_not_say_what_was_asked(tmp_path: Path) -> None:
    record = read_record(write_record(tmp_path / "r", "m", [estimate("arc")], samples=[sample("arc", 0)]))
    found = read(record, row(), "accuracy")
    assert found is not None
    assert found.asked.to_pylist() == [None]


def test_samples_are_the_same_by_id_and_question() -> None:
    first = answered({"a": 1, "b": 0}, {"a": "x", "b": "y"})
    second = answered({"b": 1, "a": 0, "c": 1}, {"b": "y", "a": "x", "c": "z"})
    other = answered({"a": 1}, {"a": "another question"})
    early = answered({"b": 0})
    found = field_of([("1", first), ("2", second), ("3", other), ("4", early)])
    assert found.ids == ("a", "b", "c")
    assert found.found.tolist() == [[1, 0, -1], [0, 1, 1], [-1, -1, -1], [-1, 0, -1]]
    assert found.where(1, 0) == 1
    assert found.where(0, 2) == -1
    assert found.right.tolist() == [1, 1, 1]
    assert found.answered.tolist() == [2, 3, 1]


def test_equal_tables_are_put_together_at_once_and_alike() -> None:
    asked = {"a": "x", "b": "y"}
    found = field_of([("1", answered({"a": 1, "b": 0}, asked)), ("2", answered({"a": 0, "b": -1}, asked))])
    assert found.at is None
    assert found.found.tolist() == [[1, 0], [0, -1]]
    assert field_of([]).found.shape[0] == 0


def test_an_id_that_stands_twice_is_one_sample() -> None:
    twice = SampleOutcomes(
        pa.chunked_array([["a", "a"]]),
        pa.chunked_array([pa.nulls(2, pa.string())]),
        np.array([1, 0], np.int8),
    )
    assert field_of([("1", twice)]).ids == ("a",)


def test_flags_say_wrong_missing_truncated_unlike_the_others_and_slow() -> None:
    own = answered({f"s{at}": outcome for at, outcome in enumerate([1, 0, 1, 0, -1])})
    among = OtherOutcomes(np.array([1, 3, 1, 1, 3]), np.array([3, 3, 2, 3, 3]))
    found = flags(
        own, among, [False, False, False, True, False], [False, True, False, False, False], [None] * 5
    )
    assert found.tolist() == [
        Flag.DISAGREES,
        Flag.WRONG | Flag.TRUNCATED | Flag.DISAGREES,
        0,
        Flag.MISSING,
        0,
    ]
    assert counts(found) == {"wrong": 1, "missing": 1, "truncated": 1, "disagrees": 2, "slow": 0}
    assert letters(found) == "INACA"


def test_one_in_twenty_is_slow_where_times_are_known() -> None:
    times: list[float | None] = [float(at) for at in range(100)]
    found = flags(None, None, [False] * 100, [False] * 100, times)
    assert np.flatnonzero(found).tolist() == [95, 96, 97, 98, 99]
    assert not flags(None, None, [False] * 10, [False] * 10, times[:10]).any(), "ten times say nothing"
    assert not flags(None, None, [False] * 100, [False] * 100, [1.0] * 100).any()
    mixed = [None if at % 2 else time for at, time in enumerate(times)]
    assert not (flags(None, None, [False] * 100, [False] * 100, mixed)[1::2]).any()


def test_a_model_is_not_among_its_others() -> None:
    found = others(field([[1, 0], [1, 1], [0, -1]]), "m0", ["s1", "s0", "elsewhere"])
    assert found.right.tolist() == [1, 1, 0]
    assert found.answered.tolist() == [1, 2, 0]
    alone = others(field([[1, 0]]), "m0", ["s0"])
    assert alone.answered.tolist() == [0]


def test_others_say_nothing_of_a_question_that_they_were_not_asked() -> None:
    first = answered({"a": 1, "b": 1}, {"a": "x", "b": "y"})
    second = answered({"a": 1, "b": 1}, {"a": "x", "b": "y"})
    mine = answered({"a": 0, "b": 0}, {"a": "x", "b": "another question"})
    for own in ([], [("3", mine)]):
        found = others(field_of([("1", first), ("2", second), *own]), "3", ["a", "b"], mine.asked.to_pylist())
        assert found.answered.tolist() == [2, 0]
        assert found.right.tolist() == [2, 0]
        assert flags(mine, found, [False] * 2, [False] * 2, [None] * 2).tolist() == [
            Flag.WRONG | Flag.DISAGREES,
            Flag.WRONG,
        ]


def test_agreement_is_the_share_of_equal_outcomes_and_kappa() -> None:
    found = agreement(field([[1, 1, 0, 0, -1], [1, 0, 0, 0, 1], [1, 1, 1, 1, 1]]))
    assert found.number[0, 1] == 4
    assert found.share[0, 1] == 0.75
    # p_o = 3/4, p_e = 1/2 * 1/4 + 1/2 * 3/4 = 1/2
    assert found.kappa[0, 1] == pytest.approx(0.5)
    assert found.share[0, 2] == 0.5
    assert found.kappa[0, 2] == pytest.approx(0.0)
    assert math.isnan(agreement(field([[1, -1], [-1, 1]])).share[0, 1])


def test_models_that_were_asked_otherwise_alike_agree_with_each_other_alone() -> None:
    usual, chat = {"a": "x", "b": "y"}, {"a": "x in a chat", "b": "y in a chat"}
    rows = {
        "1": answered({"a": 1, "b": 0}, usual),
        "2": answered({"a": 1, "b": 1}, usual),
        "3": answered({"a": 0, "b": 0}, usual),
        "4": answered({"a": 1, "b": 0}, chat),
        "5": answered({"b": 0, "a": 0}, chat),
        "6": answered({"a": 1, "b": 1}, {"a": "x elsewhere", "b": "y"}),
    }
    kept = field_of(list(rows.items()))
    found = agreement(kept)
    assert kept.answered.tolist() == [3, 4]
    assert found.number[:, 3].tolist() == [0, 0, 0, 2, 2, 0]
    assert found.share[3, 4] == 0.5
    assert found.number[5].tolist() == [1, 1, 1, 0, 0, 1]
    assert found.share[5, 1] == 1.0
    assert math.isnan(found.share[0, 4])


def test_hardest_and_disputed_samples_come_first() -> None:
    found = field([[0, 1, 1, 0, -1], [0, 0, 1, 0, 0], [0, 1, 1, 1, -1], [0, 0, 1, 0, -1]])
    assert [(one.sample, one.right, one.answered) for one in hardest(found, 5)] == [
        ("s0", 0, 4),
        ("s3", 1, 4),
    ]
    assert [one.sample for one in disputed(found, 5)] == ["s1", "s3"]
    assert disputed(found, 1)[0].models == (1, 3, 0, 2), "those that got it wrong first"
