"""What records say of the front page's columns: numbers, their means, and how they are written. Shares no code with the site."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq


@dataclass
class Found:
    """One number, as the files say."""

    value: float
    low: float | None
    high: float | None
    n: int
    missing: int
    cut: int
    answers: int
    unit: str
    higher: bool | None
    area: str
    signature: tuple[str, ...]
    marked: bool = False


Records = tuple[dict[str, dict[str, Found]], dict[str, str]]
"""By model and column (`task:NAME:METRIC`) what was found, and each task's first metric's column."""


def read(root: Path) -> Records:
    """What records say, with the plain means made anew from their samples."""
    models: dict[str, dict[str, Found]] = {}
    first: dict[str, str] = {}
    for manifest in sorted(root.rglob("manifest.json")):
        said = json.loads(manifest.read_text())
        how = {row["task"]: row for row in said["tasks"]}
        own = models.setdefault(said["model"]["name"], {})
        assert not own, "one record a model"
        for row in json.loads((manifest.parent / "estimates.json").read_text()):
            first.setdefault(row["task"], row["metric"])
            if row["value"] is None:
                continue
            table = pq.read_table(manifest.parent / "samples" / f"{row['task']}.parquet").to_pylist()
            scores = [line.get(f"score.{row['metric']}") for line in table]
            stats = [
                line.get(f"stats.{row['metric']}")
                for line, score in zip(table, scores, strict=True)
                if score is not None
            ]
            value = row["value"]
            if stats and all(one is not None and len(one) == 2 and one[1] == 1 for one in stats):
                value = sum(one[0] for one in stats) / len(stats)
                assert len(stats) == row["n"]
                assert len(table) - len(stats) == row["missing"]
            cut = (how[row["task"]].get("cut_off") or {}).get("samples", 0)
            own[f"task:{row['task']}:{row['metric']}"] = Found(
                value, row["low"], row["high"], row["n"], row["missing"], cut, len(table), row["unit"], row["higher_is_better"], row["area"],
                comparable(row["signature"]),
            )  # fmt: skip
    mark(models)
    return models, {name: f"task:{name}:{metric}" for name, metric in first.items()}


def comparable(signature: str) -> tuple[str, ...]:
    """The parts of a signature that two numbers of one column have alike."""
    return tuple(
        part for part in signature.split() if not part.startswith(("model:", "lsm-eval:", "intervals:"))
    )


def mark(models: dict[str, dict[str, Found]]) -> None:
    """Marks what is not comparable with most of its column."""
    for column in {column for own in models.values() for column in own}:
        held = [own[column] for own in models.values() if column in own]
        usual = Counter(one.signature for one in held).most_common(2)
        norm = usual[0][0] if len(usual) == 1 or usual[0][1] > usual[1][1] else None
        for one in held:
            one.marked = one.signature != norm


def averaged(own: dict[str, Found], columns: list[str], *, rate: bool) -> Found | None:
    """The mean of those that a model has: shares of 1, as rates of harm or as scores."""
    parts = []
    for column in columns:
        if column in own:
            one = own[column]
            scale = 100 if one.unit == "points" else 1
            ends = [None if end is None else end / scale for end in (one.low, one.value, one.high)]
            if one.higher is rate:
                ends = [None if end is None else 1 - end for end in reversed(ends)]
            parts.append((ends, one))
    if not parts:
        return None
    count = len(parts)
    value = sum(ends[1] or 0.0 for ends, _ in parts) / count
    bounded = all(ends[0] is not None for ends, _ in parts)
    down = math.sqrt(sum(((ends[1] or 0) - (ends[0] or 0)) ** 2 for ends, _ in parts)) / count
    up = math.sqrt(sum(((ends[2] or 0) - (ends[1] or 0)) ** 2 for ends, _ in parts)) / count
    total: Callable[[str], int] = lambda name: sum(getattr(one, name) for _, one in parts)  # noqa: E731
    return Found(
        value, value - down if bounded else None, value + up if bounded else None, total("n"), total("missing"), total("cut"),
        total("answers"), "fraction", not rate, "", (f"{count}/{len(columns)}",), any(one.marked for _, one in parts),
    )  # fmt: skip


def written(number: float, unit: str) -> str:
    number = 100 * number if unit == "fraction" else number
    digits = {"fraction": 1, "points": 1, "perplexity": 2, "ratio": 2, "bits": 3, "nats": 3}.get(unit)
    text = f"{number:.4g}" if digits is None else f"{number:.{digits}f}"
    return text.replace("-", "−" if float(text) else "")


def said_of(share: int, whole: int, what: str) -> set[str]:
    if not share:
        return set()
    percent = 100 * share / whole
    return {f"{'<0.1' if percent < 0.1 else f'{percent:.1f}'}% {what}"}
