"""Compares several runs of the same model to measure how much their results vary."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lsm_eval.comparison import signature
from lsm_eval.comparison.aggregates import Aggregates, aggregate_mismatch, is_mean
from lsm_eval.comparison.pairs import match
from lsm_eval.comparison.record_problem import record_problem
from lsm_eval.comparison.shown.escape import visible
from lsm_eval.comparison.tables import FloatArray, Table, read
from lsm_eval.errors import UserError
from lsm_eval.gating.calibration import (
    CalibratedMetric,
    CalibrationFile,
    LeftOutMetric,
    engine_differences,
    engine_of,
)
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow
from lsm_eval.statistics.comparison.noise import Calibration, calibration, calibration_of_sums

FEWEST = 3
HEADER = ("task", "metric", "n", "flips", "unstable", "runs differ by", "noise")
RIGHT = frozenset({2, 3, 4, 5, 6})


def calibrate(
    records: Sequence[Record], include: Sequence[Path] = (), *, include_code: bool = False
) -> CalibrationFile:
    """Flips and noise of every metric that all runs have (except those of groups: `acc[Age]`). `include`: folders with the task files of the
    records, if they are not packaged; metrics that are not means over samples need them; `include_code`: their Python files may run.

    Raises UserError if there are fewer than three runs, if two are the same, or if they differ in model, engine or hardware,
    took answers from the response store, or are inconsistent."""
    _check(records)
    first = records[0]
    found: list[CalibratedMetric] = []
    left_out: list[LeftOutMetric] = []
    tables: dict[str, list[Table]] = {}
    aggregates = Aggregates(include, include_code)
    for row in first.estimates:
        if "[" in row.metric:
            continue
        if row.task not in tables:
            tables = {
                row.task: [read(record, row.task) for record in records if record.has_samples(row.task)]
            }
        made = _metric(row, records, tables[row.task], aggregates)
        if isinstance(made, str):
            left_out.append(LeftOutMetric(task=row.task, metric=row.metric, why=made))
        else:
            found.append(made)
    if not found:
        why = f" ({left_out[0].task}, {left_out[0].metric}: {left_out[0].why})" if left_out else ""
        raise UserError(f"the runs have no metric that can be calibrated{why}.")
    return CalibrationFile(
        schema_version=1,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        model=first.manifest.model.name,
        fingerprint=first.manifest.model.fingerprint,
        engine=engine_of(first),
        runs=[record.manifest.run for record in records],
        metrics=found,
        left_out=left_out,
    )


def cells(one: CalibratedMetric) -> list[str]:
    """One row under `HEADER`."""
    scale, unit = (100, " pp") if one.unit == "fraction" else (1, "")
    return [
        visible(one.task),
        visible(one.metric),
        f"{one.n:,}",
        f"{100 * one.flips:.2f} %",
        f"{100 * one.unstable:.2f} %",
        f"{scale * one.between**0.5:.3g}{unit}",
        f"{scale * one.variance**0.5:.3g}{unit}",
    ]


def _check(records: Sequence[Record]) -> None:
    """Raises UserError if the runs are not distinct runs of the same model and engine."""
    if len(records) < FEWEST:
        raise UserError(
            f"{len(records)} runs do not show how runs vary: name {FEWEST} or more of the same model."
        )
    first = records[0]
    for at, record in enumerate(records):
        name = visible(str(record.folder))
        model = record.manifest.model
        if any(record.manifest.run == other.manifest.run for other in records[:at]):
            raise UserError(
                f"{name} is named twice, or is a copy of another run: name runs that were made one by one."
            )
        if model.fingerprint != first.manifest.model.fingerprint:
            raise UserError(
                f"{name} is of another model ({visible(model.name)}, {model.fingerprint[:16]}) than {visible(str(first.folder))}: "
                "calibrate with runs of one."
            )
        if found := engine_differences(engine_of(first), engine_of(record)):
            raise UserError(
                f"{name} is of another engine than {visible(str(first.folder))} ({'; '.join(found)}): calibrate with runs of one."
            )
        stored = record.manifest.requests.get("from_store", 0)
        if stored:
            raise UserError(
                f"{name} took {stored:,} answers from the response store, which are another run's: run it with --store none."
            )
        if why := record_problem(record, f"record {name}", record.tasks):
            raise UserError(f"{why[0].lower()}{why[1:]}")


def _metric(
    row: EstimateRow, records: Sequence[Record], tables: Sequence[Table], aggregates: Aggregates
) -> CalibratedMetric | str:
    """The calibration of a metric, or why there is none."""
    for record in records[1:]:
        other = next(
            (one for one in record.estimates if (one.task, one.metric) == (row.task, row.metric)), None
        )
        if other is None:
            return "a run lacks it"
        # Runs of one model on the same samples: only how intervals are made may differ.
        parts = [
            part for part in signature.differing(row.signature, other.signature) if part.name != "intervals"
        ]
        if parts:
            raise UserError(
                f"{row.task}: {' and '.join(map(str, parts))} {'differs' if len(parts) == 1 else 'differ'} between the runs: run all alike."
            )
    if len(tables) < len(records):
        return "a run has no samples of its own, only numbers"
    if any((table.weights != table.weights[0]).any() for table in tables if len(table.weights)):
        return "its samples have unequal weights"
    made = _calibrated(row, tables, aggregates)
    if isinstance(made, str):
        return made
    return CalibratedMetric(
        task=row.task,
        metric=row.metric,
        unit=row.unit,
        signature=row.signature,
        n=made.n,
        missing=made.missing,
        flips=made.flips,
        unstable=made.unstable,
        between=made.between,
        expected=made.expected,
        variance=made.noise.variance,
    )


def _calibrated(row: EstimateRow, tables: Sequence[Table], aggregates: Aggregates) -> Calibration | str:
    by_table = [table.statistics(row.metric) for table in tables]
    statistics = [one for one in by_table if one is not None]
    if len(statistics) < len(by_table):
        return "a run keeps no scores of its samples"
    if any(one.shape[1] != statistics[0].shape[1] for one in statistics):
        return "the runs keep different kinds of statistics of its samples"
    values, matched = _matched(tables, statistics)
    complete = ~np.isnan(values).any(axis=2)
    if all(is_mean(table, row.metric, one) for table, one in zip(tables, statistics, strict=True)):
        if not complete.all(axis=0).any():
            return "no sample has a value in all runs"
        return calibration(np.where(complete, values[..., 0], np.nan))
    aggregate = aggregates.of(row)
    if isinstance(aggregate, str):
        return aggregate
    own = statistics[0][~np.isnan(statistics[0]).any(axis=1)]
    if why := aggregate_mismatch(row, aggregate, own.sum(axis=0)):
        return why
    # A sample without statistics in a run adds nothing to its sums.
    kept = matched.all(axis=0) & complete.any(axis=0)
    if not kept.any():
        return "no sample has a value in all runs"
    missing = int((complete.any(axis=0) & ~kept).sum())
    return calibration_of_sums(np.nan_to_num(values[:, kept]), aggregate, missing)


def _matched(
    tables: Sequence[Table], statistics: Sequence[FloatArray]
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Statistics [runs, samples of the first, k], NaN if a run has none, and whether the run has the sample [runs, samples]."""
    first = tables[0]
    found = np.full((len(tables), len(first.ids), statistics[0].shape[1]), np.nan)
    matched = np.zeros(found.shape[:2], bool)
    for at, (table, own) in enumerate(zip(tables, statistics, strict=True)):
        rows = match(first, table).rows
        found[at, rows[:, 0]] = own[rows[:, 1]]
        matched[at, rows[:, 0]] = True
    return found, matched
