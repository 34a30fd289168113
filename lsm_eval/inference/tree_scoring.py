"""Runs the pieces of a token tree through a decoder-only transformer and gathers the scores."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.memory import out_of_memory, release
from lsm_eval.inference.scoring import SequenceScore, TokenRow, only_rows, row_statistics, score_sequences
from lsm_eval.inference.tree import Piece, TokenTree, group_rows

_LEAST_BUDGET = 16
_CHECK_ROWS = 4
_CHECK_TOKENS = 64  # of each row that the self-check looks at
_TOLERANCE = {"float32": 1e-3, "bfloat16": 0.25, "float16": 0.05}
"""Largest difference of a token's log-probability that the dtype's rounding explains."""


class TreeScorer:
    """Scores rows so that every unique token goes through the model once."""

    def __init__(
        self, model: Any, *, device: str, pad: int, dtype: str, ledger: Ledger | None = None
    ) -> None:
        self._model, self._device, self._pad, self._dtype = model, device, pad, dtype
        self._ledger = ledger or Ledger()

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

    def _scores(
        self, rows: Mapping[int, Sequence[TokenRow]], budget: int, known: Collection[int]
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        flat, owner = group_rows(rows)
        tree = TokenTree(flat)
        known_rows = {number for number, request in enumerate(owner) if request in known}
        sums = [0.0] * len(flat)
        greedy = [True] * len(flat)
        left = [row.scored for row in flat]
        waiting = {request: sum(row.scored for row in own) for request, own in rows.items()}
        first: dict[int, int] = {}
        for number, request in enumerate(owner):
            first.setdefault(request, number)
        cache = self._new_cache()
        for piece in tree.pieces(budget, known_rows):
            results = self._run(piece, cache)
            finished: list[int] = []
            for point, (logprob, best) in zip(piece.points, results, strict=True):
                sums[point.row] += logprob
                greedy[point.row] &= best
                left[point.row] -= 1
                request = owner[point.row]
                waiting[request] -= 1
                if not waiting[request] and request not in known:
                    finished.append(request)
            if finished:
                yield {
                    request: [
                        SequenceScore(sums[at], greedy[at])
                        for at in range(first[request], first[request] + len(rows[request]))
                    ]
                    for request in finished
                }

    def agrees(self, rows: Sequence[TokenRow]) -> str | None:
        """None if tree and plain scoring give the same on some of `rows`, else what differs, in words."""
        step = max(len(rows) // _CHECK_ROWS, 1)
        some = [*rows[:2], *rows[2::step]][:_CHECK_ROWS]  # the first two share a context where any do
        heads = [row.tokens[: _CHECK_TOKENS + 1] for row in some]
        chosen = [TokenRow(tokens, min(len(tokens) - 1, 8)) for tokens in heads]
        try:
            by_tree = {}
            # Small pieces, so that a cached trunk, packs and repeated runs are all seen.
            for batch in self.scores({at: [row] for at, row in enumerate(chosen)}, 48, ()):
                by_tree.update({at: scores[0] for at, scores in batch.items()})
        except (TypeError, AttributeError, ValueError, LookupError, RuntimeError) as error:
            # Whatever a model that knows no such masks or caches trips over; plain scoring is there for it.
            return f"it takes no tree of tokens ({type(error).__name__}: {str(error)[:120]})"
        tolerance = _TOLERANCE.get(self._dtype, 0.05)
        for at, row in enumerate(chosen):
            (plain,) = score_sequences(self._model, [row], device=self._device, pad=self._pad)
            apart = abs(plain.logprob - by_tree[at].logprob)
            if not (math.isnan(plain.logprob) or apart <= tolerance * max(1.0, math.sqrt(row.scored))):
                return f"log-probabilities differ by {apart:.3g}"
        return None

    def _run(self, piece: Piece, cache: Any) -> list[tuple[float, bool]]:
        """Log-probability, and whether it is the likeliest token, for each of the piece's points."""
        import torch

        device = self._device
        size = len(piece.tokens)
        # What hung below an earlier trunk is done: its tokens leave the cache.
        if (over := cache.get_seq_length() - piece.prefix) > 0:
            cache.crop(-over)
        dtype = next(self._model.parameters()).dtype
        mask = torch.zeros((1, 1, size, piece.prefix + size), dtype=dtype)
        mask[0, 0, :, piece.prefix :].masked_fill_(~torch.from_numpy(piece.mask()), torch.finfo(dtype).min)
        places = sorted({point.at for point in piece.points})
        index = {at: i for i, at in enumerate(places)}
        # The head wants at least one row; a trunk without points throws it away.
        flat = torch.tensor(places or [0], dtype=torch.long, device=device)
        with torch.inference_mode(), only_rows(self._model, flat):
            logits = self._model(
                input_ids=torch.from_numpy(piece.tokens)[None].to(device),
                position_ids=torch.from_numpy(piece.depths)[None].to(device),
                attention_mask=mask.to(device),
                past_key_values=cache,
                use_cache=True,
            ).logits[0]
        if not piece.keep:
            cache.crop(-size)  # versions of transformers agree on what a negative number means
        work = self._ledger.score
        work.tokens += size
        work.rows += len(places)
        work.passes += 1
        if not piece.points:
            return []
        rows = torch.tensor([index[point.at] for point in piece.points], dtype=torch.long, device=device)
        targets = torch.tensor([point.token for point in piece.points], dtype=torch.long, device=device)
        logprobs, hits = row_statistics(logits, rows, targets)
        return list(zip(logprobs, hits, strict=True))

    def _new_cache(self) -> Any:
        from transformers import DynamicCache

        # Without the configuration every layer keeps all tokens: a window that a layer may have is checked
        # before the tree is used (`fits_window`).
        return DynamicCache()


def fits_window(config: Any, longest: int) -> bool:
    """Whether no layer's attention window is shorter than the longest sequence."""
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    window = getattr(text, "sliding_window", None)
    used = getattr(text, "use_sliding_window", True)
    return not (used and isinstance(window, int) and longest > window)
