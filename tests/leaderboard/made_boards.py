"""Boards of many models for tests of the pages: seeded outcomes, harmful and redacted tasks, answers that were cut or failed."""

from __future__ import annotations

import math
import random
from pathlib import Path

from records import Json, estimate, generated, sample, task, write_record

MODELS = {"org/alpha-7b": 0.85, "beta": 0.7, "gamma": 0.62, "delta-instruct": 0.6, "epsilon": 0.3}
"""Names, and how often each is right."""


def numbers(name: str, right: int, n: int, **other: object) -> Json:
    """An estimate of a share with its Wilson interval."""
    share, z = right / n, 1.959964
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    row = estimate(name, value=share, low=middle - half, high=middle + half, method="wilson")
    return {**row, "stderr": math.sqrt(share * (1 - share) / n), "n": n, **other}


def made_board(root: Path, *, samples: int = 60, models: dict[str, float] = MODELS) -> Path:
    """Records of `models` on three tasks (choices, generated, harmful and generated) of so many samples each, and of one row without
    a model."""
    chance = random.Random(7)
    hard = [chance.random() for _ in range(samples)]
    for place, (name, skill) in enumerate(models.items()):
        rows: list[Json] = []
        estimates = []
        for kind, (area, higher) in {
            "arc": ("accuracy", True),
            "qa": ("quality", True),
            "adv": ("safety", False),
        }.items():
            own = [
                _sample(kind, at, hard[at] < skill + chance.uniform(-0.3, 0.3), higher, chance)
                for at in range(samples)
            ]
            rows += own
            scores = [row["score.accuracy"] for row in own if row["score.accuracy"] is not None]
            missing = samples - len(scores)
            estimates.append(
                numbers(
                    kind, int(sum(scores)), len(scores), area=area, higher_is_better=higher, missing=missing
                )
            )
        failed = sum(row["failure"] is not None and row["task"] == "qa" for row in rows)
        tasks = [
            task("arc"),
            task("qa", "quality", request="generate", failures={"too_long": failed} if failed else {}),
            task("adv", "safety", request="generate", sensitive=True),
        ]
        write_record(
            root / f"m{place}", name, estimates, tasks=tasks, samples=rows, created=f"2025-01-{place + 1:02}T03:04:05+00:00",
            model_fields={"fingerprint": f"{place:x}" * 64, "parameters": 10**9 * (place + 1), "licence": "Apache-2.0", "dtype": "float32"},
        )  # fmt: skip
    own = [sample("arc", at, **{"stats.accuracy": [1.0, 1.0]}) for at in range(samples)]
    write_record(root / "chance", "builtin:first", [numbers("arc", samples, samples)], samples=own)
    return root


def _sample(kind: str, at: int, right: bool, higher: bool, chance: random.Random) -> Json:
    score = float(right == higher)
    common = {"asked": f"{kind}{at}", "score.accuracy": score, "stats.accuracy": [score, 1.0]}
    if kind == "arc":
        likely, other = (-0.5, -2.0) if right else (-2.0, -0.5)
        return sample(
            kind, at, prompt=f"Q: question {at}, of word{at % 17}?\nA:", logprobs=[likely, other], **common
        )
    answer = f"the right answer {at}" if right else f"nonsense {at}"
    cut = {"finish": "length"} if at % 13 == 4 else {}
    lost = kind == "qa" and at % 19 == 7
    failed = {
        "failure": "too_long",
        "failure_detail": "9000 tokens",
        "score.accuracy": None,
        "stats.accuracy": None,
        "completion": None,
    }
    seconds = {"seconds": chance.expovariate(1.0)} if kind == "qa" else {}
    row = generated(
        kind, at, f"Tell me about {at}.", answer, [f"the right answer {at}"], **{**common, **cut, **seconds}
    )
    return {**row, **(failed if lost else {})}
