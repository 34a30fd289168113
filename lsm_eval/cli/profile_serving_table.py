"""Prints a serving profile on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lsm_eval.results.profile_rows import CellRow, MeasuredRow, ProfileRow

_DASH = "-"
_TIMES = (("ttft", "TTFT"), ("tpot", "TPOT"), ("itl", "ITL"), ("e2e", "E2E"))


def serving_lines(profile: ProfileRow, room: int | None = None) -> list[str]:
    """The numbers in at most 80 columns: rates, then times as p50 and p99."""
    from lsm_eval.aligned import aligned

    header = ["load", "tokens/s", "req/s", "failed", *(f"{name} ms" for _, name in _TIMES), "n"]
    rows = [_row(cell) for cell in profile.cells]
    lines = list(aligned(header, rows, right=range(1, len(header)), room=room))
    lines.append("Times are p50 / p99; (p99) in brackets rests on too few requests: it needs 299.")
    if profile.client_bound:
        lines.append("* client-bound: the client may have been the limit, not the model; in no ranking.")
    for cell in profile.cells:
        kept = {one.metric: one for one in cell.metrics}.get("attainment")
        if kept is not None and kept.value is not None and kept.low is not None and kept.high is not None:
            lines.append(
                f"{_load(cell)}: {100 * kept.value:.1f} % [{100 * kept.low:.1f}, {100 * kept.high:.1f}] of the requests meet the "
                "objective."
            )
    search = profile.search
    if search is not None:
        low = "no rate was found that meets it" if search.low is None else f"met at {search.low:.4g} a second"
        high = "" if search.high is None else f", missed at {search.high:.4g}"
        lines.append(f"Objective (share {100 * search.attainment:g} %): {low}{high}.")
        if search.why:
            lines.append(f"The search ended: {search.why}.")
    lines.append(f"on {profile.machine}; cache {profile.cache}"[:200])
    return lines


def _row(cell: CellRow) -> list[str]:
    known = {one.metric: one for one in cell.metrics}
    failed = sum(cell.failures.values())
    bound = " *" if cell.check is not None and cell.check.client_bound else ""
    return [
        _load(cell) + bound,
        _value(known.get("output_tokens_per_second"), 1.0),
        _value(known.get("requests_per_second"), 1.0),
        str(failed) if failed else "",
        *(_pair(known, name) for name, _ in _TIMES),
        f"{cell.n:,}",
    ]


def _load(cell: CellRow) -> str:
    what = cell.conditions
    if what.get("loop") == "closed":
        load = f"{what.get('concurrency', '?')} at a time"
    elif what.get("loop") == "open":
        load = f"{what['rate']:g}/s" if "rate" in what else str(what.get("arrivals", "?"))
    elif what.get("loop") == "trace":
        return f"trace x{what.get('speed', 1):g}"
    else:
        load = str(what.get("loop", "?"))
    # In another tool's measurement they may be unknown, or differ between requests.
    lengths = [what.get(name) for name in ("prompt_tokens", "output_tokens")]
    if lengths == [None, None]:
        return load
    return f"{load} {'>'.join('?' if one is None else str(one) for one in lengths)}"


def _pair(known: dict[str, MeasuredRow], name: str) -> str:
    middle, far = known.get(f"{name}_p50"), known.get(f"{name}_p99")
    if middle is None or far is None or middle.value is None:
        return _DASH
    last = _value(far, 1000.0)
    return f"{_value(middle, 1000.0)} / {last if far.enough else f'({last})'}"


def _value(one: MeasuredRow | None, scale: float) -> str:
    if one is None or one.value is None:
        return _DASH
    value = one.value * scale
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
