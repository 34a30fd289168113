"""What the table shows about each model beside its numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lsm_eval.leaderboard.board import ModelEntry
from lsm_eval.leaderboard.naming import source_name

_SCHEME = re.compile(r"([a-z][a-z0-9_+.-]*):")
_PLAIN = "local files"


@dataclass(frozen=True, slots=True)
class Row:
    """One model."""

    short: str
    """A short name that is unique among the rows."""
    backend: str
    """What loads or serves it: the word before `:` in its name, or the engine's first word."""
    licence: str
    parameters: int | None
    date: str
    """Date of its newest run, `2025-01-02`."""


def table_rows(models: Sequence[ModelEntry]) -> list[Row]:
    """One for each model."""
    return [
        Row(
            short, _backend(model), first.licence or "", first.parameters, f"{model.runs[0].created:%Y-%m-%d}"
        )
        for model, short in zip(models, short_names([model.name for model in models]), strict=True)
        for first in (model.runs[0].manifest.model,)
    ]


def short_names(names: Sequence[str]) -> list[str]:
    """Names without the prefix of what loads them, folders and organisations, as long as the rest is unique."""
    steps = [[_tail(name), _after_scheme(name), name] for name in names]
    level = [0] * len(names)
    while True:
        shown = [own[at] for own, at in zip(steps, level, strict=True)]
        count = Counter(shown)
        alike = [place for place, name in enumerate(shown) if count[name] > 1 and level[place] < 2]
        if not alike:
            return shown
        for place in alike:
            level[place] += 1


def _after_scheme(name: str) -> str:
    found = _SCHEME.match(name)
    return name[found.end() :] or name if found else name


def _tail(name: str) -> str:
    rest = _after_scheme(name)
    head, bracket, more = rest.partition(" (")
    if any(sign in head for sign in "<>\"' "):
        return rest  # no path
    last = head.rstrip("/").rpartition("/")[2] or head
    return (last.removesuffix(".gguf") or last) + bracket + more


def _backend(model: ModelEntry) -> str:
    own = model.runs[0].manifest.model
    found = _SCHEME.match(source_name(own))
    if found:
        return found[1]
    engine = own.details.get("engine", "")
    return engine.split(" ")[0].rstrip(",") if engine else _PLAIN
