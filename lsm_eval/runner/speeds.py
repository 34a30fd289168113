"""How fast models were on this machine, kept so that a dry run can say about how long a run takes.

What is kept is tokens as a dry run counts them (each context as often as it has continuations, each answer with the most tokens that it may have)
and the wall time in which such requests were answered: sharing of prefixes and answers that end early are in it.
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
"""What took less says nothing of what takes long."""
_MOST = 500
"""Speeds that are kept, the newest."""
_LOAD = "load"


@dataclass(frozen=True)
class Estimate:
    """About how long a run takes."""

    seconds: float
    """Of what was measured; 0 only where nothing was."""
    days: tuple[date, ...]
    """On which it was measured, ascending."""
    unknown: tuple[str, ...]
    """Kinds of requests of which nothing was measured."""


def keep(
    spec: RunSpec,
    model: Model,
    prepared: Sequence[PreparedTask],
    tallies: Sequence[Tally],
    seconds: Mapping[str, float],
    created: datetime,
) -> None:
    """Keep how fast this run was. `seconds`: of its phases (`work.Timed`). What cannot be written is not kept."""
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
    """How long these tasks take by what was measured of the same model and options on this machine; None where nothing was."""
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
    """Tokens that are asked, a kind of request; None where those of one task are not counted."""
    found: dict[str, int | None] = {}
    for task in prepared:
        requests = [request for sample in task.samples for request in sample.requests]
        for at, request in enumerate(requests):
            name = kind(request)
            before = found.setdefault(name, 0)
            found[name] = before + task.tokens[at] if task.tokens and before is not None else None
    return found


def _key(spec: RunSpec, model: Model) -> str:
    """Of the model, what decides how fast it is, and this machine."""
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
    """What is kept; nothing where there is no such file, or one that is none of ours."""
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
