"""Logs a run to a tracker. Where the tracker stores it is set by the tracker's own environment variables and files."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from itertools import islice
from typing import Any, Literal

from lsm_eval.errors import UserError
from lsm_eval.exporting.loggers.facts import Facts, facts
from lsm_eval.results.schema import EstimateRow, Manifest
from lsm_eval.secrets import without_secrets

Tracker = Literal["mlflow", "wandb", "trackio"]
PROJECT = "lsm-eval"
"""Experiment or project, if the tracker's own variable names none."""


def check_tracker(tracker: Tracker) -> None:
    """Raise `UserError`, naming the extra, if the tracker's package is not installed."""
    if importlib.util.find_spec(tracker) is None:
        raise UserError(
            f"--log-to {tracker} needs the package {tracker}, which is not installed: pip install 'lsm-eval[{tracker}]'."
        )


def log(tracker: Tracker, manifest: Manifest, estimates: Sequence[EstimateRow]) -> None:
    """Log a run's settings and numbers. Raises `UserError` if the tracker fails; the record exists in any case."""
    check_tracker(tracker)
    try:
        with redirect_stdout(sys.stderr):  # their output is not part of the result
            _TRACKERS[tracker](importlib.import_module(tracker), facts(manifest, estimates))
    except Exception as error:  # a third-party package may raise anything
        said = without_secrets(" ".join(str(error).split())[:300])
        raise UserError(
            f"the run could not be logged to {tracker} ({type(error).__name__}: {said}); its record is whole: see to the tracker, "
            "and log it from there, or run the same command again."
        ) from error


def _mlflow(mlflow: Any, run_facts: Facts) -> None:
    if not (os.environ.get("MLFLOW_EXPERIMENT_NAME") or os.environ.get("MLFLOW_EXPERIMENT_ID")):
        mlflow.set_experiment(PROJECT)
    with mlflow.start_run(run_name=run_facts.name):
        for part in _parts(run_facts.parameters, 100):  # its server accepts no more at once
            mlflow.log_params(part)
        for part in _parts(run_facts.metrics, 1_000):
            mlflow.log_metrics(part)


def _parts(whole: dict[str, Any], size: int) -> Iterator[dict[str, Any]]:
    items = iter(whole.items())
    while part := dict(islice(items, size)):
        yield part


def _wandb(wandb: Any, run_facts: Facts) -> None:
    project = os.environ.get("WANDB_PROJECT") or PROJECT
    run = wandb.init(project=project, name=run_facts.name, config=run_facts.parameters, job_type="evaluation")
    try:
        run.summary.update(run_facts.metrics)
    finally:
        run.finish()


def _trackio(trackio: Any, run_facts: Facts) -> None:
    project = os.environ.get("TRACKIO_PROJECT") or PROJECT
    trackio.init(project=project, name=run_facts.name, config=run_facts.parameters)
    try:
        trackio.log(run_facts.metrics)
    finally:
        trackio.finish()


_TRACKERS: dict[Tracker, Callable[[Any, Facts], None]] = {
    "mlflow": _mlflow,
    "wandb": _wandb,
    "trackio": _trackio,
}
