"""Shared code of the built-in metrics: means, checks of the kind of answer, lists from options and metadata."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import FloatArray, Measurement, Unit
from lsm_eval.reasoning.answered import without_thoughts
from lsm_eval.requests import Answer, Generated, Likelihood, Scored
from lsm_eval.tasks.sample import Sample


class Described:
    """Name and properties of a metric; subclasses set the class variables and `options`."""

    default_name: ClassVar[str]
    unit: Unit = "fraction"
    higher_is_better: bool | None = True
    proportion: bool = False
    mean: bool = False
    reads_likelihood: bool = False
    """Whether it reads the values of log-probabilities, and not only the order of choices that they give."""
    reads_order: bool = False
    """Whether it reads more of that order than the first choice."""
    acc_if_written: str = ""
    """Why `acc` takes its place if choices are written (`runner.written_choices`); empty if it does not."""
    grades: bool = False
    """Whether it grades a whole answer as right or wrong: one that ran out of tokens may be wrong only for that, and is
    counted separately (`runner.cut_off`). False if a text of limited length is measured (a continuation, a summary)."""

    def __init__(self, name: str | None = None) -> None:
        self.name = name or self.default_name

    @property
    def signature(self) -> str:
        """The metric's default name and every option, joined by `|`; the chosen `name` is not part of it."""
        return "|".join([self.default_name, *(f"{key}:{value}" for key, value in self.options().items())])

    def options(self) -> dict[str, str]:
        """Options as written in the signature."""
        return {}


class MeanMetric(Described):
    """A metric whose aggregate is the mean of the samples' values; statistics (value, 1)."""

    mean = True

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums [..., 2] to means [...]; NaN if nothing was counted."""
        return ratio(sums[..., 0], sums[..., 1])


class ProportionMetric(MeanMetric):
    """A mean of values 0 and 1 (and fractions for ties)."""

    proportion = True


def counted(value: float, *, tie: bool = False) -> Measurement:
    """The measurement of one sample for a mean."""
    return Measurement((float(value), 1.0), float(value), tie)


def ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Elementwise quotient; NaN if the denominator is 0."""
    numerator, denominator = np.asarray(numerator, float), np.asarray(denominator, float)
    out: FloatArray = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), np.nan)
    np.divide(numerator, denominator, out=out, where=denominator != 0)
    return out


def scored(metric: str, answer: Answer) -> Scored:
    """The answer, which must be to a score request. Raises `UserError` otherwise."""
    if not isinstance(answer, Scored):
        raise wrong_kind(metric, "score", answer)
    return answer


def token_counts(metric: str, answer: Scored) -> tuple[int, ...]:
    """The number of tokens of each continuation. Raises `UserError` if the model gives none."""
    if answer.logprobs and not answer.tokens:
        raise UserError(
            f"metric {metric!r} divides by numbers of tokens, and the model tells none: leave the metric out, or let the model tell them."
        )
    return answer.tokens


def generated(metric: str, answer: Answer) -> Generated:
    """The answer to a generate request, without a reasoning model's thoughts. Raises `UserError` for another kind."""
    if not isinstance(answer, Generated):
        raise wrong_kind(metric, "generate", answer)
    return without_thoughts(answer)


def likelihood(metric: str, answer: Answer) -> Likelihood:
    """The answer, which must be to a perplexity request. Raises `UserError` otherwise."""
    if not isinstance(answer, Likelihood):
        raise wrong_kind(metric, "perplexity", answer)
    return answer


def wrong_kind(metric: str, needed: str, answer: Answer) -> UserError:
    """The error for an answer of a kind that the metric does not read."""
    kinds = {Scored: "score", Generated: "generate", Likelihood: "perplexity"}
    return UserError(
        f"metric {metric!r} reads answers to {needed} requests, but the task asks {kinds[type(answer)]} requests: "
        f"choose another metric, or set `request: {needed}` in the task."
    )


def right_choices(metric: str, sample: Sample, number: int) -> frozenset[int]:
    """Indices of the right choices. Raises `UserError` if the sample names none, or one that does not exist."""
    right = frozenset(index for index in sample.target if isinstance(index, int))
    if not right or len(right) != len(set(sample.target)):
        raise UserError(
            f"metric {metric!r} needs the index of the right choice, and sample {sample.id!r} has none: "
            "set `target` in the task to an index, or to labels with `target_labels: true`."
        )
    if not all(0 <= index < number for index in right):
        raise UserError(
            f"metric {metric!r}: the target of sample {sample.id!r} points outside its {number} choices: "
            "correct `target` or `choices` in the task."
        )
    return right


def references(metric: str, sample: Sample) -> tuple[str, ...]:
    """The references of a generate sample. Raises `UserError` if it has none."""
    if not sample.target:
        raise UserError(
            f"metric {metric!r} needs a reference, and sample {sample.id!r} has none: "
            "set `target` in the task."
        )
    return tuple(str(reference) for reference in sample.target)


def metadata(metric: str, sample: Sample, key: str) -> Any:
    """A value of the sample's metadata. Raises `UserError` if it has no such key."""
    if key not in sample.metadata:
        raise UserError(
            f"metric {metric!r} reads `metadata.{key}`, which sample {sample.id!r} lacks: "
            f"add `{key}` to `metadata` in the task."
        )
    return sample.metadata[key]


def patterns(metric: str, option: str, expressions: str | Sequence[str]) -> tuple[re.Pattern[str], ...]:
    """Compiled regular expressions. Raises `UserError` for an invalid one."""
    compiled = []
    for expression in [expressions] if isinstance(expressions, str) else expressions:
        try:
            compiled.append(re.compile(expression))
        except re.error as error:
            raise UserError(
                f"metric {metric!r}: option {option!r} has an invalid regular expression "
                f"{expression!r} ({error}): correct it in the task."
            ) from error
    return tuple(compiled)
