"""Recounts the sample tables and checks them against the manifest's tasks."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from lsm_eval.recount.cut_off import check_cut_off
from lsm_eval.recount.files import MANIFEST, SAMPLES, Problems
from lsm_eval.recount.shapes import is_count
from lsm_eval.recount.table import NEEDED, Table, read_table, table_file


def read_tables(
    folder: Path,
    manifest: dict[str, Any],
    problems: Problems,
    *,
    only: Collection[str] | None = None,
    published: bool = False,
) -> tuple[dict[str, Table], tuple[str, ...]]:
    """The readable tables by task; and the tasks that have none according to the manifest, or because the record was `published` without
    its folder of samples. `only`: the tasks whose tables are read (default: all)."""
    tables: dict[str, Table] = {}
    without, files = [], set()
    if published and not (folder / SAMPLES).exists():
        return {}, tuple(row["task"] for row in manifest["tasks"])
    for row in manifest["tasks"]:
        name = row["task"]
        file = table_file(name)
        files.add(file)
        if only is not None and name not in only:
            continue
        path = folder / SAMPLES / file
        if row.get("no_samples") and not path.exists():
            without.append(name)
            continue
        if row.get("no_samples"):
            problems.add(f"{name}: {MANIFEST} says that there is no sample table, and there is one.")
        table = read_table(path, problems)
        if table is not None and _can_be_counted(name, table, problems):
            tables[name] = table
            _check_task(name, row, table, problems)
    try:
        more = sorted(name for name in os.listdir(folder / SAMPLES) if name not in files)  # noqa: PTH208
    except OSError:
        more = []
    for name in more:
        problems.add(f"{SAMPLES}/{name} belongs to no task of {MANIFEST}.")
    if len(tables) + len(without) == len(manifest["tasks"]):
        _check_generated(manifest, tables, problems)
    return tables, tuple(without)


def _can_be_counted(task: str, table: Table, problems: Problems) -> bool:
    """Checks a table by itself. Returns whether it can be counted."""
    lacking = [name for name in NEEDED if not table.has(name)]
    if lacking:
        problems.add(f"{task}: the sample table lacks the column {lacking[0]!r}.")
        return False
    others = {name for name in table.counts("task") if name != task}
    if others:
        problems.add(f"{task}: its table has samples of {sorted(map(str, others))[0]}.")
    if (again := table.first_duplicate("sample")) is not None:
        problems.add(f"{task}: the sample id {again[0]!r} is there {again[1]} times.")
    places, wanted = table.values("index"), list(range(table.rows))
    if places != wanted and sorted(places, key=lambda at: (at is None, at)) != wanted:
        problems.add(f"{task}: the indices of its samples are not 0 to {table.rows - 1}, each once.")
    weights = table.weights
    if table.rows and not (weights.min() > 0 and weights.max() < math.inf):
        problems.add(f"{task}: a sample's weight is not a number above 0.")
        return False
    seconds = table.seconds
    if len(seconds) and not (seconds.min() >= 0 and seconds.max() < math.inf):
        problems.add(f"{task}: the seconds of a sample are not a number of 0 or more.")
    for name in table.columns.column_names:
        if name.startswith(("score.", "stats.")):
            _numbers(task, name, table, problems)
    return True


def _numbers(task: str, name: str, table: Table, problems: Problems) -> None:
    import numpy as np

    metric = name.partition(".")[2]
    if name.startswith("score."):
        values, known = table.scores(metric)
        odd = known & ~np.isfinite(values)
    else:
        statistics = table.statistics(metric)
        known = statistics.known
        # Statistics of one half of a pair may be NaN (AUROC); those of a mean are (value, 1).
        mean = (statistics.lengths == 2) & (statistics.at(1) == 1)
        odd = mean & ~np.isfinite(statistics.at(0))
    if odd.any():
        sample = table.columns["sample"][int(odd.argmax())].as_py()
        problems.add(f"{task}: {name} of sample {sample!r} is not finite (NaN or infinite).")
        return
    both = known & table.failed
    if both.any():
        at = int(both.argmax())
        sample, failure = (table.columns[column][at].as_py() for column in ("sample", "failure"))
        problems.add(f"{task}: sample {sample!r} failed ({failure}) but has a {name}.")


def _check_task(task: str, row: dict[str, Any], table: Table, problems: Problems) -> None:
    if row.get("samples") != table.rows:
        problems.add(f"{task}: {MANIFEST} says {row.get('samples')} samples, and the table has {table.rows}.")
    failures = {reason: count for reason, count in table.counts("failure").items() if reason is not None}
    stated = row.get("failures") or {}
    for reason in sorted({*failures, *stated}):
        if failures.get(reason, 0) != stated.get(reason, 0):
            problems.add(
                f"{task}: {MANIFEST} says that {stated.get(reason, 0)} samples failed as {reason!r}, and the table has "
                f"{failures.get(reason, 0)}."
            )
    kinds = set(table.counts("request")) - {row.get("request")}
    if kinds:
        problems.add(
            f"{task}: {MANIFEST} says that it asks by {row.get('request')}, and its table has {min(map(str, kinds))}."
        )
    thoughts = sum(bool(text) for text in table.values("thoughts")) if table.has("thoughts") else 0
    if not table.has("further") and thoughts != row.get("thoughts", thoughts):
        problems.add(
            f"{task}: {MANIFEST} says that {row.get('thoughts')} samples had thoughts, and the table has {thoughts}."
        )
    if row.get("cut_off") is not None and not table.has("further"):
        check_cut_off(task, row["cut_off"], table, problems)
    if any(count is not None and count < 0 for count in table.counts("truncated")):
        problems.add(f"{task}: a sample has a negative number of truncated tokens.")


def _check_generated(manifest: dict[str, Any], tables: dict[str, Table], problems: Problems) -> None:
    stated = manifest["tokens"].get("generated")
    if not is_count(stated):
        return
    counted = 0
    for table in tables.values():
        further = filter(None, table.values("further")) if table.has("further") else ()
        if "generate" in table.counts("request"):
            tokens = zip(table.values("request"), table.values("tokens"), strict=True)
            counted += sum(sum(own or ()) for kind, own in tokens if kind == "generate")
        for part in (part for text in further for part in _parts(text)):
            if part.get("request") == "generate":
                counted += _written(part)
    if counted != stated:
        problems.add(f"{MANIFEST} says that {stated} tokens were generated, and the tables have {counted}.")


def _written(part: dict[str, Any]) -> int:
    inner = part.get("written")
    tokens = inner.get("tokens") if isinstance(inner, dict) else part.get("tokens")
    return sum(tokens) if isinstance(tokens, list) else tokens if isinstance(tokens, int) else 0


def _parts(text: str | None) -> list[dict[str, Any]]:
    try:
        parts = json.loads(text) if text else []
    except (ValueError, RecursionError):
        return []
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
