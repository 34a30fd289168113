"""Runs of one and the same model held against each other: by how much do they differ that should not differ at all?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from lsm_eval.comparison import signature
from lsm_eval.comparison.aggregates import is_mean
from lsm_eval.comparison.doubts import doubt
from lsm_eval.comparison.pairs import match
from lsm_eval.comparison.shown.escape import visible
from lsm_eval.comparison.tables import FloatArray, Table, read
from lsm_eval.errors import UserError
from lsm_eval.gating.calibration import (
    CalibratedMetric,
    CalibrationFile,
    LeftOutMetric,
    apart,
    engine_of,
)
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow
from lsm_eval.statistics.comparison.noise import calibration

FEWEST = 3
HEADER = ("task", "metric", "n", "flips", "unstable", "runs differ by", "noise")
RIGHT = frozenset({2, 3, 4, 5, 6})


def calibrate(records: Sequence[Record]) -> CalibrationFile:
    """Flips and noise of every metric that is a mean over samples and that all runs have (not of groups: `acc[Age]`).

    Raises UserError where there are fewer than three runs, two are the same, or they are not of one model, engine and hardware,
    took answers from the response store, or are not what they say."""
    _check(records)
    first = records[0]
    found: list[CalibratedMetric] = []
    left_out: list[LeftOutMetric] = []
    tables: dict[str, list[Table]] = {}
    for row in first.estimates:
        if "[" in row.metric:
            continue
        if row.task not in tables:
            tables = {
                row.task: [read(record, row.task) for record in records if record.has_samples(row.task)]
            }
        made = _metric(row, records, tables[row.task])
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
    """UserError where the runs are not runs of the same."""
    if len(records) < FEWEST:
        raise UserError(
            f"{len(records)} runs do not tell how runs differ: name {FEWEST} or more of the same model."
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
        if found := apart(engine_of(first), engine_of(record)):
            raise UserError(
                f"{name} is of another engine than {visible(str(first.folder))} ({'; '.join(found)}): calibrate with runs of one."
            )
        stored = record.manifest.requests.get("from_store", 0)
        if stored:
            raise UserError(
                f"{name} took {stored:,} answers from the response store, which are another run's: run it with --store none."
            )
        if why := doubt(record, f"record {name}", record.tasks):
            raise UserError(f"{why[0].lower()}{why[1:]}")


def _metric(row: EstimateRow, records: Sequence[Record], tables: Sequence[Table]) -> CalibratedMetric | str:
    """What the runs say of a metric, or why they say nothing."""
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
        return "its samples stand for unlike numbers of others"
    values = _values(row.metric, tables)
    if values is None:
        return "it is no mean over samples"
    if not (~np.isnan(values)).all(axis=0).any():
        return "no sample has a value in all runs"
    made = calibration(values)
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


def _values(metric: str, tables: Sequence[Table]) -> FloatArray | None:
    """Scores [runs, samples of the first], NaN where a run has none; None where the metric is no mean over samples."""
    first = tables[0]
    found = np.full((len(tables), len(first.ids)), np.nan)
    for at, table in enumerate(tables):
        statistics = table.statistics(metric)
        if statistics is None or not is_mean(statistics):
            return None
        rows = match(first, table).rows
        found[at, rows[:, 0]] = statistics[rows[:, 1], 0]
    return found
