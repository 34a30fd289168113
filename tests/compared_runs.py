"""Two runs of two tiny checkpoints on the same small tasks, for tests of what holds them against each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from command_line import GENERATE, PERPLEXITY, QUESTIONS, SCORE, call, write_task
from tiny_models import save_model


@dataclass(frozen=True)
class Runs:
    """Records, and the tasks that they are of."""

    tasks: Path
    first: Path
    second: Path
    checkpoint: Path
    """Of the second run."""


def make_runs(folder: Path) -> Runs:
    """The second model is another one; of `choose`, `say`, `read` and `told` (F1 and BLEU, sensitive) each has 24 samples."""
    tasks = folder / "tasks"
    rows = [
        {**row, "id": f"q{at:02}", "kind": "even" if at % 2 else "odd"} for at, row in enumerate(QUESTIONS)
    ]
    write_task(
        tasks,
        "choose",
        rows,
        **{**SCORE, "metrics": [{"acc": {"by": "kind"}}, "acc_norm"]},
        metadata={"kind": "{{ kind }}"},
    )
    write_task(tasks, "say", rows, **GENERATE)
    write_task(tasks, "read", rows, **PERPLEXITY)
    write_task(tasks, "told", rows, **{**GENERATE, "metrics": ["f1", "bleu", "chrf"]}, sensitive=True)
    models = [save_model(folder / f"model{seed}", seed=seed) for seed in (0, 1)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSM_EVAL_CACHE", str(folder / "cache"))
        patch.setenv("OMP_NUM_THREADS", "1")
        records = [
            call(
                "run",
                "--tasks",
                "choose,say,read,told",
                "--model",
                model,
                "--include",
                tasks,
                "--store",
                "none",
                "--out",
                folder / "reports",
            ).record
            for model in models
        ]
    return Runs(tasks, records[0], records[1], models[1])
