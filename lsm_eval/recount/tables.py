"""Sample tables counted again, and held against what the manifest says of each task."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from lsm_eval.recount.cut_off import against_cut_off
from lsm_eval.recount.files import MANIFEST, SAMPLES, Found
from lsm_eval.recount.shapes import is_count
from lsm_eval.recount.table import NEEDED, Table, read_table, table_file


def read_tables(
    folder: Path,
    manifest: dict[str, Any],
    found: Found,
    *,
    only: Collection[str] | None = None,
    published: bool = False,
) -> tuple[dict[str, Table], tuple[str, ...]]:
    """Tables by task, those that can be read; and tasks that have none and say so, or lie in a record that was `published`
    without its folder of samples. `only`: tasks whose tables are read, in place of all."""
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
            found.say(f"{name}: {MANIFEST} says that there is no sample table, and there is one.")
        table = read_table(path, found)
        if table is not None and _sound(name, table, found):
            tables[name] = table
            _against(name, row, table, found)
    try:
        more = sorted(name for name in os.listdir(folder / SAMPLES) if name not in files)  # noqa: PTH208
    except OSError:
        more = []
    for name in more:
        found.say(f"{SAMPLES}/{name} belongs to no task of {MANIFEST}.")
    if len(tables) + len(without) == len(manifest["tasks"]):
        _generated(manifest, tables, found)
    return tables, tuple(without)


def _sound(task: str, table: Table, found: Found) -> bool:
    """Whether the table can be counted; problems that lie in it alone are noted."""
    lacking = [name for name in NEEDED if not table.has(name)]
    if lacking:
        found.say(f"{task}: the sample table lacks the column {lacking[0]!r}.")
        return False
    others = {name for name in table.counts("task") if name != task}
    if others:
        found.say(f"{task}: its table has samples of {sorted(map(str, others))[0]}.")
    if (again := table.twice("sample")) is not None:
        found.say(f"{task}: the sample id {again[0]!r} is there {again[1]} times.")
    places, wanted = table.values("index"), list(range(table.rows))
    if places != wanted and sorted(places, key=lambda at: (at is None, at)) != wanted:
        found.say(f"{task}: the places of its samples are not 0 to {table.rows - 1}, each once.")
    weights = table.weights
    if table.rows and not (weights.min() > 0 and weights.max() < math.inf):
        found.say(f"{task}: a sample's weight is no number above 0.")
        return False
    seconds = table.seconds
    if len(seconds) and not (seconds.min() >= 0 and seconds.max() < math.inf):
        found.say(f"{task}: the seconds of a sample are no number of 0 or more.")
    for name in table.columns.column_names:
        if name.startswith(("score.", "stats.")):
            _numbers(task, name, table, found)
    return True


def _numbers(task: str, name: str, table: Table, found: Found) -> None:
    import numpy as np

    metric = name.partition(".")[2]
    if name.startswith("score."):
        values, known = table.scores(metric)
        odd = known & ~np.isfinite(values)
    else:
        statistics = table.statistics(metric)
        known = statistics.known
        # Statistics of half a pair may be NaN (an AUROC's); those of a mean are (value, 1).
        mean = (statistics.lengths == 2) & (statistics.at(1) == 1)
        odd = mean & ~np.isfinite(statistics.at(0))
    if odd.any():
        sample = table.columns["sample"][int(odd.argmax())].as_py()
        found.say(f"{task}: {name} of sample {sample!r} is not finite (NaN or infinite).")
        return
    both = known & table.failed
    if both.any():
        at = int(both.argmax())
        sample, failure = (table.columns[column][at].as_py() for column in ("sample", "failure"))
        found.say(f"{task}: sample {sample!r} failed ({failure}) and has a {name} all the same.")


def _against(task: str, row: dict[str, Any], table: Table, found: Found) -> None:
    if row.get("samples") != table.rows:
        found.say(f"{task}: {MANIFEST} says {row.get('samples')} samples, and the table has {table.rows}.")
    failures = {reason: count for reason, count in table.counts("failure").items() if reason is not None}
    told = row.get("failures") or {}
    for reason in sorted({*failures, *told}):
        if failures.get(reason, 0) != told.get(reason, 0):
            found.say(
                f"{task}: {MANIFEST} says that {told.get(reason, 0)} samples failed as {reason!r}, and the table has "
                f"{failures.get(reason, 0)}."
            )
    kinds = set(table.counts("request")) - {row.get("request")}
    if kinds:
        found.say(
            f"{task}: {MANIFEST} says that it asks by {row.get('request')}, and its table has {min(map(str, kinds))}."
        )
    thoughts = sum(bool(text) for text in table.values("thoughts")) if table.has("thoughts") else 0
    if not table.has("further") and thoughts != row.get("thoughts", thoughts):
        found.say(
            f"{task}: {MANIFEST} says that {row.get('thoughts')} samples had thoughts, and the table has {thoughts}."
        )
    if row.get("cut_off") is not None and not table.has("further"):
        against_cut_off(task, row["cut_off"], table, found)
    if any(count is not None and count < 0 for count in table.counts("truncated")):
        found.say(f"{task}: a sample was cut by less than no token.")


def _generated(manifest: dict[str, Any], tables: dict[str, Table], found: Found) -> None:
    told = manifest["tokens"].get("generated")
    if not is_count(told):
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
    if counted != told:
        found.say(f"{MANIFEST} says that {told} tokens were generated, and the tables have {counted}.")


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
