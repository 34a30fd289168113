"""Recomputes the numbers of a serving profile's cell from the time stamps of its requests: vLLM's formulas in NumPy."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

_PERCENTILE = re.compile(r"(ttft|tpot|e2e|itl|chunk_gap)_p([0-9.]+)")
NEEDED = ("sent", "ended", "chunk_times", "chunk_tokens", "prompt_tokens", "output_tokens")


class Requests:
    """The counted requests of a cell."""

    def __init__(self, rows: pd.DataFrame, objective: Mapping[str, float] | None) -> None:
        """`objective`: limits in seconds for `ttft`, `tpot` and `e2e`. Raises TypeError or ValueError if a column has unexpected values."""
        self._number, self._objective = len(rows), objective
        ended = [float(value) for value in rows["ended"].dropna()]
        self._seconds = max(ended, default=0.0)
        self._whole = [
            (float(sent), [float(at) for at in times], [int(count) for count in counts], _count(read), _count(written))
            for sent, times, counts, read, written, failure in zip(
                rows["sent"], rows["chunk_times"], rows["chunk_tokens"], rows["prompt_tokens"], rows["output_tokens"], rows["failure"],
                strict=True,
            )
            if failure is None or failure != failure
            if len(times)
        ]  # fmt: skip

    def value(self, metric: str) -> float | None:
        """The value of a metric; None if it is unknown or cannot be recomputed."""
        found = _PERCENTILE.fullmatch(metric)
        if found:
            values = self._times(found[1])
            return float(np.percentile(values, float(found[2]))) if values else None
        if metric == "error_rate":
            return (self._number - len(self._whole)) / self._number if self._number else None
        amount: float | None = None
        if metric == "requests_per_second":
            amount = len(self._whole)
        elif metric in ("input_tokens_per_second", "output_tokens_per_second", "total_tokens_per_second"):
            amount = self._tokens(metric.partition("_")[0])
        elif metric in ("goodput", "attainment") and self._objective:
            amount = self._good(self._objective)
            if metric == "attainment":
                return None if amount is None or not self._number else amount / self._number
        return amount / self._seconds if amount is not None and self._seconds > 0 else None

    def _tokens(self, kind: str) -> float | None:
        read = [one[3] for one in self._whole]
        written = [one[4] for one in self._whole]
        wanted = {"input": read, "output": written, "total": read + written}[kind]
        return None if any(count is None for count in wanted) else math.fsum(count or 0 for count in wanted)

    def _times(self, name: str) -> list[float]:
        if name == "ttft":
            return [times[0] - sent for sent, times, *_ in self._whole]
        if name == "e2e":
            return [times[-1] - sent for sent, times, *_ in self._whole]
        if name == "tpot":
            return [
                (times[-1] - times[0]) / (written - 1)
                for _, times, _, _, written in self._whole
                if written is not None and written > 1
            ]
        if name == "chunk_gap":
            return [float(gap) for _, times, *_ in self._whole for gap in np.diff(times)]
        gaps: list[float] = []
        for _, times, counts, *_ in self._whole:
            # Each token arrives at the time of its chunk.
            gaps += np.diff(np.repeat(times, counts)).tolist() if len(counts) == len(times) else []
        return gaps

    def _good(self, objective: Mapping[str, float]) -> int | None:
        good = 0
        for sent, times, _, _, written in self._whole:
            if "tpot" in objective and written is None:
                return None
            own = {
                "ttft": times[0] - sent,
                "e2e": times[-1] - sent,
                "tpot": (times[-1] - times[0]) / (written - 1)
                if written is not None and written > 1
                else 0.0,
            }
            good += all(own[name] <= limit for name, limit in objective.items() if name in own)
        return good


def _count(value: Any) -> int | None:
    return None if value is None or value != value else int(value)
