"""What was computed, counted where it is computed."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Work:
    """Passes through the model for one purpose."""

    tokens: int = 0
    """Tokens that went through the model, padding left out."""
    padding: int = 0
    """Positions that went through the model and stood for nothing."""
    pairs: int = 0
    """Pairs of a token and one that it attends to, itself included, summed over the layers."""
    rows: int = 0
    """Vocabulary rows (positions of the output head) that were computed."""
    passes: int = 0
    """Forward passes."""
    seconds: float = 0.0
    """In the passes, and in what is read from their results."""


class Ledger:
    """Counts of one model since it was loaded."""

    def __init__(self) -> None:
        self.score = Work()
        """Scoring: likelihoods of given texts."""
        self.prefill = Work()
        """Generation: reading the prompts."""
        self.decode = Work()
        """Generation: one token a sequence and pass."""
        self.unique_tokens = 0
        """Scored tokens that differ from all others by themselves or by what stands before them."""
        self.rows_needed = 0
        """Distinct places whose next token is scored."""
        self.plan_seconds = 0.0
        """Making the tree, packs and batches."""
        self.encode_seconds = 0.0
        """Turning requests into tokens, once the weights are there."""
        self.check_seconds = 0.0
        """Finding out whether a faster way gives what the plain one gives."""
        self.sequences = array("d")
        """Seconds of each generated text (`inference.times`), in the order in which they ended; only where texts leave a batch when
        they end."""

    def counts(self) -> Mapping[str, float]:
        """All of it by name: `score_tokens`, `decode_seconds`, `unique_tokens` and so on."""
        found: dict[str, float] = {
            f"{purpose}_{name}": value
            for purpose in ("score", "prefill", "decode")
            for name, value in asdict(getattr(self, purpose)).items()
        }
        return {
            **found,
            "unique_tokens": self.unique_tokens,
            "rows_needed": self.rows_needed,
            "plan_seconds": self.plan_seconds,
            "encode_seconds": self.encode_seconds,
            "check_seconds": self.check_seconds,
        }

    @contextmanager
    def encoding(self) -> Iterator[None]:
        """Seconds in here are turning requests into tokens."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.encode_seconds += time.perf_counter() - start

    @contextmanager
    def checking(self) -> Iterator[None]:
        """Seconds in here are finding out whether a faster way gives what the plain one gives."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.check_seconds += time.perf_counter() - start

    @contextmanager
    def planning(self) -> Iterator[None]:
        """Seconds in here are planning."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.plan_seconds += time.perf_counter() - start
