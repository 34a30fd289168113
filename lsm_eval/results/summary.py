"""A short summary of what a run did, for a terminal or a page; it has only what was measured."""

from __future__ import annotations

from collections.abc import Iterator

from lsm_eval.results.cost_summary import cost_summary
from lsm_eval.results.latency_summary import latency_summary
from lsm_eval.results.model_rows import ServerRow
from lsm_eval.results.schema import Manifest
from lsm_eval.results.work_rows import Work

_SHOWN_SECONDS = 0.05  # shorter phases would show as 0.0


def work_summary(manifest: Manifest) -> dict[str, str]:
    """One line each for `tokens`, `vocabulary rows`, `speed`, `latency`, `time`, `memory`, `store`, `servers` and `cost`, if
    known; empty for an early record."""
    work = manifest.work
    if work is None:
        return {}
    lines = {
        "tokens": _tokens(work),
        "vocabulary rows": _rows(work),
        "speed": ", ".join(_speeds(work)),
        "latency": latency_summary(manifest.latency),
        "time": _time(manifest, work),
        "memory": _memory(work),
        "store": _store(work),
        "servers": "; ".join(map(_server, manifest.model.servers)),
        "cost": cost_summary(manifest.cost),
    }
    return {name: text for name, text in lines.items() if text}


def _tokens(work: Work) -> str:
    if not work.tokens_computed and work.store_hits:
        return ""  # the line on the store says so
    parts = []
    if work.tokens_asked is not None:
        parts.append(f"{work.tokens_asked:,} asked")
        if work.tokens_from_store:
            parts.append(f"{work.tokens_from_store:,} of them answered from the store")
    if work.tokens_computed is not None:
        ratio = f" ({_times(work.tokens_ratio)})" if work.tokens_ratio else ""
        parts.append(f"{work.tokens_computed:,} computed{ratio}")
    if work.padding_share is not None:
        parts.append(f"padding {100 * work.padding_share:.1f} %")
    return ", ".join(parts)


def _times(ratio: float) -> str:
    return f"{ratio:.1f} times fewer" if ratio >= 1 else f"{1 / ratio:.2f} times as many"


def _server(row: ServerRow) -> str:
    faults = "".join(f", {count:,} × {name}" for name, count in row.faults.items())
    outs = f", {row.outs:,} × gone" if row.outs else ""
    limits = [change.limit for change in row.limits]
    cuts = sum(change.why.partition(",")[0] not in ("start", "grown", "told") for change in row.limits)
    most = f", up to {max(limits):.0f} at once, {cuts:,} × cut" if limits else ""
    return f"{row.url} {row.answered:,} answered{faults}{outs}{most}"


def _rows(work: Work) -> str:
    if work.rows_computed is None:
        return ""
    needed = f", {work.rows_needed:,} needed" if work.rows_needed is not None else ""
    return f"{work.rows_computed:,} computed{needed}"


def _speeds(work: Work) -> Iterator[str]:
    product = f" of a matrix product here, {_giga(work.matmul_flops_per_second)}FLOP/s"
    for name, passes in (("scoring", work.score), ("prompts", work.prefill)):
        if passes is not None and passes.tokens_per_second is not None:
            share = _of(passes.matmul_share, product, passes.matmul_share_unknown, "a matrix product")
            if product and product in share:
                product = ""  # said once
            yield f"{name} {passes.tokens_per_second:,.0f} tokens/s{share}"
    if work.decode is not None and work.decode.tokens_per_second is not None:
        memory = f" of memory bandwidth here, {_giga(work.memory_bytes_per_second)}B/s"
        share = _of(
            work.decode.bandwidth_share, memory, work.decode.bandwidth_share_unknown, "memory bandwidth"
        )
        yield f"decoding {work.decode.tokens_per_second:,.0f} tokens/s{share}"


def _of(share: float | None, what: str, unknown: str | None, thing: str) -> str:
    """A share in brackets. A share above 100 %, as in early records, is replaced by its explanation."""
    if share is not None and share <= 1:
        return f" ({100 * share:.0f} %{what})"
    if unknown is not None:
        return f" (no share of {thing}: {unknown})"
    return "" if share is None else f" (no share of {thing}: it was measured slower than the run itself)"


def _time(manifest: Manifest, work: Work) -> str:
    parts = [
        f"{phase.name} {phase.seconds:.1f}" for phase in manifest.phases if phase.seconds >= _SHOWN_SECONDS
    ]
    return f"{work.seconds:.1f} s" + (f" ({', '.join(parts)})" if parts else "")


def _memory(work: Work) -> str:
    parts = []
    if work.peak_memory_bytes is not None:
        parts.append(f"{bytes_text(work.peak_memory_bytes)} at most")
    if work.peak_device_memory_bytes is not None:
        parts.append(f"{bytes_text(work.peak_device_memory_bytes)} on the device")
    return ", ".join(parts)


def _store(work: Work) -> str:
    if work.store_hits is None or not work.store_asked:
        return ""
    if work.store_hits == work.store_asked:
        all_of_them = f"all {work.store_hits:,} answers were" if work.store_hits > 1 else "the one answer was"
        return f"{all_of_them} there; nothing was computed"
    return f"{work.store_hits:,} of {work.store_asked:,} answers were there"


def _giga(rate: float | None) -> str:
    return "" if rate is None else f"{rate / 1e9:,.0f} G" if rate < 1e13 else f"{rate / 1e12:,.0f} T"


def bytes_text(count: int) -> str:
    """A size in readable units."""
    return f"{count / 2**30:.2f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
