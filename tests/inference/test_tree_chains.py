"""Long runs of tokens without a branch go through PyTorch's causal kernel: the same attention as under a mask."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lsm_eval.inference.memory import MemoryGuard
from lsm_eval.inference.scoring import tree_attention
from lsm_eval.inference.scoring.attention_kernels import Chain
from lsm_eval.inference.scoring.plain import TokenRow
from lsm_eval.inference.scoring.plain_scorer import PlainScorer
from lsm_eval.inference.scoring.tree import Piece, TokenTree
from lsm_eval.inference.scoring.tree_attention import TreeMask, attend, attending, chains_of
from lsm_eval.inference.scoring.tree_scorer import TreeScorer

HEADS, SHARED, WIDTH = 4, 2, 8


@st.composite
def trees(draw: st.DrawFn) -> TokenTree:
    """Texts that share beginnings of all lengths."""
    stem = draw(st.lists(st.integers(0, 2), min_size=1, max_size=40))
    rows = []
    for _ in range(draw(st.integers(1, 6))):
        tail = draw(st.lists(st.integers(0, 2), min_size=1, max_size=40))
        rows.append(TokenRow((*stem[: draw(st.integers(0, len(stem)))], 3, *tail), 1))
    return TokenTree(rows)


def dense(piece: Piece, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Softmax(QK'/sqrt(d) + mask)V, written out in float64; [1, queries, heads, width]."""
    key, value = (given.repeat_interleave(HEADS // SHARED, dim=1).double() for given in (key, value))
    scores = query.double() @ key.transpose(-1, -2) * WIDTH**-0.5
    scores = scores.masked_fill(~torch.from_numpy(piece.mask()), -torch.inf)
    found: torch.Tensor = (scores.softmax(-1) @ value).transpose(1, 2)
    return found


@given(tree=trees(), budget=st.integers(3, 200), long=st.integers(1, 30), seed=st.integers(0, 99))
@settings(max_examples=200, deadline=None)
def test_chains_and_blocks_are_one_attention(tree: TokenTree, budget: int, long: int, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree_attention, "LONG", long)
        for piece in tree.pieces(budget):
            count, keys = len(piece.tokens), len(piece.last)
            query = torch.randn(1, HEADS, count, WIDTH, generator=draw)
            key, value = (torch.randn(1, SHARED, keys, WIDTH, generator=draw) for _ in range(2))
            mask = TreeMask(piece, torch.float32, "cpu")
            with attending(mask):
                found, _ = attend(None, query, key, value, None)
            torch.testing.assert_close(found.double(), dense(piece, query, key, value), atol=1e-5, rtol=1e-5)
            assert mask.pairs == piece.mask().sum(), "what was attended to is counted alike"
            parts = mask.parts(None)
            assert [part.begin for part in parts[1:]] == [part.end for part in parts[:-1]]
            assert (parts[0].begin, parts[-1].end) == (0, count)
            assert all(part.end - part.begin >= long for part in parts if isinstance(part, Chain))
            assert not any(isinstance(part, Chain) for part in mask.parts(None, capped=True))
            assert not any(isinstance(part, Chain) for part in mask.parts(3) if piece.depths.max() >= 3)


def test_a_text_is_one_chain_and_a_few_ancestors_are_no_hindrance() -> None:
    long = tree_attention.LONG
    first, second = (1, *[2] * long), (1, *[3] * (long + 5))
    (piece,) = TokenTree([TokenRow((*first, 0), 1), TokenRow((*second, 0), 1)]).pieces(10_000)
    chains = [(begin, end, keys.tolist()) for begin, end, keys in chains_of(piece)]
    assert chains == [
        (0, long + 1, list(range(long + 1))),
        (long + 1, 2 * long + 6, [0, *range(long + 1, 2 * long + 6)]),
    ]
    # Three quarters of a chain behind the cache leave a quarter, and most of its triangle would be waste.
    rest = list(TokenTree([TokenRow((*range(4 * long), 0), 1)]).pieces(3 * long))
    assert [len(chains_of(piece)) for piece in rest] == [1, 0]


def test_scores_of_long_texts_are_those_of_plain_scoring_and_the_same_bits_again() -> None:
    import transformers

    torch.manual_seed(0)
    model: Any = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=50, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=4096, initializer_range=0.3,
        )
    ).eval()  # fmt: skip
    draw = torch.Generator().manual_seed(1)
    texts = [torch.randint(0, 50, (size,), generator=draw).tolist() for size in (1500, 700, 2000, 90)]
    rows = {number: [TokenRow((0, *text), len(text))] for number, text in enumerate(texts)}
    runs: list[dict[int, float]] = []
    for budget in (4096, 4096, 1024):
        scorer = TreeScorer(model, device="cpu")
        runs.append({i: s[0].logprob for batch in scorer.scores(rows, budget, ()) for i, s in batch.items()})
    assert runs[0] == runs[1]
    plain = PlainScorer(model, MemoryGuard("cpu"), device="cpu", pad=0)
    wanted = {i: s[0].logprob for batch in plain.scores(rows, 4096, ()) for i, s in batch.items()}
    for run in runs:
        assert run == pytest.approx(wanted, rel=1e-6, abs=1e-3)
