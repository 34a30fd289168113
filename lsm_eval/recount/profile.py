"""Recounts a profile: checks its cells against estimates and tasks, and recomputes its numbers from its batches or requests."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsm_eval.recount import offline, serving
from lsm_eval.recount.files import MANIFEST, Problems, short
from lsm_eval.recount.shapes import (
    Test,
    first_fault,
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
"""Absolute tolerance, in seconds, for rounded times."""
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
"""The fields of a cell's metric that its estimate must repeat."""


def check_profile(
    folder: Path,
    manifest: dict[str, Any],
    estimates: list[dict[str, Any]],
    problems: Problems,
    *,
    published: bool,
) -> int:
    """Checks a record's profile. Returns how many of its numbers were recomputed; 0 without a profile."""
    profile: Any = manifest.get("profile")
    if profile is None:
        if (folder / FOLDER).exists():
            problems.add(f"there is a folder {FOLDER}, and {MANIFEST} says nothing about a profile.")
        return 0
    fault = first_fault(profile, _PROFILE) if isinstance(profile, dict) else "it is not an object"
    if fault:
        problems.add(f"{MANIFEST}: the profile is invalid: {fault}.")
        return 0
    cells = _cells(profile["cells"], problems)
    if cells is None:
        return 0
    _check_estimates(profile, cells, manifest, estimates, problems)
    table = _table(folder, profile, manifest, problems, published=published)
    if table is None or manifest.get("imported") is not None:
        return 0  # another tool's numbers have their own definitions
    unknown = sorted(set(table["cell"].dropna()) - set(cells))
    if unknown:
        problems.add(
            f"{FOLDER}: measurements are of {shown(unknown[0])}, which is not a cell of the profile."
        )
    return sum(
        _recount(cell, table[table["cell"] == name], profile, problems) for name, cell in cells.items()
    )


def _cells(rows: list[Any], problems: Problems) -> dict[str, dict[str, Any]] | None:
    cells: dict[str, dict[str, Any]] = {}
    for place, row in enumerate(rows):
        fault = first_fault(row, _CELL) if isinstance(row, dict) else "it is not an object"
        if not fault:
            faults = (
                first_fault(one, _METRIC) if isinstance(one, dict) else "it is not an object"
                for one in row["metrics"]
            )
            fault = next((f"a metric is invalid: {one}" for one in faults if one), None)
        if fault:
            problems.add(f"{MANIFEST}: profile.cells[{place}] is invalid: {fault}.")
            return None
        if row["name"] in cells:
            problems.add(f"{MANIFEST} has the cell {shown(row['name'])} twice.")
        names = [one["metric"] for one in row["metrics"]]
        if len(set(names)) < len(names):
            problems.add(f"{row['name']}: it has a metric twice.")
        if row["missing"] and names:
            problems.add(f"{row['name']}: it was not measured, and has numbers.")
        for one in row["metrics"]:
            if one["unit"] == "fraction" and one["metric"].endswith("_share") and (one["value"] or 0) > 1:
                problems.add(f"{row['name']}, {one['metric']}: {one['value']} is more than 1.")
        cells[row["name"]] = row
    return cells


def _check_estimates(
    profile: dict[str, Any],
    cells: Mapping[str, dict[str, Any]],
    manifest: dict[str, Any],
    estimates: list[dict[str, Any]],
    problems: Problems,
) -> None:
    rows = {(str(row.get("task")), str(row.get("metric"))): row for row in estimates}
    stated = {
        (f"profile_{name}", one["metric"]): (cell, one)
        for name, cell in cells.items()
        if cell["listed"]
        for one in cell["metrics"]
    }
    for (task, metric), (cell, one) in stated.items():
        row = rows.get((task, metric))
        if row is None:
            problems.add(f"{task}, {metric}: the profile has it, and there is no estimate of it.")
            continue
        for key in _SAME:
            if row.get(key) != one[key]:
                problems.add(
                    f"{task}, {metric}: {key} is {shown(row.get(key))}, and the profile has {shown(one[key])}."
                )
        _check_unranked(f"{task}, {metric}", profile, cell, one, row, problems)
    for task, metric in sorted(rows.keys() - stated.keys(), key=str):
        problems.add(f"{task}, {metric}: there is an estimate of it, and no cell of the profile.")
    tasks: dict[str, dict[str, Any]] = {own["task"]: own for own in manifest["tasks"]}
    for name, cell in cells.items():
        own = tasks.get(f"profile_{name}")
        if own is not None and (own.get("failures") or {}) != cell["failures"]:
            problems.add(
                f"profile_{name}: its failures are {own.get('failures')}, and the cell has {cell['failures']}."
            )


def _check_unranked(
    name: str,
    profile: dict[str, Any],
    cell: dict[str, Any],
    metric: dict[str, Any],
    row: dict[str, Any],
    problems: Problems,
) -> None:
    """Checks that the signature names each reason for which a number is not ranked."""
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
        problems.add(f"{name}: its signature says unranked {said}, and the profile {why}.")


def _table(
    folder: Path, profile: dict[str, Any], manifest: dict[str, Any], problems: Problems, *, published: bool
) -> pd.DataFrame | None:
    import pandas as pd
    import pyarrow as pa

    path = folder / FOLDER / f"{_TABLES[profile['kind']]}.parquet"
    if not path.exists():
        if not published and manifest.get("imported") is None:
            problems.add(f"{FOLDER}/{path.name} is missing.")
        return None
    try:
        with path.open("rb") as file:  # pandas would take a path such as `s3:x` for an address
            table = pd.read_parquet(file)
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, MemoryError) as error:
        problems.add(f"{FOLDER}/{path.name} cannot be read ({short(error)}).")
        return None
    for name in _NEEDED[profile["kind"]]:
        if name not in table:
            problems.add(f"{FOLDER}/{path.name} lacks the column {name!r}.")
            return None
        if name not in _TEXTS and not _numeric(table[name]):
            problems.add(f"{FOLDER}/{path.name}: the column {name!r} has values that are not numbers.")
            return None
    return table


def _numeric(column: pd.Series[Any]) -> bool:
    from pandas.api.types import is_numeric_dtype

    return is_numeric_dtype(column) or not column.notna().any()


def _recount(cell: dict[str, Any], rows: pd.DataFrame, profile: dict[str, Any], problems: Problems) -> int:
    kind = profile["kind"]
    counted = rows[rows["warm_up"].fillna(False).astype(bool) == False]  # noqa: E712
    if kind == "offline":
        counted = counted[counted["disturbed"].isna()]
    failures = _failures(counted) if kind == "serving" else {}
    whole = len(counted) - sum(failures.values())
    if whole != cell["n"] and not cell["missing"]:
        problems.add(f"{cell['name']}: it says that it rests on {cell['n']}, and {whole} measurements count.")
        return 0
    if kind == "serving":
        if failures != cell["failures"]:
            problems.add(
                f"{cell['name']}: it says that {cell['failures']} failed, and the table has {failures}."
            )
        return _recount_serving(cell, counted, profile.get("objective"), problems)
    known = [
        one for one in cell["metrics"] if not (profile["version"] == 1 and one["metric"].endswith("_share"))
    ]  # version 1 defined shares differently
    return sum(_recount_offline(cell, one, counted, problems) for one in known)


def _failures(rows: pd.DataFrame) -> dict[str, int]:
    """Numbers of requests without a complete answer, by class of failure; an answer without chunks is `empty`."""
    found: dict[str, int] = {}
    for failure, times in zip(rows["failure"], rows["chunk_times"], strict=True):
        name = failure if isinstance(failure, str) else None if times is not None and len(times) else "empty"
        if name is not None:
            found[name] = found.get(name, 0) + 1
    return found


def _recount_serving(cell: dict[str, Any], rows: pd.DataFrame, objective: Any, problems: Problems) -> int:
    """Recomputes the numbers of a serving cell. Returns how many were recomputed."""
    limits = objective if isinstance(objective, dict) and all(map(is_number, objective.values())) else None
    try:
        requests = serving.Requests(rows, limits)
    except (TypeError, ValueError) as error:
        problems.add(f"{cell['name']}: its requests have values that cannot be counted ({short(error)}).")
        return 0
    number = 0
    for one in cell["metrics"]:
        value = requests.value(one["metric"])
        if value is None or one["value"] is None or one["method"] == _AS_IMPORTED:
            continue  # another tool's number
        number += 1
        if not math.isclose(value, one["value"], rel_tol=1e-6, abs_tol=_CLOCK):
            problems.add(
                f"{cell['name']}, {one['metric']}: it says {one['value']!r}, and its requests make it {value!r}."
            )
    return number


def _recount_offline(
    cell: dict[str, Any], metric: dict[str, Any], rows: pd.DataFrame, problems: Problems
) -> bool:
    """Recomputes a number of an offline cell. Returns whether it was recomputed."""
    value = offline.value(metric["metric"], cell["conditions"], rows)
    if value is None or metric["value"] is None or "difference" in metric["method"]:
        return False
    if not math.isclose(value, metric["value"], rel_tol=_RELATIVE, abs_tol=1e-300):
        problems.add(
            f"{cell['name']}, {metric['metric']}: it says {metric['value']!r}, and its batches make it {value!r}."
        )
    return True
