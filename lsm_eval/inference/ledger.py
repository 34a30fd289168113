"""Counts what is computed."""

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
    """Tokens that went through the model, without padding."""
    padding: int = 0
    """Positions of padding that went through the model."""
    pairs: int = 0
    """Pairs of a token and one that it attends to, itself included, summed over the layers."""
    rows: int = 0
    """Rows of logits (positions of the output head) that were computed."""
    passes: int = 0
    """Forward passes."""
    seconds: float = 0.0
    """Time of the passes, and of reading their results."""


class Ledger:
    """The counts of one model since it was loaded."""

    def __init__(self) -> None:
        self.score = Work()
        """Scoring: likelihoods of given texts."""
        self.prefill = Work()
        """Generation: reading the prompts."""
        self.decode = Work()
        """Generation: one token per sequence and pass."""
        self.unique_tokens = 0
        """Scored tokens that differ from all others by themselves or by what precedes them."""
        self.rows_needed = 0
        """Distinct places whose next token is scored."""
        self.plan_seconds = 0.0
        """Time of making the tree, packs and batches."""
        self.encode_seconds = 0.0
        """Time of tokenizing requests, after the weights are loaded."""
        self.check_seconds = 0.0
        """Time of checking that faster methods give the same results as the plain one."""
        self.sequences = array("d")
        """Seconds of each generated text (`inference.times`), in the order in which they ended; only if texts leave a batch when they
        end."""

    def counts(self) -> Mapping[str, float]:
        """All counts by name: `score_tokens`, `decode_seconds`, `unique_tokens` and so on."""
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
        """Counts the time in this context as tokenizing requests."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.encode_seconds += time.perf_counter() - start

    @contextmanager
    def checking(self) -> Iterator[None]:
        """Counts the time in this context as checking faster methods."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.check_seconds += time.perf_counter() - start

    @contextmanager
    def planning(self) -> Iterator[None]:
        """Counts the time in this context as planning."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.plan_seconds += time.perf_counter() - start
