"""Sample tables counted again, and held against what the manifest says of each task."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from lsm_eval.recount.files import MANIFEST, SAMPLES, Found, Table, odd, read_table, table_file
from lsm_eval.recount.shapes import is_count

_NEEDED = ("task", "sample", "index", "cluster", "request", "tokens", "finish", "truncated", "failure")


def read_tables(
    folder: Path, manifest: dict[str, Any], found: Found
) -> tuple[dict[str, Table], tuple[str, ...]]:
    """Tables by task, those that can be read; and tasks that have none and say so."""
    tables: dict[str, Table] = {}
    without, files = [], set()
    for row in manifest["tasks"]:
        name = row["task"]
        path = folder / SAMPLES / table_file(name)
        files.add(path.name)
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
        more = sorted(p.name for p in (folder / SAMPLES).iterdir() if p.name not in files)
    except OSError:
        more = []
    for name in more:
        found.say(f"{SAMPLES}/{name} belongs to no task of {MANIFEST}.")
    if len(tables) + len(without) == len(manifest["tasks"]):
        _generated(manifest, tables, found)
    return tables, tuple(without)


def _sound(task: str, table: Table, found: Found) -> bool:
    """Whether the table can be counted; problems that lie in it alone are noted."""
    lacking = [name for name in _NEEDED if name not in table.columns]
    if lacking:
        found.say(f"{task}: the sample table lacks the column {lacking[0]!r}.")
        return False
    columns = table.columns
    others = {name for name in columns["task"] if name != task}
    if others:
        found.say(f"{task}: its table has samples of {sorted(map(str, others))[0]}.")
    twice = [name for name, count in Counter(columns["sample"]).items() if count > 1]
    if twice:
        found.say(f"{task}: the sample id {twice[0]!r} is there {columns['sample'].count(twice[0])} times.")
    if sorted(columns["index"], key=lambda at: (at is None, at)) != list(range(table.rows)):
        found.say(f"{task}: the places of its samples are not 0 to {table.rows - 1}, each once.")
    for name, values in columns.items():
        if name.startswith(("score.", "stats.")):
            _numbers(task, name, values, columns, found)
    return True


def _numbers(task: str, name: str, values: list[Any], columns: dict[str, list[Any]], found: Found) -> None:
    for at, value in enumerate(values):
        # Statistics of half a pair may be NaN (an AUROC's); those of a mean are (value, 1).
        if odd(value) or (isinstance(value, list) and value[1:] == [1] and odd(value[0])):
            found.say(f"{task}: {name} of sample {columns['sample'][at]!r} is not finite (NaN or infinite).")
            return
        if value is not None and columns["failure"][at] is not None:
            found.say(
                f"{task}: sample {columns['sample'][at]!r} failed ({columns['failure'][at]}) and has a {name} all the "
                "same."
            )
            return


def _against(task: str, row: dict[str, Any], table: Table, found: Found) -> None:
    columns = table.columns
    if row.get("samples") != table.rows:
        found.say(f"{task}: {MANIFEST} says {row.get('samples')} samples, and the table has {table.rows}.")
    failures = dict(Counter(reason for reason in columns["failure"] if reason is not None))
    told = row.get("failures") or {}
    for reason in sorted({*failures, *told}):
        if failures.get(reason, 0) != told.get(reason, 0):
            found.say(
                f"{task}: {MANIFEST} says that {told.get(reason, 0)} samples failed as {reason!r}, and the table has "
                f"{failures.get(reason, 0)}."
            )
    kinds = set(columns["request"]) - {row.get("request")}
    if kinds:
        found.say(
            f"{task}: {MANIFEST} says that it asks by {row.get('request')}, and its table has {min(map(str, kinds))}."
        )
    thoughts = sum(bool(text) for text in columns.get("thoughts", ()))
    if "further" not in columns and thoughts != row.get("thoughts", thoughts):
        found.say(
            f"{task}: {MANIFEST} says that {row.get('thoughts')} samples had thoughts, and the table has {thoughts}."
        )
    if any(count is not None and count < 0 for count in columns["truncated"]):
        found.say(f"{task}: a sample was cut by less than no token.")


def _generated(manifest: dict[str, Any], tables: dict[str, Table], found: Found) -> None:
    told = manifest["tokens"].get("generated")
    if not is_count(told):
        return
    counted = 0
    for table in tables.values():
        columns = table.columns
        for at, kind in enumerate(columns["request"]):
            if kind == "generate":
                counted += sum(columns["tokens"][at] or ())
            for part in _further(columns, at):
                if part.get("request") == "generate":
                    counted += _written(part)
    if counted != told:
        found.say(f"{MANIFEST} says that {told} tokens were generated, and the tables have {counted}.")


def _written(part: dict[str, Any]) -> int:
    inner = part.get("written")
    tokens = inner.get("tokens") if isinstance(inner, dict) else part.get("tokens")
    return sum(tokens) if isinstance(tokens, list) else tokens if isinstance(tokens, int) else 0


def _further(columns: dict[str, list[Any]], at: int) -> list[dict[str, Any]]:
    text = columns["further"][at] if "further" in columns else None
    try:
        parts = json.loads(text) if text else []
    except (ValueError, RecursionError):
        return []
    return [part for part in parts if isinstance(part, dict)]
