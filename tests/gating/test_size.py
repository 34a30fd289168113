"""10,000 samples with 100 metrics are compared and gated, records counted again, within five seconds."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command_line import SCORE, write_task
from gate_runs import rows, run_of
from honest import edit

import lsm_eval
from lsm_eval.gating.policy import Policy

SAMPLES, METRICS = 10_000, 100


def widened(record: Path, seed: int) -> Path:
    """With 99 more metrics, one half of them 0 or 1."""
    path = record / "samples" / "big.parquet"
    table = pd.read_parquet(path)
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {}
    first = json.loads((record / "estimates.json").read_text())[0]
    made: list[dict[str, Any]] = []
    for at in range(METRICS - 1):
        values = rng.random(len(table))
        scores = (values < 0.7).astype(float) if at % 2 else values
        columns |= {f"score.m{at}": scores, f"stats.m{at}": [[score, 1.0] for score in scores]}
        signature = first["metric_signature"].replace("acc", f"m{at}", 1)
        parts = first["signature"].replace("metric:acc", f"metric:m{at}")
        own = {
            "metric": f"m{at}",
            "value": float(scores.mean()),
            "metric_signature": signature,
            "signature": parts,
        }
        made.append({**first, **own, "low": None, "high": None, "stderr": None})
    pd.concat([table, pd.DataFrame(columns)], axis=1).to_parquet(path)
    edit(record / "estimates.json", lambda rows: rows.extend(made))
    return record


@pytest.mark.slow
def test_a_large_record_is_compared_and_gated_in_seconds(tmp_path: Path) -> None:
    write_task(tmp_path / "tasks", "big", rows(9_600, 250, 150), **{**SCORE, "metrics": ["acc"]})
    models = ("builtin:first", "builtin:longest")
    records = [
        widened(run_of(model, tmp_path / "tasks", tmp_path / "reports"), seed)
        for seed, model in enumerate(models)
    ]
    policy = Policy.model_validate({"rules": [{"task": "big", "metric": "*"}]})
    took = []
    for _ in range(3):
        start = time.process_time()
        compared = lsm_eval.compare(records[0], records[1])
        result = lsm_eval.gate(records[0], records[1], policy)
        took.append(time.process_time() - start)
        if took[-1] < 5:
            break
    assert len(compared.rows) == len(result.findings) == METRICS
    assert compared.rows[0].n == SAMPLES
    assert not compared.refused
    # Processor time, too, is more where another test runs beside: the cores share caches.
    assert took[-1] < (8 if "PYTEST_XDIST_WORKER" in os.environ else 5), took
