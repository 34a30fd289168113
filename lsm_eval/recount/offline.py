"""Recomputes the numbers of an offline profile's cell from its raw batches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def value(metric: str, conditions: Mapping[str, Any], rows: pd.DataFrame) -> float | None:
    """The value of a metric over the batches `rows`; None if it is unknown or cannot be recomputed."""
    batch, phase = conditions.get("batch"), conditions.get("phase")
    if not isinstance(batch, int) or phase not in ("prefill", "decode"):
        return None
    requests = float(batch) * len(rows)
    seconds, read, written = (_sum(rows, name) for name in ("seconds", "prompt_tokens", "output_tokens"))
    joules = rows[rows["joules"].notna()]
    tokens = _sum(joules, "prompt_tokens" if phase == "prefill" else "output_tokens")
    known = rows[rows[f"{phase}_flops"].notna() & rows[f"{phase}_seconds"].notna()]
    passes = rows[rows["decode_seconds"].notna() & rows["decode_tokens"].notna()]
    ratios = {
        "input_tokens_per_second": (read, seconds),
        "output_tokens_per_second": (written, seconds),
        "total_tokens_per_second": (read + written, seconds),
        "requests_per_second": (requests, seconds),
        "latency": (seconds, float(len(rows))),
        "decode_tokens_per_second": (_sum(passes, "decode_tokens"), _sum(passes, "decode_seconds")),
        "time_per_output_token": (_sum(passes, "decode_seconds") * batch, _sum(passes, "decode_tokens")),
        "flops_per_second": (_sum(known, f"{phase}_flops"), _sum(known, f"{phase}_seconds")),
        "bytes_per_second": (_sum(known, "decode_bytes"), _sum(known, "decode_seconds")),
        "joules_per_token": (_sum(joules, "joules"), tokens),
        "joules_per_request": (_sum(joules, "joules"), float(batch) * len(joules)),
        "joules_per_1000_requests": (1000 * _sum(joules, "joules"), float(batch) * len(joules)),
    }
    if metric in ratios:
        above, below = ratios[metric]
        return above / below if below else None
    if metric in ("peak_memory", "peak_device_memory"):
        most = rows[metric].max()
        return None if math.isnan(most) else float(most)
    if metric == "flops_share":
        return _share(known[f"{phase}_flops"], known[f"{phase}_seconds"] * known["reach_flops"])
    if metric == "bandwidth_share":
        return _share(known["decode_bytes"], known["decode_seconds"] * known["reach_bytes"])
    return None


def _share(parts: pd.Series[float], wholes: pd.Series[float]) -> float | None:
    """The share over all batches; NaN if a batch exceeds the machine's limit, since no share is valid then."""
    known = [
        (float(part), float(whole))
        for part, whole in zip(parts, wholes, strict=True)
        if part > 0 and whole > 0
    ]
    if any(part > whole for part, whole in known):
        return math.nan
    return math.fsum(part for part, _ in known) / math.fsum(whole for _, whole in known) if known else None


def _sum(rows: pd.DataFrame, column: str) -> float:
    return math.fsum(float(value) for value in rows[column].dropna())
