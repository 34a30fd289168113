"""What a manifest says of itself and does not add up."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

from lsm_eval.recount.files import KNOWN_VERSIONS, MANIFEST, Found, finite, numbers, odd, read_json
from lsm_eval.recount.shapes import (
    DATASET,
    TASK,
    TASK_OPTIONAL,
    faulty,
    is_count,
    is_counts,
    is_flag,
    is_number,
    is_text,
    is_whole,
    or_null,
    shown,
)

_KINDS: dict[str, type | tuple[type, ...]] = {
    "run": str, "created": str, "command": list, "model": dict, "tasks": list, "versions": dict, "hardware": dict,
    "phases": list, "requests": dict, "tokens": dict, "settings": dict,
}  # fmt: skip
_TASK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+@-]*")
_ROUNDED = 0.0005
"""Seconds that one phase can lose by being written with three decimals."""


def read_manifest(folder: Path, found: Found) -> dict[str, Any] | None:
    """The manifest, checked by itself; None where nothing more can be counted."""
    content = read_json(folder / MANIFEST, found)
    if content is None:
        return None
    if not isinstance(content, dict):
        found.say(f"{MANIFEST} is no JSON object.")
        return None
    version = content.get("schema_version")
    if not is_whole(version) or version not in KNOWN_VERSIONS:
        found.say(
            f"{MANIFEST} has schema_version {shown(version)}, and this lsm-eval knows {KNOWN_VERSIONS[-1]}."
        )
        return None
    wrong = [key for key, kind in _KINDS.items() if not isinstance(content.get(key), kind)]
    for key in wrong:
        what = "is missing" if key not in content else f"is a {type(content[key]).__name__}"
        found.say(f"{MANIFEST}: {key} {what}.")
    if wrong or not _tasks(content["tasks"], found):
        return None
    _simple(content, found)
    _created(content["created"], found)
    for at, number in () if finite(content) else numbers(content):
        if odd(number):
            found.say(f"{MANIFEST}: {at} is {number}, which no measurement is.")
    _phases(content, found)
    _requests(content["requests"], found)
    _redacted(content, found)
    return content


def _tasks(rows: list[Any], found: Found) -> bool:
    names: set[str] = set()
    for place, row in enumerate(rows):
        name = row.get("task") if isinstance(row, dict) else None
        if not isinstance(name, str) or not _TASK.fullmatch(name):
            found.say(f"{MANIFEST}: tasks[{place}] has the name {shown(name)}, which is no task's.")
            return False
        if name in names:
            found.say(f"{MANIFEST} has the task {name} twice.")
            return False
        names.add(name)
        fault = faulty(row, TASK, TASK_OPTIONAL) or faulty(row["dataset"], DATASET)
        if fault:
            found.say(f"{MANIFEST}: task {name} is no whole row: {fault}.")
            return False
    return True


def _simple(content: dict[str, Any], found: Found) -> None:
    """Values that stand for themselves."""
    model = content["model"]
    tests: tuple[tuple[str, Any, Any], ...] = (
        ("seed", content.get("seed"), or_null(is_whole)),
        ("command", content["command"], lambda value: all(is_text(part) for part in value)),
        ("redacted", content.get("redacted", False), is_flag),
        ("requests", content["requests"], is_counts),
        ("tokens", content["tokens"], is_counts),
        ("versions", content["versions"], lambda value: all(is_text(one) for one in value.values())),
        ("model.name", model.get("name"), is_text),
        ("model.fingerprint", model.get("fingerprint"), is_text),
    )
    for name, value, test in tests:
        if not test(value):
            found.say(f"{MANIFEST}: {name} is {shown(value)}.")
    for at, number in numbers(content.get("work")):
        if number < 0:
            found.say(f"{MANIFEST}: work.{at} is {shown(number)}, less than nothing.")


def _created(text: str, found: Found) -> None:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        found.say(f"{MANIFEST}: created is {shown(text)}, no time.")


def _phases(content: dict[str, Any], found: Found) -> None:
    total, seen = 0.0, set()
    for row in content["phases"]:
        phase: dict[str, Any] = row if isinstance(row, dict) else {}
        name: Any = phase.get("name")
        seconds: Any = phase.get("seconds")
        if not is_text(name) or not is_number(seconds):
            found.say(f"{MANIFEST}: a phase is {shown(row)}, no name with seconds.")
            return
        if name in seen:
            found.say(f"{MANIFEST} has the phase {name} twice.")
        if seconds < 0:
            found.say(f"{MANIFEST}: phase {name} took {seconds} s, less than nothing.")
        seen.add(name)
        total += seconds
    work = content.get("work")
    if work is None:
        return
    whole: Any = work.get("seconds") if isinstance(work, dict) else None
    if not is_number(whole):
        found.say(f"{MANIFEST}: work is {shown(work)}, without seconds.")
    elif abs(total - whole) > _ROUNDED * (len(seen) + 2):
        found.say(f"{MANIFEST}: the phases add up to {total:.3f} s, and the run took {whole:.3f} s.")


def _requests(counts: dict[str, Any], found: Found) -> None:
    names = ("asked", "unique", "from_store", "computed", "failed")
    known = {name: counts[name] for name in names if is_count(counts.get(name))}
    if len(known) < len(names):
        return
    if known["from_store"] + known["computed"] != known["unique"]:
        found.say(
            f"{MANIFEST}: {known['from_store']} requests from the store and {known['computed']} computed are not the "
            f"{known['unique']} distinct ones."
        )
    if known["unique"] > known["asked"] or known["failed"] > known["unique"]:
        found.say(f"{MANIFEST}: requests has more distinct or failed ones than were asked.")


def _redacted(content: dict[str, Any], found: Found) -> None:
    told = bool(content.get("redacted", False))
    rows = any(bool(row.get("redacted", False)) for row in content["tasks"])
    if told != rows:
        says = "texts are withheld" if told else "no text is withheld"
        found.say(f"{MANIFEST} says that {says}, and its tasks say otherwise.")
