"""A loaded checkpoint as the requests need it: token rows in, scores out; prompts in, continuations out."""

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
        """What a reader of the record needs to know of how it was run, such as `engine`."""
        ...

    def score(
        self, rows: Mapping[int, Sequence[Any]], known: Collection[int]
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        """Scores of each request's rows, as requests become complete; `known` requests are left out, and the
        others computed as if none were known. The family's own encoder made the rows."""
        ...

    def generate(
        self, prompts: Mapping[int, Prompt], known: Collection[int]
    ) -> Iterator[dict[int, Continuation]]:
        """Continuations by request, as they become complete. Raises `UserError` for a family that writes no
        text."""
        ...


@runtime_checkable
class Detailed(Protocol):
    """A network whose scores can say of each token how likely it is."""

    def score_detailed(
        self, rows: Mapping[int, Sequence[Any]], known: Collection[int]
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        """As `Network.score`, with `SequenceScore.detail`."""
        ...
