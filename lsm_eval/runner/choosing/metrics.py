"""The metrics of a task that scores choices, for choices that are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsm_eval.errors import UserError
from lsm_eval.metrics import registry
from lsm_eval.metrics.base import AnyMetric

if TYPE_CHECKING:
    from lsm_eval.tasks.registry import LoadedTask

_LENGTHS = frozenset({"acc_norm", "acc_bytes"})
_LIKELIHOODS = "it reads likelihoods, and a written choice has none"


def written(name: str) -> str:
    """What a metric is called where choices are written: another column."""
    return f"{name}(generated)"


def metrics_of_written(loaded: LoadedTask, *, offline: bool) -> tuple[tuple[AnyMetric, ...], dict[str, str]]:
    """The metrics under names of their own, and those that have no meaning for a written choice, with the reason.

    Accuracies that divide likelihoods by lengths are all the share of right choices here: `acc` stands for them.
    """
    made: list[AnyMetric] = []
    dropped: dict[str, str] = {}
    given = [registry.parse(spec) for spec in loaded.task.metrics]
    plain = any(name == "acc" for name, _ in given)
    for name, options in given:
        label = options.get("name", name)
        if name in _LENGTHS:
            if plain:
                dropped[label] = "a written choice has no likelihood to divide by a length"
                continue
            name, label, plain = "acc", "acc", True
        try:
            metric = registry.create(
                {name: {**options, "name": written(label)}}, offline=offline, folder=loaded.folder
            )
        except UserError as error:
            if "has no option 'name'" not in str(error):
                raise
            dropped[label] = "it takes no name of its own, so that it would stand in another's column"
            continue
        if getattr(metric, "reads_likelihood", False):
            dropped[label] = _LIKELIHOODS
        else:
            made.append(metric)
    return tuple(made), dropped
