"""Keeps how fast models were on this machine, so that a dry run can estimate how long a run takes.

It keeps tokens as a dry run counts them (each context once per continuation, each answer with the most tokens that it may have) and the
wall time in which they were answered, which thus includes the effect of shared prefixes and of answers that end early.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from lsm_eval.models.base import Model
from lsm_eval.paths import cache_file, expanded, is_folder
from lsm_eval.requests import kind
from lsm_eval.runner.environment import hardware
from lsm_eval.runner.execute import Tally
from lsm_eval.runner.prepared import PreparedTask
from lsm_eval.runner.spec import RunSpec

LEAST_SECONDS = 1.0
"""Shorter runs, in seconds, say nothing about long ones."""
_MOST = 500
"""The number of speeds that are kept, the newest ones."""
_LOAD = "load"


@dataclass(frozen=True)
class Estimate:
    """An estimate of how long a run takes."""

    seconds: float
    """Seconds for the kinds of requests with a measured speed; 0 if there is none."""
    days: tuple[date, ...]
    """The days of the measurements, ascending."""
    unknown: tuple[str, ...]
    """Kinds of requests without a measured speed."""


def keep(
    spec: RunSpec,
    model: Model,
    prepared: Sequence[PreparedTask],
    tallies: Sequence[Tally],
    seconds: Mapping[str, float],
    created: datetime,
) -> None:
    """Keep how fast this run was. `seconds`: of its phases (`work.PhaseTimer`). If the file cannot be written, nothing is kept."""
    planned = _planned(prepared)
    found: dict[str, Any] = {}
    for name, tokens in planned.items():
        own = [tally for tally in tallies if tally.kind == name]
        unique, computed = sum(tally.unique for tally in own), sum(tally.computed for tally in own)
        took, failed = seconds.get(name, 0.0), sum(tally.failed for tally in own)
        if tokens and unique and 2 * failed < computed and took >= LEAST_SECONDS:
            found[name] = {"tokens": tokens * computed / unique, "seconds": round(took, 3)}
    if not found:
        return
    if "load model" in seconds:
        found[_LOAD] = {"seconds": round(seconds["load model"], 3)}
    place = cache_file("speeds.json")
    kept = _read(place)
    key = _key(spec, model)
    kept[key] = {
        **kept.pop(key, {}),
        **{name: {**one, "day": created.date().isoformat()} for name, one in found.items()},
    }
    text = json.dumps(dict([*kept.items()][-_MOST:]))
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_name(f"{place.name}.{os.getpid()}")
        part.write_text(text, encoding="utf-8")
        part.replace(place)


def estimate(spec: RunSpec, model: Model, prepared: Sequence[PreparedTask]) -> Estimate | None:
    """How long these tasks take, from earlier runs of the same model and options on this machine; None if there are none."""
    known = _read(cache_file("speeds.json")).get(_key(spec, model), {})
    total, days, unknown = 0.0, set(), []
    for name, tokens in _planned(prepared).items():
        one = known.get(name)
        if tokens is None or one is None:
            unknown.append(name)
            continue
        total += tokens * one["seconds"] / one["tokens"]
        days.add(date.fromisoformat(one["day"]))
    if not days:
        return None
    return Estimate(
        total + known.get(_LOAD, {"seconds": 0.0})["seconds"], tuple(sorted(days)), tuple(unknown)
    )


def _planned(prepared: Sequence[PreparedTask]) -> dict[str, int | None]:
    """Tokens to be asked by kind of request; None if those of a task are not counted."""
    found: dict[str, int | None] = {}
    for task in prepared:
        requests = [request for sample in task.samples for request in sample.requests]
        for at, request in enumerate(requests):
            name = kind(request)
            before = found.setdefault(name, 0)
            found[name] = before + task.tokens[at] if task.tokens and before is not None else None
    return found


def _key(spec: RunSpec, model: Model) -> str:
    """A key of this machine and of the model's settings that determine its speed."""
    options, info, machine = spec.options, model.info, hardware(None)
    endpoint = options.endpoint
    place = str(expanded(spec.model).resolve()) if is_folder(spec.model) else spec.model
    content = [
        place, info.name, info.device, info.dtype, options.engine, options.adapter, options.quantize, options.batch_tokens,
        options.context, options.slots, options.threads, endpoint and [endpoint.base_url, *endpoint.more_urls],
        platform.node(), *(machine[name] for name in ("machine", "cpu", "cores", "memory_bytes")),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()[:24]


def _read(place: Path) -> dict[str, dict[str, Any]]:
    """The kept speeds; empty if there is no file, or it is not one of ours."""
    try:
        content = json.loads(place.read_text(encoding="utf-8"))
        return {key: own for key, own in content.items() if _whole(own)}
    except (OSError, ValueError, TypeError, AttributeError, LookupError):
        return {}


def _whole(own: Mapping[str, Any]) -> bool:
    for name, one in own.items():
        date.fromisoformat(one["day"])
        if not one["seconds"] >= 0 or (name != _LOAD and not one["tokens"] > 0):
            return False
    return True
