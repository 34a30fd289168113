"""The metrics of a multiple-choice task whose choices are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import AnyMetric
from lsm_eval.scoring import registry

if TYPE_CHECKING:
    from lsm_eval.tasks.registry import LoadedTask

_LIKELIHOODS = "it reads likelihoods, and a written choice has none"
_ORDER = "it ranks choices that were not written, or how sure the model is"


def written(name: str) -> str:
    """The name of a metric whose choices are written, which gets its own column."""
    return f"{name}(generated)"


def metrics_of_written(loaded: LoadedTask, *, offline: bool) -> tuple[tuple[AnyMetric, ...], dict[str, str]]:
    """The metrics under their new names, and those that have no meaning for a written choice, with the reason.

    For a written choice all accuracies are the share of right answers, so `acc` stands for all of them.
    """
    made: list[AnyMetric] = []
    dropped: dict[str, str] = {}
    given = [registry.parse(spec) for spec in loaded.task.metrics]
    plain = any(name == "acc" for name, _ in given)
    for name, options in given:
        label = options.get("name", name)
        metric = _created(name, options, label, loaded, offline, dropped)
        why = getattr(_single(metric), "acc_if_written", "")
        if why:
            dropped[label] = why
            metric = None
            if not plain:
                plain = True
                by = {key: value for key, value in options.items() if key == "by"}
                metric = _created("acc", by, "acc", loaded, offline, dropped)
        if metric is None:
            continue
        if getattr(_single(metric), "reads_likelihood", False):
            dropped[label] = _LIKELIHOODS
        elif getattr(_single(metric), "reads_order", False):
            dropped[label] = _ORDER
        else:
            made.append(metric)
    return tuple(made), dropped


def _single(metric: AnyMetric | None) -> Any:
    """Of a metric with groups, the metric itself."""
    return getattr(metric, "metric", metric)


def _created(
    name: str,
    options: Mapping[str, Any],
    label: str,
    loaded: LoadedTask,
    offline: bool,
    dropped: dict[str, str],
) -> AnyMetric | None:
    """The metric under its new name; None, with the reason in `dropped`, if it takes no name."""
    try:
        return registry.create(
            {name: {**options, "name": written(label)}}, offline=offline, folder=loaded.folder, own=loaded.own
        )
    except UserError as error:
        if "has no option 'name'" not in str(error):
            raise
        dropped[label] = "it takes no name of its own, so that it would stand in another's column"
        return None
