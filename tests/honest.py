"""Records that were edited for a test, made what they say again: manifest and estimates follow the sample tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd


def made_honest(record: Path, task: str) -> Path:
    """Counts, values and signatures of a task as its table has them; intervals of values that changed are gone."""
    table = pd.read_parquet(record / "samples" / f"{task}.parquet")
    failures = {str(name): int(count) for name, count in table["failure"].dropna().value_counts().items()}

    def manifest(content: dict[str, Any]) -> None:
        row = next(one for one in content["tasks"] if one["task"] == task)
        row |= {"samples": len(table), "failures": failures}

    def estimates(content: list[dict[str, Any]]) -> None:
        for row in content:
            if row["task"] != task:
                continue
            stats = table[f"stats.{row['metric']}"].dropna()
            row |= {"n": len(stats), "missing": 0 if "[" in row["metric"] else sum(failures.values())}
            row["signature"] = " ".join(
                f"n:{len(table)}" if part.startswith("n:") else part for part in row["signature"].split(" ")
            )
            if all(len(one) == 2 and one[1] == 1 for one in stats):
                scores = table[f"score.{row['metric']}"].dropna()
                weights = table.loc[scores.index, "weight"] if "weight" in table else scores * 0 + 1
                mean = float((scores * weights).sum() / weights.sum())
                if abs(mean - row["value"]) > 1e-12:
                    row |= {"value": mean, "low": None, "high": None, "stderr": None}

    edit(record / "manifest.json", manifest)
    edit(record / "estimates.json", estimates)
    return record


def edit(path: Path, change: Any) -> None:
    """Change the content of a JSON file in its place."""
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")
