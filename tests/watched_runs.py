"""Candidates of a known truth, shown look by look to the gate that `lsm-eval run --gate` has; no model is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from command_line import SCORE, write_task
from gate_runs import run_of

from lsm_eval.comparison.aggregates import Aggregates
from lsm_eval.gating.early.conclude import conclude
from lsm_eval.gating.early.plan import LookPlan, plan
from lsm_eval.gating.early.task import RunTask
from lsm_eval.gating.early.watch import SequentialGate
from lsm_eval.gating.policy import Policy
from lsm_eval.gating.result import GateResult
from lsm_eval.gating.run_comparison import SampleTables
from lsm_eval.results.reader import Record, read_record
from lsm_eval.runner.gated import in_memory


@dataclass(frozen=True)
class Watched:
    """A baseline, and the plan of runs against it."""

    baseline: Record
    own: SampleTables
    policy: Policy
    plan: LookPlan

    def judged(self, scores: dict[str, np.ndarray[Any, Any]]) -> GateResult:
        """What the gate says of a candidate with these scores [n] of each task, NaN for a sample that failed, at whatever look it ends."""
        watch = SequentialGate(self.plan, self.baseline, self.own, self.policy, (), Aggregates())
        asked: dict[str, list[int]] = {}
        while due := watch.due():
            for name, places in due.items():
                asked.setdefault(name, []).extend(places)
            made = {name: self._columns(name, places, scores[name]) for name, places in asked.items()}
            candidate, tables = in_memory(
                self.baseline.manifest, self.baseline.estimates, made, datetime.now(UTC)
            )
            watch.see(candidate, tables)
        return conclude(watch, candidate, tables)

    def _columns(
        self, name: str, places: Sequence[int], scores: np.ndarray[Any, Any]
    ) -> dict[str, list[Any]]:
        table = self.own.of(name)
        assert table is not None
        own = scores[list(places)]
        lost = np.isnan(own)
        return {
            "sample": [table.ids[at] for at in places],
            "cluster": [table.clusters[at] for at in places],
            "asked": [table.asked[at] for at in places],
            "finish": [None] * len(places),
            "truncated": [0] * len(places),
            "failure": ["nan" if one else None for one in lost],
            "stats.acc": [None if bad else [float(one), 1.0] for one, bad in zip(own, lost, strict=True)],
        }


def watched(folder: Path, sizes: dict[str, tuple[int, int]], **policy: Any) -> Watched:
    """A real run of `builtin:first` that gets half of it right, as baseline: of each task so many samples, in clusters of so many."""
    for name, (count, size) in sizes.items():
        rows = [
            {"id": f"q{at}", "question": f"is it {at}", "choices": ["yes", "no"], "answer": at % 2, "group": f"g{at // size}"}
            for at in range(count)
        ]  # fmt: skip
        write_task(folder / "tasks", name, rows, **SCORE, cluster="{{ group }}" if size > 1 else None)
    baseline = read_record(run_of("builtin:first", folder / "tasks", folder / "reports"))
    own, told = SampleTables(baseline), Policy.model_validate(policy)
    tasks = []
    for name in sizes:
        table = own.of(name)
        assert table is not None
        row = next(one for one in baseline.estimates if one.task == name)
        asked = [str(one) for one in table.asked]
        tasks.append(
            RunTask(
                name, table.ids, asked, table.clusters, [1.0] * len(asked), {"acc": row.signature}, (), ()
            )
        )
    return Watched(baseline, own, told, plan(tasks, baseline, own, told, seed=0))


def drawn(
    rng: np.random.Generator, setting: Watched, name: str, *, gained: float, lost: float, size: int = 1
) -> np.ndarray[Any, Any]:
    """Scores of a candidate [n]: so many of all samples gained and lost. In clusters of more than one the chances of a cluster's samples
    are alike (beta-binomial, correlation 0.2)."""
    table = setting.own.of(name)
    assert table is not None
    statistics = table.statistics("acc")
    assert statistics is not None
    right = statistics[:, 0]
    # Half of the baseline is right.
    chances = np.where(right == 1, 2 * lost, 2 * gained)
    if size > 1:
        clusters = -(-len(right) // size)
        lose, gain = (
            np.repeat(rng.beta(4 * max(2 * one, 1e-9), 4 * (1 - 2 * one), clusters), size)[: len(right)]
            for one in (lost, gained)
        )
        chances = np.where(right == 1, lose, gain)
    return np.where(rng.random(len(right)) < chances, 1 - right, right)
