"""A profile counted again: its cells against estimates and tasks, and the numbers of an offline one against its raw batches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsm_eval.recount import serving
from lsm_eval.recount.files import MANIFEST, Found, short
from lsm_eval.recount.shapes import (
    Test,
    faulty,
    is_count,
    is_counts,
    is_flag,
    is_level,
    is_number,
    is_text,
    is_unit,
    is_version,
    or_null,
    shown,
)

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "profile"
_TABLES = {"offline": "repeats", "serving": "requests"}
_NEEDED = {
    "offline": (
        "cell", "warm_up", "disturbed", "seconds", "prompt_tokens", "output_tokens", "prefill_seconds", "decode_seconds",
        "decode_tokens", "prefill_flops", "decode_flops", "decode_bytes", "reach_flops", "reach_bytes", "peak_memory",
        "peak_device_memory", "joules",
    ),
    "serving": ("cell", "warm_up", "failure", *serving.NEEDED),
}  # fmt: skip
_TEXTS = ("cell", "disturbed", "failure", "chunk_times", "chunk_tokens")
_CLOCK = 2e-9
"""Seconds that a time is rounded by."""
_RELATIVE = 1e-9
_AS_IMPORTED = "none (as imported)"
_PROFILE: Mapping[str, Test] = {
    "kind": lambda value: value in _TABLES, "version": is_version, "formulas": is_text, "machine": is_text,
    "cache": lambda value: value in ("cold", "prefix-warm", "unknown"), "cells": lambda value: isinstance(value, list),
    "workload": lambda value: isinstance(value, dict) and is_text(value.get("sha256")),
}  # fmt: skip
_CELL: Mapping[str, Test] = {
    "name": is_text, "title": is_text, "conditions": lambda value: isinstance(value, dict), "listed": is_flag, "n": is_count,
    "metrics": lambda value: isinstance(value, list), "failures": is_counts, "missing": or_null(is_text),
}  # fmt: skip
_METRIC: Mapping[str, Test] = {
    "metric": is_text, "unit": is_unit, "higher_is_better": or_null(is_flag), "value": or_null(is_number),
    "low": or_null(is_number), "high": or_null(is_number), "level": is_level, "method": is_text, "n": is_count,
    "missing": is_count, "enough": is_flag,
}  # fmt: skip
_SAME = ("unit", "higher_is_better", "value", "low", "high", "level", "method", "n", "missing")
"""What an estimate has of a cell's metric."""


def check_profile(
    folder: Path, manifest: dict[str, Any], estimates: list[dict[str, Any]], found: Found, *, published: bool
) -> int:
    """How many of a profile's numbers were computed again; 0 of a record without one."""
    profile: Any = manifest.get("profile")
    if profile is None:
        if (folder / FOLDER).exists():
            found.say(f"there is a folder {FOLDER}, and {MANIFEST} says nothing of a profile.")
        return 0
    fault = faulty(profile, _PROFILE) if isinstance(profile, dict) else "it is no object"
    if fault:
        found.say(f"{MANIFEST}: the profile is no whole one: {fault}.")
        return 0
    cells = _cells(profile["cells"], found)
    if cells is None:
        return 0
    _against_estimates(profile, cells, manifest, estimates, found)
    table = _table(folder, profile, manifest, found, published=published)
    if table is None or manifest.get("imported") is not None:
        return 0  # another tool's numbers follow definitions of its own
    strangers = sorted(set(table["cell"].dropna()) - set(cells))
    if strangers:
        found.say(f"{FOLDER}: measurements are of {shown(strangers[0])}, which is no cell of the profile.")
    return sum(_recount(cell, table[table["cell"] == name], profile, found) for name, cell in cells.items())


def _cells(rows: list[Any], found: Found) -> dict[str, dict[str, Any]] | None:
    cells: dict[str, dict[str, Any]] = {}
    for place, row in enumerate(rows):
        fault = faulty(row, _CELL) if isinstance(row, dict) else "it is no object"
        if not fault:
            faults = (
                faulty(one, _METRIC) if isinstance(one, dict) else "it is no object" for one in row["metrics"]
            )
            fault = next((f"a metric is none: {one}" for one in faults if one), None)
        if fault:
            found.say(f"{MANIFEST}: profile.cells[{place}] is no whole cell: {fault}.")
            return None
        if row["name"] in cells:
            found.say(f"{MANIFEST} has the cell {shown(row['name'])} twice.")
        names = [one["metric"] for one in row["metrics"]]
        if len(set(names)) < len(names):
            found.say(f"{row['name']}: it has a metric twice.")
        if row["missing"] and names:
            found.say(f"{row['name']}: it was not measured, and has numbers.")
        for one in row["metrics"]:
            if one["unit"] == "fraction" and one["metric"].endswith("_share") and (one["value"] or 0) > 1:
                found.say(f"{row['name']}, {one['metric']}: {one['value']} is more than all there is.")
        cells[row["name"]] = row
    return cells


def _against_estimates(
    profile: dict[str, Any],
    cells: Mapping[str, dict[str, Any]],
    manifest: dict[str, Any],
    estimates: list[dict[str, Any]],
    found: Found,
) -> None:
    rows = {(str(row.get("task")), str(row.get("metric"))): row for row in estimates}
    told = {
        (f"profile_{name}", one["metric"]): (cell, one)
        for name, cell in cells.items()
        if cell["listed"]
        for one in cell["metrics"]
    }
    for (task, metric), (cell, one) in told.items():
        row = rows.get((task, metric))
        if row is None:
            found.say(f"{task}, {metric}: the profile has it, and there is no estimate of it.")
            continue
        for key in _SAME:
            if row.get(key) != one[key]:
                found.say(
                    f"{task}, {metric}: {key} is {shown(row.get(key))}, and the profile has {shown(one[key])}."
                )
        _unranked(f"{task}, {metric}", profile, cell, one, row, found)
    for task, metric in sorted(rows.keys() - told.keys(), key=str):
        found.say(f"{task}, {metric}: there is an estimate of it, and no cell of the profile.")
    tasks: dict[str, dict[str, Any]] = {own["task"]: own for own in manifest["tasks"]}
    for name, cell in cells.items():
        own = tasks.get(f"profile_{name}")
        if own is not None and (own.get("failures") or {}) != cell["failures"]:
            found.say(
                f"profile_{name}: its failures are {own.get('failures')}, and the cell has {cell['failures']}."
            )


def _unranked(
    name: str,
    profile: dict[str, Any],
    cell: dict[str, Any],
    metric: dict[str, Any],
    row: dict[str, Any],
    found: Found,
) -> None:
    """What keeps a number out of rankings has to stand in its signature."""
    check = cell.get("check")
    why = [
        word
        for word, holds in (
            ("client_bound", isinstance(check, dict) and bool(check.get("client_bound"))),
            ("stopped", profile.get("stopped") is not None),
            ("too_few", not metric["enough"]),
        )
        if holds
    ]
    said = [
        part.removeprefix("unranked:")
        for part in str(row.get("signature")).split()
        if part.startswith("unranked:")
    ]
    if said != (["+".join(why)] if why else []):
        found.say(f"{name}: its signature says unranked {said}, and the profile {why}.")


def _table(
    folder: Path, profile: dict[str, Any], manifest: dict[str, Any], found: Found, *, published: bool
) -> pd.DataFrame | None:
    import pandas as pd
    import pyarrow as pa

    path = folder / FOLDER / f"{_TABLES[profile['kind']]}.parquet"
    if not path.exists():
        if not published and manifest.get("imported") is None:
            found.say(f"{FOLDER}/{path.name} is missing.")
        return None
    try:
        with path.open("rb") as file:  # a path such as `s3:x` would be taken for an address
            table = pd.read_parquet(file)
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, MemoryError) as error:
        found.say(f"{FOLDER}/{path.name} cannot be read ({short(error)}).")
        return None
    for name in _NEEDED[profile["kind"]]:
        if name not in table:
            found.say(f"{FOLDER}/{path.name} lacks the column {name!r}.")
            return None
        if name not in _TEXTS and not _numeric(table[name]):
            found.say(f"{FOLDER}/{path.name}: the column {name!r} holds what cannot be counted.")
            return None
    return table


def _numeric(column: pd.Series[Any]) -> bool:
    from pandas.api.types import is_numeric_dtype

    return is_numeric_dtype(column) or not column.notna().any()


def _recount(cell: dict[str, Any], rows: pd.DataFrame, profile: dict[str, Any], found: Found) -> int:
    kind = profile["kind"]
    counted = rows[rows["warm_up"].fillna(False).astype(bool) == False]  # noqa: E712
    if kind == "offline":
        counted = counted[counted["disturbed"].isna()]
    failures = _failures(counted) if kind == "serving" else {}
    whole = len(counted) - sum(failures.values())
    if whole != cell["n"] and not cell["missing"]:
        found.say(f"{cell['name']}: it says that it rests on {cell['n']}, and {whole} measurements count.")
        return 0
    if kind == "serving":
        if failures != cell["failures"]:
            found.say(
                f"{cell['name']}: it says that {cell['failures']} failed, and the table has {failures}."
            )
        return _served(cell, counted, profile.get("objective"), found)
    known = [
        one for one in cell["metrics"] if not (profile["version"] == 1 and one["metric"].endswith("_share"))
    ]  # shares had another definition then
    return sum(_number(cell, one, counted, found) for one in known)


def _failures(rows: pd.DataFrame) -> dict[str, int]:
    """Requests that were not answered whole, by class; an answer without any part is `empty`."""
    found: dict[str, int] = {}
    for failure, times in zip(rows["failure"], rows["chunk_times"], strict=True):
        name = failure if isinstance(failure, str) else None if times is not None and len(times) else "empty"
        if name is not None:
            found[name] = found.get(name, 0) + 1
    return found


def _served(cell: dict[str, Any], rows: pd.DataFrame, objective: Any, found: Found) -> int:
    """How many numbers of a serving cell were computed again."""
    limits = objective if isinstance(objective, dict) and all(map(is_number, objective.values())) else None
    try:
        requests = serving.Requests(rows, limits)
    except (TypeError, ValueError) as error:
        found.say(f"{cell['name']}: its requests hold what cannot be counted ({short(error)}).")
        return 0
    number = 0
    for one in cell["metrics"]:
        value = requests.value(one["metric"])
        if value is None or one["value"] is None or one["method"] == _AS_IMPORTED:
            continue  # another tool's own number
        number += 1
        if not math.isclose(value, one["value"], rel_tol=1e-6, abs_tol=_CLOCK):
            found.say(
                f"{cell['name']}, {one['metric']}: it says {one['value']!r}, and its requests make it {value!r}."
            )
    return number


def _number(cell: dict[str, Any], metric: dict[str, Any], rows: pd.DataFrame, found: Found) -> bool:
    """Whether the value was computed again."""
    value = _value(metric["metric"], cell["conditions"], rows)
    if value is None or metric["value"] is None or "difference" in metric["method"]:
        return False
    if not math.isclose(value, metric["value"], rel_tol=_RELATIVE, abs_tol=1e-300):
        found.say(
            f"{cell['name']}, {metric['metric']}: it says {metric['value']!r}, and its batches make it {value!r}."
        )
    return True


def _value(metric: str, conditions: Mapping[str, Any], rows: pd.DataFrame) -> float | None:
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
    """Of all batches together; not a number where one did more than all there is, so that no share is the right one."""
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
