"""A run's own settings for generated texts, from its record."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from lsm_eval.results.schema import Manifest, TaskRow


def given_settings(manifest: Manifest, task: TaskRow) -> dict[str, Any]:
    """The settings `max_tokens`, `system`, `temperature`, `top_p` and `stop` that were given and affect the task.

    The task's own settings are not in records, and not included.
    """
    if task.request != "generate":
        return {}
    settings = manifest.settings
    found: dict[str, Any] = {}
    most = settings.get("max_tokens")
    if isinstance(most, int) and not isinstance(most, bool) and most > 0:
        found["max_tokens"] = most
    if task.choices is not None:
        return found
    system, stop = settings.get("system"), settings.get("stop")
    if isinstance(system, str):
        found["system"] = system
    # If a server accepts no temperature, texts were sampled with its own.
    for name in () if "temperature" in manifest.model.details else ("temperature", "top_p"):
        value = settings.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            found[name] = value
    if isinstance(stop, list) and stop and all(isinstance(text, str) for text in stop):
        found["stop"] = stop
    return found


def generation_keywords(manifest: Manifest, tasks: Iterable[TaskRow]) -> dict[str, Any]:
    """The settings for these tasks, under lm-evaluation-harness's names."""
    said: dict[str, Any] = {}
    for task in tasks:
        said |= given_settings(manifest, task)
    found = {"until": said.get("stop"), "max_gen_toks": said.get("max_tokens")}
    if "temperature" in said:
        found["do_sample"] = said["temperature"] > 0
        found["temperature"] = said["temperature"]
        found["top_p"] = said.get("top_p")
    return {name: value for name, value in found.items() if value is not None}
