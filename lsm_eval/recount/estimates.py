"""Estimates computed again from the samples' own scores, and held against their tasks."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsm_eval.recount import shapes
from lsm_eval.recount.files import ESTIMATES as FILE
from lsm_eval.recount.files import Found, finite, numbers, odd, read_json
from lsm_eval.recount.shapes import faulty, is_count, shown
from lsm_eval.recount.written import against_settings

if TYPE_CHECKING:
    from lsm_eval.recount.table import Flags, Floats, Statistics, Table

_MEANS = ("wilson", "wilson(effective)", "wilson(effective, clusters)", "clopper-pearson", "t", "t(clusters)")
"""Methods that are used for plain means over samples alone."""
_AS_IMPORTED = "none (as imported"
_RELATIVE = 1e-9
"""How far sums of the same numbers in another order may differ."""


def check_estimates(
    folder: Path, manifest: dict[str, Any], tables: dict[str, Table], found: Found
) -> tuple[list[dict[str, Any]], int]:
    """The estimates as they lie there, and how many of their values were computed again: those of tasks with a table."""
    content = read_json(folder / FILE, found)
    if content is None:
        return [], 0
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        found.say(f"{FILE} is no list of objects.")
        return [], 0
    tasks = {row["task"]: row for row in manifest["tasks"]}
    absent = {
        (row.get("task"), row.get("metric")) for row in manifest.get("absent") or () if isinstance(row, dict)
    }
    seen: set[tuple[str, str]] = set()
    recomputed = 0
    for place, row in enumerate(content):
        fault = faulty(row, shapes.ESTIMATE)
        if fault:
            found.say(f"{FILE}: row {place} ({_named(row)}) is no estimate: {fault}.")
            continue
        key = row["task"], row["metric"]
        name = f"{row['task']}, {row['metric']}"
        if row["task"] not in tasks:
            found.say(f"{name}: the task is not in manifest.json.")
            continue
        if key in seen:
            found.say(f"{name}: there are two estimates of it.")
        if key in absent:
            found.say(f"{name}: manifest.json says that it was left out, and there is an estimate of it.")
        seen.add(key)
        _alone(name, row, found)
        _signature(name, row, tasks[row["task"]], manifest, tables.get(row["task"]), found)
        if row["task"] in tables:
            recomputed += _recount(name, row, tables[row["task"]], found)
    for task, table in tables.items():
        for metric in table.metrics():
            if (task, metric) not in seen:
                found.say(f"{task}, {metric}: samples have scores, and there is no estimate of them.")
    return content, recomputed


def _named(row: dict[str, Any]) -> str:
    return shown(f"{row.get('task')}, {row.get('metric')}")


def _alone(name: str, row: dict[str, Any], found: Found) -> None:
    """What an estimate says of itself."""
    for at, number in () if finite(row) else numbers(row):
        if odd(number):
            found.say(f"{name}: {at} is {number}, which is no value.")
            return
    value: Any = row.get("value")
    low: Any = row.get("low")
    high: Any = row.get("high")
    if (low is None) != (high is None):
        found.say(f"{name}: its interval has one end only.")
    elif low is not None and value is None:
        found.say(f"{name}: it has an interval and no value.")
    elif low is not None and not _below(low, value, high):
        found.say(f"{name}: the value {value} is not inside its interval, {low} to {high}.")
    if row["n"] is None and not row["method"].startswith(_AS_IMPORTED):
        found.say(f"{name}: it does not say how many samples it rests on.")
    if row["n"] is not None and row["ties"] > row["n"]:
        found.say(f"{name}: {row['ties']} ties are more than its {row['n']} samples.")
    if value is not None and row["n"] == 0:
        found.say(f"{name}: it has the value {value} of no sample.")
    if row.get("stderr") is not None and row["stderr"] < 0:
        found.say(f"{name}: its standard error is {row['stderr']}.")


def _below(low: float, value: float, high: float) -> bool:
    room = _RELATIVE * max(abs(low), abs(value), abs(high))
    return low - room <= value <= high + room


def _signature(
    name: str,
    row: dict[str, Any],
    task: dict[str, Any],
    manifest: dict[str, Any],
    table: Table | None,
    found: Found,
) -> None:
    """Parts of the signature against what manifest and row say."""
    if row["task_version"] != task["version"]:
        found.say(
            f"{name}: it is of version {row['task_version']} of the task, and manifest.json has {task['version']}."
        )
    for key in ("title", "area"):
        if row[key] != task[key]:
            found.say(f"{name}: its {key} is {shown(row[key])}, and manifest.json has {shown(task[key])}.")
    dataset = task["dataset"]
    digest = dataset["sha256"][:16]
    shots = "?" if task["shots"] is None else task["shots"]
    chat = "?" if task["chat"] is None else "on" if task["chat"] else "off"
    wanted = {
        "data:": {digest if dataset["pinned"] else f"{digest}!unpinned"},
        "n:": {"?" if task["samples"] is None else str(task["samples"])},
        "shots:": {f"{shots}", f"{shots}/{task['sampler']}"},
        "chat:": {chat},
        "model:": {str(manifest["model"].get("fingerprint"))[:16]},
        "metric:": {row["metric_signature"].replace(" ", "_")},
    }
    gate: Any = task.get("gate")
    if isinstance(gate, dict) and is_count(gate.get("planned")) and (task["samples"] or 0) < gate["planned"]:
        wanted["stopped:"] = {f"{gate.get('look')}/{gate.get('looks')}"}
    parts = row["signature"].split()
    if not parts or parts[0] != f"{row['task']}:v{row['task_version']}":
        found.say(f"{name}: its signature begins with {parts[:1]}, which is not its task and version.")
    told: dict[str, list[str]] = {}
    for part in parts[1:]:
        key, colon, text = part.partition(":")
        if colon:
            told.setdefault(key, []).append(text)
    _answering(name, told, task, manifest, table, found)
    chosen = told.get("chosen", [])
    if chosen != ([] if task.get("chosen") is None else [str(task["chosen"])]):
        found.say(
            f"{name}: its signature says {shown(chosen[0]) if chosen else 'nothing'} of chosen samples, and manifest.json "
            f"{shown(task.get('chosen'))}."
        )
    for prefix, right in wanted.items():
        own = told.get(prefix.removesuffix(":"), [])
        if right.isdisjoint(own):
            said = f"says {prefix}{own[0]}" if own else f"does not say {prefix}…"
            found.say(
                f"{name}: its signature {said}, and manifest.json and the row say {prefix}{min(right)}."
            )


def _answering(
    name: str,
    parts: dict[str, list[str]],
    task: dict[str, Any],
    manifest: dict[str, Any],
    table: Table | None,
    found: Found,
) -> None:
    """Parts, by what stands before their colon, that say how choices were asked, how much could be thought and how texts were
    written: they stand only where something was asked so."""
    said = next(iter(parts.get("choices", ())), None)
    told = task.get("choices")
    if (said is None) != (told is None) or not (said or "").startswith(f"{told}/" if told else ""):
        found.say(
            f"{name}: its signature says {shown(said) if said else 'nothing'} of how choices were asked, and manifest.json "
            f"{shown(told) if told else 'nothing'}."
        )
    settings: Any = manifest.get("settings")
    # Another tool's settings may have the same names, and its signatures say none of them.
    imported = manifest.get("imported") is not None
    if imported or not isinstance(settings, dict) or task.get("request") != "generate":
        return
    for key in ("reasoning_tokens", "reasoning_effort"):
        own = parts.get(key, [])
        if own != ([] if settings.get(key) is None else [str(settings[key])]):
            found.say(
                f"{name}: its signature says {shown(own[0]) if own else 'nothing'} of {key}, and manifest.json "
                f"{shown(settings.get(key))}."
            )
    if told is None:
        against_settings(name, parts, task, settings, table, found)


def _recount(name: str, row: dict[str, Any], table: Table, found: Found) -> bool:
    """Samples, missing, clusters and value, from the table; whether the value was computed again."""
    if row["method"].startswith(_AS_IMPORTED):
        return False  # another tool's number, which says nothing of how it was made
    lacking = int(table.failed.sum())
    n, missing = row["n"], row["missing"]
    if (n or 0) + missing > table.rows:
        found.say(f"{name}: {n} samples and {missing} missing are more than the {table.rows} of the table.")
    if not (table.has(f"score.{row['metric']}") and table.has(f"stats.{row['metric']}")):
        return False
    scores, known = table.scores(row["metric"])
    statistics = table.statistics(row["metric"])
    lacking += _unjudged(known, statistics)
    scored, held = int(known.sum()), int(statistics.known.sum())
    plain = _of_mean(row) and _plain(scores, known, statistics)
    if scored:
        if n != scored and (plain or n != held):
            found.say(f"{name}: it says that it rests on {n} samples, and {scored} have a score.")
        if missing > lacking + (0 if n else table.rows):
            found.say(
                f"{name}: it says {missing} missing, and {lacking} samples failed or could not be judged."
            )
    if not plain:
        return False
    if scored + lacking == table.rows and "[" not in row["metric"] and missing != lacking:
        found.say(f"{name}: it says {missing} missing, and {lacking} samples failed or could not be judged.")
    if n == scored:
        _clusters(name, row, table, known, found)
    _value(name, row, scores[known].tolist(), table.weights[known], found)
    return True


def _of_mean(row: dict[str, Any]) -> bool:
    """Whether its method is one of means, or none although it has a value (of too few clusters, or all alike): statistics (score, 1)
    are those of a mean then, too."""
    return row["method"] in _MEANS or (row["method"].startswith("none (") and row.get("value") is not None)


def _unjudged(known: Flags, statistics: Statistics) -> int:
    """Samples that a judge could not judge: it leaves (0, 0, 1)."""
    if not (statistics.lengths == 3).any():
        return 0
    left = (statistics.at(0) == 0) & (statistics.at(1) == 0) & (statistics.at(2) == 1)
    return int((~known & (statistics.lengths == 3) & left).sum())


def _plain(scores: Floats, known: Flags, statistics: Statistics) -> bool:
    """Whether the metric is a plain mean of the samples' scores, and no difference of two groups of them."""
    means = (statistics.at(1) == 1) & (statistics.at(0) == scores)
    others = statistics.known & ~known
    return bool(known.any() and means[known].all() and (statistics.lengths[others] <= 3).all())


def _clusters(name: str, row: dict[str, Any], table: Table, known: Flags, found: Found) -> None:
    import numpy as np

    own = table.clusters[known]
    count = int((np.bincount(own[own >= 0]) > 0).sum() + (own < 0).sum())
    told = row.get("clusters")
    if told != (count if count < len(own) else None):
        have = count if count < len(own) else "none that two of them share"
        found.say(f"{name}: it says {told} clusters, and its samples have {have}.")


def _value(name: str, row: dict[str, Any], scores: list[float], weighing: Floats, found: Found) -> None:
    weights = weighing.tolist()
    try:
        alike = bool((weighing == 1).all())
        parts = scores if alike else [score * weight for score, weight in zip(scores, weights, strict=True)]
        mean = math.fsum(parts) / (len(parts) if alike else math.fsum(weights))
    except (ValueError, OverflowError):  # infinities of both signs, or sums that no float holds
        mean = math.nan
    value = row.get("value")
    if value is None or not math.isclose(value, mean, rel_tol=_RELATIVE, abs_tol=1e-12):
        weighed = "weighted mean" if len(set(weights)) > 1 else "mean"
        found.say(f"{name}: it says {value}, and the {weighed} of its {len(scores)} scores is {mean!r}.")
