"""Pieces of a token tree that are left out because nothing in them is needed: what is left is the same, to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from token_trees import content, requests, tree_model

from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.scoring.plain import TokenRow
from lsm_eval.inference.scoring.tree import TokenTree, group_rows
from lsm_eval.inference.scoring.tree_scorer import Kernel, TreeScorer, _by_themselves


@given(rows=requests(), budget=st.integers(1, 300), data=st.data())
@settings(max_examples=80, deadline=None)
def test_rows_that_are_not_known_attend_to_their_own_tokens(
    rows: dict[int, list[TokenRow]], budget: int, data: st.DataObject
) -> None:
    flat, _ = group_rows(rows)
    known = data.draw(st.sets(st.integers(0, len(flat) - 1)))
    every = [content(piece) for piece in TokenTree(flat).pieces(budget)]
    left = list(TokenTree(flat).pieces(budget, known, fill=True))
    rest = iter(every)
    assert all(content(piece) in rest for piece in left), "the pieces are a subsequence of the whole run's"
    assert {row for piece in left for row in piece.rows.tolist()} >= set(range(len(flat))) - known
    assert len(left) <= len(list(TokenTree(flat).pieces(budget, known))) + 1
    cached: list[int] = []
    for piece in left:
        assert len(cached) == piece.path, "the cache has the shape that it would have"
        keys = [*cached, *piece.tokens.tolist()]
        for at, number in zip(piece.at, piece.rows, strict=True):
            if number not in known:
                path = tuple(keys[key] for key in np.flatnonzero(piece.mask()[at]))
                assert path == flat[number].tokens[: len(path)]
        cached = [keys[key] for key in piece.keep]


@pytest.mark.parametrize("kind", ["llama", "qwen2", "gemma2", "gemma3", "gpt2", "mixtral"])
@given(
    rows=requests(), budget=st.integers(1, 100), kernel=st.sampled_from(["blocks", "mask"]), data=st.data()
)
@settings(max_examples=12, deadline=None)
def test_scores_are_the_same_to_the_last_bit(
    kind: str, rows: dict[int, list[TokenRow]], budget: int, kernel: Kernel, data: st.DataObject
) -> None:
    model = tree_model(kind)
    known = data.draw(st.sets(st.sampled_from(sorted(rows))))
    whole, part = (
        {
            i: s
            for batch in TreeScorer(model, device="cpu", kernel=kernel).scores(rows, budget, left)
            for i, s in batch.items()
        }
        for left in ((), known)
    )
    assert part == {i: scores for i, scores in whole.items() if i not in known}


def _passes(model: Any, rows: dict[int, list[TokenRow]], known: set[int]) -> int:
    ledger = Ledger()
    for _ in TreeScorer(model, device="cpu", ledger=ledger).scores(rows, 24, known):
        pass
    return ledger.score.passes


def test_the_end_of_a_run_does_not_need_all_before_it() -> None:
    """Every piece begins within a sequence, whose first tokens are in the piece before."""
    rows = {q: [TokenRow((0, 1, q // 8, q % 8, *range(8), c, 1), 1) for c in range(2)] for q in range(1, 60)}
    last = set(range(1, 55))
    model = tree_model("llama")
    assert _by_themselves(model)
    assert _passes(model, rows, set()) > 20
    assert _passes(model, rows, last) <= 5


def test_experts_take_tokens_in_groups() -> None:
    """How many tokens an expert has in a batch may change the last bit, so that every one has to be right."""
    assert not _by_themselves(tree_model("mixtral"))
