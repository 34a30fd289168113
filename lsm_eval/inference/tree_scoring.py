"""Runs the pieces of a token tree through a decoder-only transformer and gathers the scores."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import numpy as np

from lsm_eval.errors import UserError
from lsm_eval.inference import head
from lsm_eval.inference.ledger import Ledger, Work
from lsm_eval.inference.memory import out_of_memory, release
from lsm_eval.inference.scoring import SequenceScore, TokenRow, layer_count, score_sequences
from lsm_eval.inference.tree import Piece, TokenTree, group_rows
from lsm_eval.inference.tree_attention import TreeMask, attending, tree_attention, windows_seen

_LEAST_BUDGET = 16
_CHECK_ROWS = 3
_CHECK_TOKENS = 48  # of each row that the self-check looks at
_CHECK_BUDGET = 64  # small pieces, so that tokens are cached, kept and dropped
_TOLERANCE = {"float32": 1e-3, "bfloat16": 0.25, "float16": 0.05}
"""Largest difference of a token's log-probability that the dtype's rounding explains."""

Kernel = Literal["blocks", "mask"]
"""How layers attend: each block of queries to the keys that it sees, through transformers' attention interface,
or one dense mask for the layers' own attention."""


class TreeScorer:
    """Scores rows so that every unique token goes through the model once."""

    def __init__(
        self,
        model: Any,
        *,
        device: str,
        pad: int,
        dtype: str,
        ledger: Ledger | None = None,
        kernel: Kernel = "blocks",
    ) -> None:
        self._model, self._device, self._pad, self._dtype = model, device, pad, dtype
        self._ledger = ledger or Ledger()
        self.kernel: Kernel = kernel

    def scores(
        self, rows: Mapping[int, Sequence[TokenRow]], budget: int, known: Collection[int]
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        """Scores of each request's rows, as requests become complete; `known` requests are left out.

        Where memory runs out, what is left goes on with half the budget.
        """
        left = dict(rows)
        while True:
            try:
                for batch in self._scores(left, budget, known):
                    yield batch
                    for request in batch:
                        del left[request]
                return
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
            release(self._device)
            if budget <= _LEAST_BUDGET:
                raise UserError(
                    f"not enough memory on {self._device} for {budget} tokens at a time: use a smaller model, "
                    "another --device or --dtype, or leave out tasks with long texts; what was answered is kept."
                )
            budget = max(budget // 2, _LEAST_BUDGET)

    def agrees(self, rows: Sequence[TokenRow], window: int | None = None) -> str | None:
        """None if tree and plain scoring give the same on some of `rows`, else what differs, in words.

        `window` is a layer's attention window that some row is longer than: such a row is looked at too. Takes
        the kernel that works on this model.
        """
        chosen = _check_rows(rows, window)
        plain = score_sequences(self._model, chosen, device=self._device, pad=self._pad)
        why = None
        for kernel in ("blocks", "mask"):
            self.kernel = kernel
            found = self._differs(chosen, plain, window)
            if found is None:
                return None
            why = why or found
        return why

    def _differs(
        self, chosen: Sequence[TokenRow], plain: Sequence[SequenceScore], window: int | None
    ) -> str | None:
        if window is not None and self.kernel != "blocks":
            return "a layer's attention window is shorter than the longest sequence"
        trial = TreeScorer(
            self._model, device=self._device, pad=self._pad, dtype=self._dtype, kernel=self.kernel
        )
        by_tree: dict[int, SequenceScore] = {}
        try:
            for batch in trial.scores({at: [row] for at, row in enumerate(chosen)}, _CHECK_BUDGET, ()):
                by_tree.update({at: scores[0] for at, scores in batch.items()})
        except (TypeError, AttributeError, ValueError, LookupError, RuntimeError) as error:
            # Whatever a model that knows no such masks or caches trips over; other ways are there for it.
            return f"it takes no tree of tokens ({type(error).__name__}: {str(error)[:120]})"
        if window is not None and window not in windows_seen():
            return f"its layers do not say that they attend to {window} tokens only"
        tolerance = _TOLERANCE.get(self._dtype, 0.05)
        for at, (row, one) in enumerate(zip(chosen, plain, strict=True)):
            apart = abs(one.logprob - by_tree[at].logprob)
            if not (math.isnan(one.logprob) or apart <= tolerance * max(1.0, math.sqrt(row.scored))):
                return f"log-probabilities differ by {apart:.3g}"
        return None

    def _scores(
        self, rows: Mapping[int, Sequence[TokenRow]], budget: int, known: Collection[int]
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        with self._ledger.planning():
            flat, owner = group_rows(rows)
            tree = TokenTree(flat)
            sums = _Sums(rows, flat, owner, known)
            known_rows = [number for number, request in enumerate(owner) if request in known]
            pieces = tree.pieces(budget, known_rows)
            self._ledger.unique_tokens += tree.unique_tokens
            self._ledger.rows_needed += tree.unique_points
        cache = self._new_cache()
        with tree_attention(self._model) if self.kernel == "blocks" else nullcontext():
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
        if self.kernel == "blocks":
            mask = TreeMask(piece, next(self._model.parameters()).dtype, device)
            scope = attending(mask)
        else:
            inputs["attention_mask"] = self._dense_mask(piece, work)
        with torch.inference_mode():
            with scope:
                output = head.body(self._model)(**inputs)
            if self.kernel == "blocks":
                work.pairs += mask.pairs
            keep = torch.from_numpy(piece.keep).to(device)
            for layer in cache.layers:
                layer.keys, layer.values = layer.keys.index_select(2, keep), layer.values.index_select(2, keep)
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

        # Without the configuration every layer keeps all tokens: windows are the mask's business.
        return DynamicCache()


class _Sums:
    """Scores of rows in the making, and which requests are complete."""

    def __init__(
        self,
        rows: Mapping[int, Sequence[TokenRow]],
        flat: Sequence[TokenRow],
        owner: Sequence[int],
        known: Collection[int],
    ) -> None:
        self._rows, self._known = rows, known
        self._logprobs = np.zeros(len(flat))
        self._greedy = np.ones(len(flat), dtype=bool)
        self._owner = owner
        self._waiting = {request: sum(row.scored for row in own) for request, own in rows.items()}
        self._first: dict[int, int] = {}
        for number, request in enumerate(owner):
            self._first.setdefault(request, number)

    def add(
        self, rows: np.ndarray[Any, Any], logprobs: Sequence[float], hits: Sequence[bool]
    ) -> dict[int, list[SequenceScore]]:
        """Requests that these points complete, and the scores of their rows."""
        np.add.at(self._logprobs, rows, logprobs)
        np.logical_and.at(self._greedy, rows, hits)
        done: dict[int, list[SequenceScore]] = {}
        for number in rows.tolist():
            request = self._owner[number]
            self._waiting[request] -= 1
            if not self._waiting[request] and request not in self._known:
                first = self._first[request]
                done[request] = [
                    SequenceScore(float(self._logprobs[at]), bool(self._greedy[at]))
                    for at in range(first, first + len(self._rows[request]))
                ]
        return done


def _check_rows(rows: Sequence[TokenRow], window: int | None) -> list[TokenRow]:
    """A few rows cut to a few tokens, whose last eight are scored."""
    step = max(len(rows) // _CHECK_ROWS, 1)
    some = [*rows[:2], *rows[2::step]][:_CHECK_ROWS]  # the first two share a context where any do
    heads = [row.tokens[: _CHECK_TOKENS + 1] for row in some]
    if window is not None:
        longest = max(rows, key=lambda row: len(row.tokens))
        heads.append(longest.tokens[: window + 33])
    return [TokenRow(tokens, min(len(tokens) - 1, 8)) for tokens in heads]


def attention_window(config: Any, longest: int) -> int | None:
    """The attention window of some layer that is shorter than `longest` tokens; None if there is none."""
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    window = getattr(text, "sliding_window", None)
    used = getattr(text, "use_sliding_window", True)
    return window if used and isinstance(window, int) and longest > window else None


def attention_chunk(config: Any, longest: int) -> bool:
    """Whether layers attend within chunks that are shorter than `longest` tokens, as Llama 4's do."""
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    chunk = getattr(text, "attention_chunk_size", None)
    return isinstance(chunk, int) and longest > chunk
