"""Decoder-only models: scored in a token tree where that gives the same, continued in batches."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.inference.generation import Continuation, Prompt, continue_prompts
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.memory import MemoryGuard
from lsm_eval.inference.place import Place
from lsm_eval.inference.plan import PlainScorer
from lsm_eval.inference.scoring import SequenceScore, TokenRow
from lsm_eval.inference.tree_scoring import TreeScorer, attention_chunk, attention_window

_CPU_TOKENS = 512
_ACCELERATOR_TOKENS = 8192


class DecoderNetwork:
    """A causal language model of transformers."""

    def __init__(self, model: Any, config: Any, place: Place) -> None:
        self._model, self._config, self._place = model, config, place
        self._memory = MemoryGuard(place.device)
        self._details: dict[str, str] = {}
        self.ledger = Ledger()

    @property
    def details(self) -> Mapping[str, str]:
        """`engine`: how scoring was done, and why if not in the tree."""
        return self._details

    def score(
        self, rows: Mapping[int, Sequence[TokenRow]], known: Collection[int]
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        """See `Network.score`."""
        yield from self._scorer(rows).scores(rows, self._budget(), known)

    def generate(
        self, prompts: Mapping[int, Prompt], known: Collection[int]
    ) -> Iterator[dict[int, Continuation]]:
        """See `Network.generate`."""
        yield from continue_prompts(
            self._model, prompts, known, place=self._place, memory=self._memory, ledger=self.ledger
        )

    def _scorer(self, rows: Mapping[int, Sequence[TokenRow]]) -> TreeScorer | PlainScorer:
        """The token tree where it agrees with plain scoring on this model, else plain scoring."""
        place = self._place
        plain = PlainScorer(self._model, self._memory, device=place.device, pad=place.pad, ledger=self.ledger)
        if place.engine == "plain":
            return plain
        tree = TreeScorer(
            self._model, device=place.device, pad=place.pad, dtype=place.dtype, ledger=self.ledger
        )
        flat = [row for own in rows.values() for row in own]
        longest = max(len(row.tokens) for row in flat)
        if attention_chunk(self._config, longest):
            why: str | None = "its layers attend within chunks shorter than the longest sequence"
        else:
            why = tree.agrees(flat, attention_window(self._config, longest))
        if why and place.engine == "tree":
            raise UserError(f"--engine tree: {place.name} cannot be scored so, {why}; use --engine auto.")
        self._details["engine"] = f"plain, because {why}" if why else "tree"
        return plain if why else tree

    def _budget(self) -> int:
        if self._place.batch_tokens is not None:
            return self._place.batch_tokens
        return _CPU_TOKENS if self._place.device == "cpu" else _ACCELERATOR_TOKENS
