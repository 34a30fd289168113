"""The token tree: every unique token once, and the scores of plain scoring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from token_trees import VOCABULARY, content, requests, tree_model

from lsm_eval.inference.memory import MemoryGuard
from lsm_eval.inference.reach import attention_window
from lsm_eval.inference.runtime import Runtime
from lsm_eval.inference.scoring.plain import SequenceScore, TokenRow
from lsm_eval.inference.scoring.plain_scorer import PlainScorer
from lsm_eval.inference.scoring.self_check import SelfCheck
from lsm_eval.inference.scoring.tree import TokenTree, group_rows
from lsm_eval.inference.scoring.tree_attention import windows_seen
from lsm_eval.inference.scoring.tree_scorer import Kernel, TreeScorer


@given(rows=requests(), budget=st.integers(1, 300))
@settings(max_examples=150, deadline=None)
def test_pieces_hold_every_path_and_score_every_token_once(
    rows: dict[int, list[TokenRow]], budget: int
) -> None:
    flat, _ = group_rows(rows)
    tree = TokenTree(flat)
    cached: list[int] = []
    scored: dict[tuple[int, int], int] = {}
    computed = 0
    for piece in tree.pieces(budget):
        computed += len(piece.tokens)
        assert 0 < len(piece.tokens) <= budget
        assert len(cached) == piece.path
        keys = [*cached, *piece.tokens.tolist()]
        mask = piece.mask()
        for at, number, target in zip(piece.at, piece.rows, piece.targets, strict=True):
            # What the point's token attends to, in order of position, is its row up to there.
            seen = np.flatnonzero(mask[at])
            depth = int(piece.depths[at])
            row = flat[number]
            assert tuple(keys[key] for key in seen) == row.tokens[: depth + 1]
            assert list(piece.key_depths[seen]) == list(range(depth + 1))
            assert row.tokens[depth + 1] == target
            key = (int(number), depth)
            scored[key] = scored.get(key, 0) + 1
        cached = [keys[key] for key in piece.keep]
    assert computed == tree.unique_tokens, "every unique token once"
    wanted = {
        (number, at)
        for number, row in enumerate(flat)
        for at in range(len(row.tokens) - 1 - row.scored, len(row.tokens) - 1)
    }
    assert scored == dict.fromkeys(wanted, 1)


@given(rows=requests(), budget=st.integers(1, 300), data=st.data())
@settings(max_examples=80, deadline=None)
def test_known_rows_change_no_piece_that_is_left(
    rows: dict[int, list[TokenRow]], budget: int, data: st.DataObject
) -> None:
    flat, _ = group_rows(rows)
    known = data.draw(st.sets(st.integers(0, len(flat) - 1)))
    every = [content(piece) for piece in TokenTree(flat).pieces(budget)]
    left = list(TokenTree(flat).pieces(budget, known))
    rest = iter(every)
    assert all(content(piece) in rest for piece in left), "the pieces are a subsequence of the whole run's"
    assert {row for piece in left for row in piece.rows.tolist()} >= set(range(len(flat))) - known
    cached: list[int] = []
    for piece in left:
        assert len(cached) == piece.path, "what a piece attends to is there"
        keys = [*cached, *piece.tokens.tolist()]
        for at, number in zip(piece.at, piece.rows, strict=True):
            path = tuple(keys[key] for key in np.flatnonzero(piece.mask()[at]))
            assert path == flat[number].tokens[: len(path)]
        cached = [keys[key] for key in piece.keep]


def test_unique_tokens_are_counted_as_a_set_of_prefixes_would() -> None:
    rows = [
        TokenRow((1, 2, 3, 4), 1),
        TokenRow((1, 2, 3, 5), 1),
        TokenRow((1, 2, 9, 9, 9), 2),
        TokenRow((7, 7), 1),
    ]
    prefixes = {row.tokens[:end] for row in rows for end in range(1, len(row.tokens))}
    tree = TokenTree(rows)
    assert tree.unique_tokens == len(prefixes) == 6
    assert tree.unique_points == len({(1, 2, 3), (1, 2, 9), (1, 2, 9, 9), (7,)})


def _plain(model: Any, rows: dict[int, list[TokenRow]]) -> dict[int, list[SequenceScore]]:
    scorer = PlainScorer(model, MemoryGuard("cpu"), device="cpu", pad=0)
    return {i: scores for batch in scorer.scores(rows, 500, ()) for i, scores in batch.items()}


@pytest.mark.parametrize("kind", ["llama", "qwen2", "gemma2", "mixtral", "gpt2"])
@given(rows=requests(), budget=st.integers(1, 300), kernel=st.sampled_from(["blocks", "flex", "mask"]))
@settings(max_examples=16, deadline=None)
def test_tree_and_plain_scoring_agree(
    kind: str, rows: dict[int, list[TokenRow]], budget: int, kernel: Kernel
) -> None:
    model = tree_model(kind)
    scorer = TreeScorer(model, device="cpu", kernel=kernel)
    found: dict[int, list[SequenceScore]] = {}
    for batch in scorer.scores(rows, budget, ()):
        assert not batch.keys() & found.keys()
        found.update(batch)
    wanted = _plain(model, rows)
    assert found.keys() == wanted.keys()
    for request, scores in wanted.items():
        for a, b in zip(found[request], scores, strict=True):
            assert a.logprob == pytest.approx(b.logprob, abs=1e-3)
    assert _check(model, group_rows(rows)[0]).differs(scorer) is None


def _check(model: Any, rows: Sequence[TokenRow], window: int | None = None) -> SelfCheck:
    runtime = Runtime("tiny", "cpu", "float32", "auto", pad=0, ends=(), decode=str)
    return SelfCheck(model, rows, runtime, window=window)


def test_scores_are_the_same_to_the_last_bit_again_and_on_resuming() -> None:
    model = tree_model("llama")
    rows = {q: [TokenRow((*range(20), *range(20), q, q, c, c), 2) for c in range(3)] for q in range(20)}
    runs = []
    for known in ((), (), (1, 2, 5)):
        scorer = TreeScorer(model, device="cpu")
        runs.append({i: s for batch in scorer.scores(rows, 48, known) for i, s in batch.items()})
    assert runs[0] == runs[1]
    assert runs[2] == {i: scores for i, scores in runs[0].items() if i not in (1, 2, 5)}


def test_a_recurrent_model_is_told_apart() -> None:
    """A state-space model has no ancestors-only mask: the self-check must see that, whatever its reason."""
    rows = [TokenRow((1, 2, 3, 4, c, c, 5), 3) for c in range(5)]
    model = tree_model("mamba")
    kernels: list[Kernel] = ["blocks", "flex", "mask"]
    for kernel in kernels:
        assert _check(model, rows).differs(TreeScorer(model, device="cpu", kernel=kernel)) is not None


def test_a_window_that_is_shorter_than_a_sequence_is_found() -> None:
    config = tree_model("gemma2").config
    assert attention_window(config, 256) is None
    assert attention_window(config, 257) == 256
    assert attention_window(tree_model("llama").config, 10**6) is None


@pytest.mark.parametrize("kernel", ["blocks", "flex"])
@pytest.mark.parametrize("kind", ["gemma3", "mistral"])
@given(rows=requests(), budget=st.integers(8, 200))
@settings(max_examples=6, deadline=None)
def test_sliding_windows_are_intersected(
    kind: str, kernel: Kernel, rows: dict[int, list[TokenRow]], budget: int
) -> None:
    """Windows of 12 tokens, which most sequences here are longer than."""
    model = tree_model(kind)
    flat = group_rows(rows)[0]
    scorer = TreeScorer(model, device="cpu", kernel=kernel)
    longest = max(len(row.tokens) for row in flat)
    window = attention_window(model.config, longest)
    assert _check(model, flat, window).differs(scorer) is None
    assert window is None or window in windows_seen()
    found = {i: s for batch in scorer.scores(rows, budget, ()) for i, s in batch.items()}
    for request, scores in _plain(model, rows).items():
        for a, b in zip(found[request], scores, strict=True):
            assert a.logprob == pytest.approx(b.logprob, abs=1e-3)


def test_memory_that_runs_out_halves_the_budget_and_loses_nothing() -> None:
    model = tree_model("llama")
    rows = {q: [TokenRow((q % VOCABULARY, q // 7, c, 1, 2), 2) for c in range(3)] for q in range(30)}
    wanted = _plain(model, rows)
    sizes: list[int] = []

    def tight(module: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        """A device that holds 40 tokens: only a hook can run out at a known size."""
        import torch

        sizes.append(named["input_ids"].shape[1])
        if sizes[-1] > 40:
            raise torch.OutOfMemoryError("out of memory")

    handle = model.model.register_forward_pre_hook(tight, with_kwargs=True)
    try:
        scorer = TreeScorer(model, device="cpu")
        found = {i: s for batch in scorer.scores(rows, 128, ()) for i, s in batch.items()}
    finally:
        handle.remove()
    assert max(sizes) > 40
    assert found.keys() == wanted.keys()
    for request, scores in wanted.items():
        assert [s.logprob for s in found[request]] == pytest.approx([s.logprob for s in scores], abs=1e-4)


@pytest.mark.parametrize("kind", ["llama", "gemma3", "gpt2"])
@given(rows=requests(), budgets=st.tuples(st.integers(4, 300), st.integers(4, 300)), data=st.data())
@settings(max_examples=10, deadline=None)
def test_batch_size_order_and_sharding_change_no_decision(
    kind: str, rows: dict[int, list[TokenRow]], budgets: tuple[int, int], data: st.DataObject
) -> None:
    model = tree_model(kind)
    scorer = TreeScorer(model, device="cpu")
    whole = {i: s for batch in scorer.scores(rows, budgets[0], ()) for i, s in batch.items()}
    order = data.draw(st.permutations(sorted(rows)))
    same = {
        i: s for batch in scorer.scores({i: rows[i] for i in order}, budgets[0], ()) for i, s in batch.items()
    }
    assert same == whole, "the order of requests changes nothing, to the last bit"
    cut = data.draw(st.integers(0, len(order)))
    sharded: dict[int, list[SequenceScore]] = {}
    for shard in (order[:cut], order[cut:]):
        for batch in scorer.scores({i: rows[i] for i in shard}, budgets[1], ()) if shard else ():
            sharded.update(batch)
    for request, scores in whole.items():
        one = np.array([score.logprob for score in scores])
        other = np.array([score.logprob for score in sharded[request]])
        assert other == pytest.approx(one, abs=1e-3)
        best = int(one.argmax())
        if len(one) > 1 and one[best] - np.delete(one, best).max() > 1e-4:
            assert int(other.argmax()) == best
