"""The metrics of a multiple-choice task whose choices are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import AnyMetric
from lsm_eval.scoring import registry

if TYPE_CHECKING:
    from lsm_eval.tasks.registry import LoadedTask

_PLAIN = {
    "acc_norm": "a written choice has no likelihood to divide by a length",
    "acc_bytes": "a written choice has no likelihood to divide by a length",
    "truthfulqa_mc1": "it ranks a part of the choices, and a written one may be another",
}
"""Accuracies that say the same as `acc` for a written choice, or less, and why."""
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
        if name in _PLAIN:
            dropped[label] = _PLAIN[name]
            if plain:
                continue
            name, label, plain = "acc", "acc", True
            options = {key: value for key, value in options.items() if key == "by"}
        try:
            metric = registry.create(
                {name: {**options, "name": written(label)}},
                offline=offline,
                folder=loaded.folder,
                own=loaded.own,
            )
        except UserError as error:
            if "has no option 'name'" not in str(error):
                raise
            dropped[label] = "it takes no name of its own, so that it would stand in another's column"
            continue
        one = getattr(metric, "metric", metric)  # of one with groups, the metric itself
        if getattr(one, "reads_likelihood", False):
            dropped[label] = _LIKELIHOODS
        elif getattr(one, "reads_order", False):
            dropped[label] = _ORDER
        else:
            made.append(metric)
    return tuple(made), dropped
