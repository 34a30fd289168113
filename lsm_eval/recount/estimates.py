"""Recomputes estimates from the samples' scores, and checks them against their tasks."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsm_eval.recount import shapes
from lsm_eval.recount.files import ESTIMATES as FILE
from lsm_eval.recount.files import Problems, finite, not_finite, numbers, read_json
from lsm_eval.recount.generation import check_settings
from lsm_eval.recount.shapes import first_fault, is_count, shown

if TYPE_CHECKING:
    from lsm_eval.recount.table import Flags, Floats, Statistics, Table

_MEANS = ("wilson", "wilson(effective)", "wilson(effective, clusters)", "clopper-pearson", "t", "t(clusters)")
"""Methods that are used only for plain means over samples."""
_AS_IMPORTED = "none (as imported"
_RELATIVE = 1e-9
"""Relative tolerance for sums of the same numbers in different order."""


def check_estimates(
    folder: Path, manifest: dict[str, Any], tables: dict[str, Table], problems: Problems
) -> tuple[list[dict[str, Any]], int]:
    """The estimates in the file, and how many of their values were recomputed: those of tasks with a table."""
    content = read_json(folder / FILE, problems)
    if content is None:
        return [], 0
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        problems.add(f"{FILE} is not a list of objects.")
        return [], 0
    tasks = {row["task"]: row for row in manifest["tasks"]}
    absent = {
        (row.get("task"), row.get("metric")) for row in manifest.get("absent") or () if isinstance(row, dict)
    }
    seen: set[tuple[str, str]] = set()
    recomputed = 0
    for place, row in enumerate(content):
        fault = first_fault(row, shapes.ESTIMATE)
        if fault:
            problems.add(f"{FILE}: row {place} ({_named(row)}) is not an estimate: {fault}.")
            continue
        key = row["task"], row["metric"]
        name = f"{row['task']}, {row['metric']}"
        if row["task"] not in tasks:
            problems.add(f"{name}: the task is not in manifest.json.")
            continue
        if key in seen:
            problems.add(f"{name}: there are two estimates of it.")
        if key in absent:
            problems.add(f"{name}: manifest.json says that it was left out, and there is an estimate of it.")
        seen.add(key)
        _check_row(name, row, problems)
        _check_signature(name, row, tasks[row["task"]], manifest, tables.get(row["task"]), problems)
        if row["task"] in tables:
            recomputed += _recount(name, row, tables[row["task"]], problems)
    for task, table in tables.items():
        for metric in table.metrics():
            if (task, metric) not in seen:
                problems.add(f"{task}, {metric}: samples have scores, and there is no estimate of them.")
    return content, recomputed


def _named(row: dict[str, Any]) -> str:
    return shown(f"{row.get('task')}, {row.get('metric')}")


def _check_row(name: str, row: dict[str, Any], problems: Problems) -> None:
    """Checks an estimate by itself."""
    for at, number in () if finite(row) else numbers(row):
        if not_finite(number):
            problems.add(f"{name}: {at} is {number}, which is not a valid value.")
            return
    value: Any = row.get("value")
    low: Any = row.get("low")
    high: Any = row.get("high")
    if (low is None) != (high is None):
        problems.add(f"{name}: its interval has one end only.")
    elif low is not None and value is None:
        problems.add(f"{name}: it has an interval and no value.")
    elif low is not None and not _below(low, value, high):
        problems.add(f"{name}: the value {value} is not inside its interval, {low} to {high}.")
    if row["n"] is None and not row["method"].startswith(_AS_IMPORTED):
        problems.add(f"{name}: it does not state its number of samples.")
    if row["n"] is not None and row["ties"] > row["n"]:
        problems.add(f"{name}: {row['ties']} ties are more than its {row['n']} samples.")
    if value is not None and row["n"] == 0:
        problems.add(f"{name}: it has the value {value} and no sample.")
    if row.get("stderr") is not None and row["stderr"] < 0:
        problems.add(f"{name}: its standard error is {row['stderr']}.")


def _below(low: float, value: float, high: float) -> bool:
    room = _RELATIVE * max(abs(low), abs(value), abs(high))
    return low - room <= value <= high + room


def _check_signature(
    name: str,
    row: dict[str, Any],
    task: dict[str, Any],
    manifest: dict[str, Any],
    table: Table | None,
    problems: Problems,
) -> None:
    """Checks the parts of the signature against manifest and row."""
    if row["task_version"] != task["version"]:
        problems.add(
            f"{name}: it is of version {row['task_version']} of the task, and manifest.json has {task['version']}."
        )
    for key in ("title", "area"):
        if row[key] != task[key]:
            problems.add(f"{name}: its {key} is {shown(row[key])}, and manifest.json has {shown(task[key])}.")
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
        problems.add(f"{name}: its signature begins with {parts[:1]}, which is not its task and version.")
    stated: dict[str, list[str]] = {}
    for part in parts[1:]:
        key, colon, text = part.partition(":")
        if colon:
            stated.setdefault(key, []).append(text)
    _check_request_parts(name, stated, task, manifest, table, problems)
    chosen = stated.get("chosen", [])
    if chosen != ([] if task.get("chosen") is None else [str(task["chosen"])]):
        problems.add(
            f"{name}: its signature says {shown(chosen[0]) if chosen else 'nothing'} of chosen samples, and manifest.json "
            f"{shown(task.get('chosen'))}."
        )
    for prefix, right in wanted.items():
        own = stated.get(prefix.removesuffix(":"), [])
        if right.isdisjoint(own):
            said = f"says {prefix}{own[0]}" if own else f"does not say {prefix}…"
            problems.add(
                f"{name}: its signature {said}, and manifest.json and the row say {prefix}{min(right)}."
            )


def _check_request_parts(
    name: str,
    parts: dict[str, list[str]],
    task: dict[str, Any],
    manifest: dict[str, Any],
    table: Table | None,
    problems: Problems,
) -> None:
    """Checks the parts (by the name before their colon) on choices, on the limit of reasoning and on generation, which a signature has only if they
    apply."""
    said = next(iter(parts.get("choices", ())), None)
    stated = task.get("choices")
    if (said is None) != (stated is None) or not (said or "").startswith(f"{stated}/" if stated else ""):
        problems.add(
            f"{name}: its signature says {shown(said) if said else 'nothing'} of how choices were asked, and manifest.json "
            f"{shown(stated) if stated else 'nothing'}."
        )
    settings: Any = manifest.get("settings")
    # Another tool's settings may have the same names, but its signatures do not include them.
    imported = manifest.get("imported") is not None
    if imported or not isinstance(settings, dict) or task.get("request") != "generate":
        return
    for key in ("reasoning_tokens", "reasoning_effort"):
        own = parts.get(key, [])
        if own != ([] if settings.get(key) is None else [str(settings[key])]):
            problems.add(
                f"{name}: its signature says {shown(own[0]) if own else 'nothing'} of {key}, and manifest.json "
                f"{shown(settings.get(key))}."
            )
    if stated is None:
        check_settings(name, parts, task, settings, table, problems)


def _recount(name: str, row: dict[str, Any], table: Table, problems: Problems) -> bool:
    """Checks samples, missing, clusters and value against the table. Returns whether the value was recomputed."""
    if row["method"].startswith(_AS_IMPORTED):
        return False  # another tool's number, whose computation is unknown
    lacking = int(table.failed.sum())
    n, missing = row["n"], row["missing"]
    if (n or 0) + missing > table.rows:
        problems.add(
            f"{name}: {n} samples and {missing} missing are more than the {table.rows} of the table."
        )
    if not (table.has(f"score.{row['metric']}") and table.has(f"stats.{row['metric']}")):
        return False
    scores, known = table.scores(row["metric"])
    statistics = table.statistics(row["metric"])
    lacking += _unjudged(known, statistics)
    scored, counted = int(known.sum()), int(statistics.known.sum())
    plain = _of_mean(row) and _plain(scores, known, statistics)
    if scored:
        if n != scored and (plain or n != counted):
            problems.add(f"{name}: it says that it rests on {n} samples, and {scored} have a score.")
        if missing > lacking + (0 if n else table.rows):
            problems.add(
                f"{name}: it says {missing} missing, and {lacking} samples failed or could not be judged."
            )
    if not plain:
        return False
    if scored + lacking == table.rows and "[" not in row["metric"] and missing != lacking:
        problems.add(
            f"{name}: it says {missing} missing, and {lacking} samples failed or could not be judged."
        )
    if n == scored:
        _clusters(name, row, table, known, problems)
    _value(name, row, scores[known].tolist(), table.weights[known], problems)
    return True


def _of_mean(row: dict[str, Any]) -> bool:
    """Whether its method is one for means, or none although it has a value (too few clusters, or all values equal): statistics (score, 1)
    are those of a mean then, too."""
    return row["method"] in _MEANS or (row["method"].startswith("none (") and row.get("value") is not None)


def _unjudged(known: Flags, statistics: Statistics) -> int:
    """Number of samples that a judge could not judge; their statistics are (0, 0, 1)."""
    if not (statistics.lengths == 3).any():
        return 0
    left = (statistics.at(0) == 0) & (statistics.at(1) == 0) & (statistics.at(2) == 1)
    return int((~known & (statistics.lengths == 3) & left).sum())


def _plain(scores: Floats, known: Flags, statistics: Statistics) -> bool:
    """Whether the metric is a plain mean of the samples' scores, not a difference between two groups of them."""
    means = (statistics.at(1) == 1) & (statistics.at(0) == scores)
    others = statistics.known & ~known
    return bool(known.any() and means[known].all() and (statistics.lengths[others] <= 3).all())


def _clusters(name: str, row: dict[str, Any], table: Table, known: Flags, problems: Problems) -> None:
    import numpy as np

    own = table.clusters[known]
    count = int((np.bincount(own[own >= 0]) > 0).sum() + (own < 0).sum())
    stated = row.get("clusters")
    if stated != (count if count < len(own) else None):
        have = count if count < len(own) else "none that two of them share"
        problems.add(f"{name}: it says {stated} clusters, and its samples have {have}.")


def _value(name: str, row: dict[str, Any], scores: list[float], weighing: Floats, problems: Problems) -> None:
    weights = weighing.tolist()
    try:
        alike = bool((weighing == 1).all())
        parts = scores if alike else [score * weight for score, weight in zip(scores, weights, strict=True)]
        mean = math.fsum(parts) / (len(parts) if alike else math.fsum(weights))
    except (ValueError, OverflowError):  # infinities of both signs, or sums too large for a float
        mean = math.nan
    value = row.get("value")
    if value is None or not math.isclose(value, mean, rel_tol=_RELATIVE, abs_tol=1e-12):
        weighed = "weighted mean" if len(set(weights)) > 1 else "mean"
        problems.add(f"{name}: it says {value}, and the {weighed} of its {len(scores)} scores is {mean!r}.")
