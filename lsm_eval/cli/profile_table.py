"""Prints a profile on a terminal: one table, notes that a reader must know, and the record's path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lsm_eval.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from lsm_eval.profiling.offline.run import ProfileResult
    from lsm_eval.results.profile_rows import CellRow, MeasuredRow, ProfileRow

_DASH = "-"


def show_profile(made: ProfileResult, *, as_json: bool) -> None:
    """Print numbers on standard output, and notes on them on standard error."""
    show(made.profile, made.record, as_json=as_json)


def show_record(folder: Path, *, as_json: bool) -> None:
    """Show the profile in a record's folder, or the newest one below the folder. Raises `UserError` if there is none."""
    from lsm_eval.comparison.shown.escape import visible
    from lsm_eval.results.reader import find_records

    records, broken = find_records(folder)
    found = [record for record in records if record.manifest.profile is not None]
    if not found:
        if broken:
            raise UserError(broken[0].why)
        raise UserError(f"{folder} holds no profile: make one with `lsm-eval profile --model MODEL`.")
    newest = found[-1]
    profile = newest.manifest.profile
    assert profile is not None
    if not as_json:
        click.echo(visible(f"{newest.manifest.model.name}, {newest.manifest.run}", 200))
    show(profile, newest.folder, as_json=as_json)


def show(profile: ProfileRow, record: Path, *, as_json: bool) -> None:
    """Print a profile, and the path of its record."""
    from lsm_eval.cli.table import room
    from lsm_eval.comparison.shown.escape import visible

    if as_json:
        from lsm_eval.cli.as_json import print_json
        from lsm_eval.json_text import json_text

        print_json(json_text({"record": str(record), "profile": profile.model_dump()}))
    else:
        for line in profile_lines(profile, room()):
            click.echo(visible(line, 1_000))
    for line in doubts(profile):
        click.echo(visible(line, 1_000), err=True)
    if not as_json:
        click.echo(f"record: {record}")


def profile_lines(profile: ProfileRow, room: int | None = None) -> list[str]:
    """A profile in at most 80 columns, unless its numbers are too long; its table in at most `room`, if that is given."""
    from lsm_eval.aligned import aligned
    from lsm_eval.cli.profile_serving_table import serving_lines
    from lsm_eval.results.summary import bytes_text

    if profile.kind == "serving":
        return serving_lines(profile, room)
    header = ["phase", "batch", "prompt", "output", "tokens/s", "±", "latency s", "ms/token", "reach", "n"]
    rows = [_row(cell) for cell in profile.cells]
    lines = list(aligned(header, rows, right=range(1, len(header)), room=room))
    more = []
    if profile.load_seconds is not None:
        more.append(f"load {profile.load_seconds:.1f} s")
    if profile.peak_memory_bytes is not None:
        more.append(f"memory {bytes_text(profile.peak_memory_bytes)} at most")
    if profile.peak_device_memory_bytes is not None:
        more.append(f"{bytes_text(profile.peak_device_memory_bytes)} on the device")
    energy = profile.energy
    if energy is not None and energy.joules is not None:
        more.append(f"energy {energy.joules:,.0f} J")
    return [*lines, *([", ".join(more)] if more else []), f"on {profile.machine}; cache {profile.cache}"]


def doubts(profile: ProfileRow) -> list[str]:
    """Notes that a reader must know."""
    found = [f"{cell.title}: not measured. {cell.missing}" for cell in profile.cells if cell.missing]
    found += profile.notes
    if profile.energy is not None and profile.energy.why:
        found.append(f"No energy: {profile.energy.why}.")
    return found


def _row(cell: CellRow) -> list[str]:
    known = {one.metric: one for one in cell.metrics}
    first = cell.metrics[0] if cell.metrics else None
    share = known.get("bandwidth_share") or known.get("flops_share")
    conditions = cell.conditions
    return [
        str(conditions.get("phase", "")),
        f"{conditions.get('batch', ''):,}",
        f"{conditions.get('prompt_tokens', ''):,}",
        f"{conditions['output_tokens']:,}" if conditions.get("phase") == "decode" else "",
        _number(first, 1.0),
        _half(first),
        _number(known.get("latency"), 1.0),
        _number(known.get("time_per_output_token"), 1000.0),
        _DASH if share is None or share.value is None else f"{100 * share.value:.0f} %",
        f"{cell.n}",
    ]


def _number(one: MeasuredRow | None, scale: float) -> str:
    if one is None:
        return ""
    if one.value is None:
        return _DASH
    value = one.value * scale
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _half(one: MeasuredRow | None) -> str:
    """Half the interval, as a share of the value."""
    if one is None or one.low is None or one.high is None or not one.value:
        return _DASH
    return f"{50 * (one.high - one.low) / one.value:.0f} %"
