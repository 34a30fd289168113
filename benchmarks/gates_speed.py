"""How long a gate takes as a process: 10,000 samples of 100 metrics, and its help."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

SAMPLES, METRICS, ROUNDS = 10_000, 100, 5
TASK = """
task: large
version: 1
title: Large
area: accuracy
dataset: {file: large.jsonl, columns: [question, choices, answer]}
licence: CC0-1.0
source: made by a benchmark
request: score
prompt: "{{ question }}"
choices: "{{ choices }}"
target: "{{ answer }}"
metrics: [acc]
"""


def speed(samples: int = SAMPLES, metrics: int = METRICS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Medians of seconds, and the load of the machine before (of one minute)."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        records = make_records(folder, samples, metrics)
        policy = folder / "gate.yaml"
        policy.write_text('rules: [{task: large, metric: "*"}]\n')
        command = ["gate", "--policy", str(policy), "--baseline", str(records[0]), "--candidate", str(records[1])]  # fmt: skip
        answer = folder / "gate.json"
        timed = [_seconds([*command, "--json", str(answer)], folder, codes=(0, 1, 3)) for _ in range(rounds)]
        gated = len(json.loads(answer.read_text(encoding="utf-8"))["findings"])
        helped = [_seconds(["gate", "--help"], folder, codes=(0,)) for _ in range(rounds)]
    return {
        "samples": samples,
        "metrics": gated,
        "rounds": rounds,
        "gate": round(statistics.median(timed), 3),
        "help": round(statistics.median(helped), 3),
        "load": round(load, 1),
    }


def make_records(folder: Path, samples: int, metrics: int) -> list[Path]:
    """Two runs of one task; all metrics but the first are the first with some of its samples changed."""
    import pandas as pd

    kinds = [(["yes indeed", "no"], 0)] * 18 + [(["yes", "no indeed"], 0), (["no", "yes indeed"], 1)]
    rows = [
        {"question": f"is it {at}", "choices": kinds[at % 20][0], "answer": kinds[at % 20][1]}
        for at in range(samples)
    ]
    (folder / "large.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "large.yaml").write_text(TASK)
    found = []
    for model in ("first", "longest"):
        run = ["run", "--tasks", "large", "--include", str(folder), "--model", f"builtin:{model}"]
        _seconds([*run, "--store", "none", "--out", str(folder / "reports")], folder, codes=(0,))
        (record,) = (folder / "reports" / f"builtin--{model}").iterdir()
        table = pd.read_parquet(record / "samples" / "large.parquet")
        (estimate,) = json.loads((record / "estimates.json").read_text())
        estimates, more = [estimate], {}
        for at in range(1, metrics):
            # The baseline's changes are the same for both, so that pairs differ as two runs do.
            changed = np.random.default_rng(at).random(samples) < 0.3
            own = np.random.default_rng([at, model == "first"]).random(samples) < 0.001 * at
            scores = (table["score.acc"].to_numpy() != 0) ^ changed ^ own
            more[f"score.acc{at}"] = scores.astype(float)
            more[f"stats.acc{at}"] = [[float(one), 1.0] for one in scores]
            estimates.append({**estimate, "metric": f"acc{at}", "value": float(scores.mean()), "low": None, "high": None, "stderr": None})  # fmt: skip
        pd.concat([table, pd.DataFrame(more)], axis=1).to_parquet(record / "samples" / "large.parquet")
        (record / "estimates.json").write_text(json.dumps(estimates))
        found.append(record)
    return found


def _seconds(command: list[str], folder: Path, *, codes: tuple[int, ...]) -> float:
    env: Mapping[str, str] = {**os.environ, "LSM_EVAL_CACHE": str(folder / "cache")}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "lsm_eval", *command], env=env, capture_output=True, text=True, check=False
    )
    taken = time.perf_counter() - start
    if done.returncode not in codes:
        raise RuntimeError(f"lsm-eval {' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return taken


if __name__ == "__main__":
    print(json.dumps(speed()))
