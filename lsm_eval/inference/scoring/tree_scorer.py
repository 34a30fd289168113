"""Runs the pieces of a token tree through a decoder-only transformer and collects the scores."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import numpy as np

from lsm_eval.inference.fast_linear import fast_linears
from lsm_eval.inference.ledger import Ledger, Work
from lsm_eval.inference.memory import with_less_each_time
from lsm_eval.inference.scoring import head
from lsm_eval.inference.scoring.plain import SequenceScore, TokenRow, layer_count
from lsm_eval.inference.scoring.sums import Sums
from lsm_eval.inference.scoring.tree import Piece, TokenTree, group_rows
from lsm_eval.inference.scoring.tree_attention import TreeMask, attending, tree_attention

Kernel = Literal["blocks", "flex", "mask"]
"""How layers attend. `blocks`: through transformers' attention interface, each block of queries to the keys that it sees.
`flex`: the same by FlexAttention. `mask`: with one dense mask for the layers' own attention."""


class TreeScorer:
    """Scores rows so that every unique token goes through the model once."""

    def __init__(
        self,
        model: Any,
        *,
        device: str,
        ledger: Ledger | None = None,
        kernel: Kernel = "blocks",
    ) -> None:
        self._model, self._device, self._kernel = model, device, kernel
        self._ledger = ledger or Ledger()

    def scores(
        self, rows: Mapping[int, Sequence[TokenRow]], budget: int, known: Collection[int]
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        """Scores of each request's rows, as requests become complete; `known` requests are left out.

        If memory runs out, the rest is computed with half the budget.
        """
        yield from with_less_each_time(
            lambda left, tokens: self._scores(left, tokens, known), rows, budget, self._device
        )

    def _scores(
        self, rows: Mapping[int, Sequence[TokenRow]], budget: int, known: Collection[int]
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        with self._ledger.planning():
            flat, owner = group_rows(rows)
            tree = TokenTree(flat)
            sums = Sums(rows, flat, owner, known)
            known_rows = [number for number, request in enumerate(owner) if request in known]
            pieces = tree.pieces(budget, known_rows, fill=_by_themselves(self._model))
            self._ledger.unique_tokens += tree.unique_tokens
            self._ledger.rows_needed += tree.unique_points
        cache = self._new_cache()
        attention = tree_attention(self._model) if self._kernel != "mask" else nullcontext()
        with attention, fast_linears(self._model):
            while True:
                with self._ledger.planning():
                    piece = next(pieces, None)
                if piece is None:
                    return
                start = time.perf_counter()
                logprobs, hits = self._run(piece, cache)
                finished = sums.add(piece.rows, logprobs, hits)
                self._ledger.score.seconds += time.perf_counter() - start
                if finished:
                    yield finished

    def _run(self, piece: Piece, cache: Any) -> tuple[list[float], list[bool]]:
        """Log-probability, and whether it is the likeliest token, for each of the piece's points."""
        import torch

        device, work = self._device, self._ledger.score
        inputs: dict[str, Any] = {
            "input_ids": torch.from_numpy(piece.tokens)[None].to(device),
            "position_ids": torch.from_numpy(piece.depths)[None].to(device),
            "past_key_values": cache,
            "use_cache": True,
        }
        scope: AbstractContextManager[None] = nullcontext()
        if self._kernel != "mask":
            mask = TreeMask(piece, next(self._model.parameters()).dtype, device, flex=self._kernel == "flex")
            scope = attending(mask)
        else:
            inputs["attention_mask"] = self._dense_mask(piece, work)
        with torch.inference_mode():
            with scope:
                output = head.body(self._model)(**inputs)
            if self._kernel != "mask":
                work.pairs += mask.pairs
            keep = torch.from_numpy(piece.keep).to(device)
            for layer in cache.layers:
                layer.keys, layer.values = (
                    layer.keys.index_select(2, keep),
                    layer.values.index_select(2, keep),
                )
            work.tokens += len(piece.tokens)
            work.passes += 1
            if not len(piece.at):
                return [], []
            places, rows = np.unique(piece.at, return_inverse=True)
            work.rows += len(places)
            return head.statistics(
                self._model,
                output,
                *(torch.from_numpy(array).to(device) for array in (places, rows, piece.targets)),
            )

    def _dense_mask(self, piece: Piece, work: Work) -> Any:
        import torch

        dtype = next(self._model.parameters()).dtype
        seen = piece.mask()
        work.pairs += int(seen.sum()) * layer_count(self._model)
        mask = torch.zeros((1, 1, *seen.shape), dtype=dtype)
        mask[0, 0].masked_fill_(~torch.from_numpy(seen), torch.finfo(dtype).min)
        return mask.to(self._device)

    def _new_cache(self) -> Any:
        from transformers import DynamicCache

        # Without the configuration every layer keeps all tokens; windows are applied by the mask.
        return DynamicCache()


def _by_themselves(model: Any) -> bool:
    """Whether tokens of a batch do not affect each other's numbers (`TokenTree.pieces`): not where experts compute them in groups, nor with
    quantised weights, whose kernels may scale by the largest number of a batch."""
    import torch

    if getattr(model, "is_quantized", False) or getattr(model.config, "quantization_config", None):
        return False
    if any(type(weights.data) is not torch.Tensor for weights in model.parameters()):
        return False
    return not any("expert" in name or "moe" in name for name, _ in model.named_modules())
