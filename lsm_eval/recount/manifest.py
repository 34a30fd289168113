"""Checks a manifest by itself."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

from lsm_eval.recount.files import KNOWN_VERSIONS, MANIFEST, Problems, finite, not_finite, numbers, read_json
from lsm_eval.recount.shapes import (
    DATASET,
    TASK,
    TASK_OPTIONAL,
    first_fault,
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
"""Largest rounding error, in seconds, of a phase that is written with three decimals."""


def read_manifest(folder: Path, problems: Problems) -> dict[str, Any] | None:
    """Reads and checks the manifest; None if nothing more can be checked."""
    content = read_json(folder / MANIFEST, problems)
    if content is None:
        return None
    if not isinstance(content, dict):
        problems.add(f"{MANIFEST} is not a JSON object.")
        return None
    version = content.get("schema_version")
    if not is_whole(version) or version not in KNOWN_VERSIONS:
        problems.add(
            f"{MANIFEST} has schema_version {shown(version)}, and this lsm-eval knows {KNOWN_VERSIONS[-1]}."
        )
        return None
    wrong = [key for key, kind in _KINDS.items() if not isinstance(content.get(key), kind)]
    for key in wrong:
        what = "is missing" if key not in content else f"is a {type(content[key]).__name__}"
        problems.add(f"{MANIFEST}: {key} {what}.")
    if wrong or not _tasks(content["tasks"], problems):
        return None
    _simple(content, problems)
    _created(content["created"], problems)
    for at, number in () if finite(content) else numbers(content):
        if not_finite(number):
            problems.add(f"{MANIFEST}: {at} is {number}, which is not a measurement.")
    _phases(content, problems)
    _requests(content["requests"], problems)
    _redacted(content, problems)
    return content


def _tasks(rows: list[Any], problems: Problems) -> bool:
    names: set[str] = set()
    for place, row in enumerate(rows):
        name = row.get("task") if isinstance(row, dict) else None
        if not isinstance(name, str) or not _TASK.fullmatch(name):
            problems.add(
                f"{MANIFEST}: tasks[{place}] has the name {shown(name)}, which is not the name of a task."
            )
            return False
        if name in names:
            problems.add(f"{MANIFEST} has the task {name} twice.")
            return False
        names.add(name)
        fault = first_fault(row, TASK, TASK_OPTIONAL) or first_fault(row["dataset"], DATASET)
        if fault:
            problems.add(f"{MANIFEST}: task {name} is invalid: {fault}.")
            return False
    return True


def _simple(content: dict[str, Any], problems: Problems) -> None:
    """Checks values that do not depend on others."""
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
            problems.add(f"{MANIFEST}: {name} is {shown(value)}.")
    for at, number in numbers(content.get("work")):
        if number < 0:
            problems.add(f"{MANIFEST}: work.{at} is {shown(number)}, which is negative.")


def _created(text: str, problems: Problems) -> None:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        problems.add(f"{MANIFEST}: created is {shown(text)}, which is not a time.")


def _phases(content: dict[str, Any], problems: Problems) -> None:
    total, seen = 0.0, set()
    for row in content["phases"]:
        phase: dict[str, Any] = row if isinstance(row, dict) else {}
        name: Any = phase.get("name")
        seconds: Any = phase.get("seconds")
        if not is_text(name) or not is_number(seconds):
            problems.add(f"{MANIFEST}: a phase is {shown(row)}, not a name with seconds.")
            return
        if name in seen:
            problems.add(f"{MANIFEST} has the phase {name} twice.")
        if seconds < 0:
            problems.add(f"{MANIFEST}: phase {name} took {seconds} s, which is negative.")
        seen.add(name)
        total += seconds
    work = content.get("work")
    if work is None:
        return
    whole: Any = work.get("seconds") if isinstance(work, dict) else None
    if not is_number(whole):
        problems.add(f"{MANIFEST}: work is {shown(work)}, without seconds.")
    elif abs(total - whole) > _ROUNDED * (len(seen) + 2):
        problems.add(f"{MANIFEST}: the phases add up to {total:.3f} s, and the run took {whole:.3f} s.")


def _requests(counts: dict[str, Any], problems: Problems) -> None:
    names = ("asked", "unique", "from_store", "computed", "failed")
    known = {name: counts[name] for name in names if is_count(counts.get(name))}
    if len(known) < len(names):
        return
    if known["from_store"] + known["computed"] != known["unique"]:
        problems.add(
            f"{MANIFEST}: {known['from_store']} requests from the store and {known['computed']} computed are not the "
            f"{known['unique']} distinct ones."
        )
    if known["unique"] > known["asked"] or known["failed"] > known["unique"]:
        problems.add(f"{MANIFEST}: requests has more distinct or failed ones than were asked.")


def _redacted(content: dict[str, Any], problems: Problems) -> None:
    stated = bool(content.get("redacted", False))
    rows = any(bool(row.get("redacted", False)) for row in content["tasks"])
    if stated != rows:
        says = "texts are withheld" if stated else "no text is withheld"
        problems.add(f"{MANIFEST} says that {says}, and its tasks say otherwise.")
