"""Which token a number belongs to: where texts begin alike, and where some tokens are not told of."""

from __future__ import annotations

import itertools

import pytest

from lsm_eval.endpoints.scoring.forced import certain
from lsm_eval.endpoints.scoring.numbers import TokenNumber
from lsm_eval.endpoints.scoring.places import Places
from lsm_eval.inference.scoring.plain import TokenRow


@pytest.mark.parametrize("wanted", list(itertools.product((1, 2, 3), repeat=5)))
def test_a_place_is_certain_where_no_other_would_do(wanted: tuple[int, ...]) -> None:
    """Against all ways to leave some tokens out."""
    places = range(len(wanted))
    for size in range(len(wanted) + 1):
        kept = list(itertools.combinations(places, size))
        for one in kept:
            told = [wanted[at] for at in one]
            fitting = [other for other in kept if [wanted[at] for at in other] == told]
            only = [at if all(other[nth] == at for other in fitting) else None for nth, at in enumerate(one)]
            assert certain(told, wanted) == only


@pytest.mark.parametrize("told", [[4], [2, 1], [1, 2, 3, 3], [None]])
def test_what_was_not_wanted_fits_nowhere(told: list[int | None]) -> None:
    assert certain(told, [1, 2, 3]) is None


def test_places_of_texts_that_begin_alike_are_asked_once() -> None:
    rows = [
        TokenRow((7, 1, 2, 3), 3),
        TokenRow((7, 1, 2, 4), 2),
        TokenRow((7, 1, 2, 3), 1),
        TokenRow((8, 1, 2), 1),
    ]
    places = Places(rows)
    assert [(place.before, place.unknown) for place in places.unknown()] == [
        ((7,), [1]), ((7, 1), [2]), ((7, 1, 2), [3, 4]), ((8, 1), [2]),
    ]  # fmt: skip
    asked = [(row.tokens, at, end) for row, at, end in places.runs(2)]
    assert asked == [((7, 1, 2, 3), 1, 3), ((7, 1, 2, 4), 2, 4)], "runs of one token are none"
    for row, at, end in places.runs(8):
        places.learn(
            row, at, {place - at: TokenNumber(-row.tokens[place], greedy=False) for place in range(at, end)}
        )
    for place in places.unknown():
        place.known |= {token: TokenNumber(-float(token), greedy=True) for token in place.unknown}
    told = [[(number.logprob, number.greedy) for number in row] for row in places.numbers()]
    assert [[-number for number, _ in row] for row in told] == [[1, 2, 3], [2, 4], [3], [2]]
    assert told[-1][0][1], "the only one that was asked alone, with the last of the second row"
    assert not any(greedy for row in told[:1] for _, greedy in row)


def test_a_long_text_takes_memory_as_its_tokens_do() -> None:
    """A place for each of 20,000 tokens, each with all that stands before it, would be 1.6 GB."""
    import tracemalloc

    row = TokenRow(tuple(range(20_000)), 19_999)
    tracemalloc.start()
    try:
        places = Places([row])
        assert sum(1 for _ in places.unknown()) == 19_999
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 50e6
