"""The interface of a loaded checkpoint: it scores token rows, and continues prompts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from lsm_eval.inference.generating.generation import Continuation, Prompt
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.scoring.plain import SequenceScore


class Network(Protocol):
    """One family of architectures: decoder-only, encoder-decoder, masked."""

    ledger: Ledger

    @property
    def details(self) -> Mapping[str, str]:
        """How it was run, for the record, such as `engine`."""
        ...

    def score(
        self, rows: Mapping[int, Sequence[Any]], known: Collection[int]
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        """Scores of each request's rows, as requests become complete; `known` requests are left out, which does not change the
        results of the others. The rows come from the family's encoder."""
        ...

    def generate(
        self, prompts: Mapping[int, Prompt], known: Collection[int]
    ) -> Iterator[dict[int, Continuation]]:
        """Continuations by request, as they become complete. Raises `UserError` for a family that generates no text."""
        ...


@runtime_checkable
class Detailed(Protocol):
    """A network that can return the likelihood of each token."""

    def score_detailed(
        self, rows: Mapping[int, Sequence[Any]], known: Collection[int]
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        """See `Network.score`; with `SequenceScore.detail`."""
        ...
