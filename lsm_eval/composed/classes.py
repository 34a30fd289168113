"""Macro-F1, and precision, recall, F1 and support of each class, for tasks in which each sample has one class.

A metric that scores answers as right or wrong (option `of`) decides which class an answer predicts: the class that would make
it right if it were the true one. So any accuracy works for choices, and any way of reading completions for generated labels.
Exactly tied choices share the prediction. An answer that fits no class, or several, predicts none: it counts as a miss for the
true class only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from lsm_eval.composed.class_rows import KINDS, Row, Told
from lsm_eval.composed.rule import rule
from lsm_eval.errors import UserError
from lsm_eval.metrics.base import FloatArray, Measurement, Metric
from lsm_eval.metrics.common import Described, right_choices, wrong_kind
from lsm_eval.requests import Answer, Generated, Scored
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.macro import macro_f1, macro_f1_estimate
from lsm_eval.tasks.sample import Sample

MOST_CLASSES = 200
"""More than this are not classes: each sample then has choices of its own."""


class MacroF1(Described):
    """`macro_f1`: the mean of F1 = 2 TP / (predicted + true) over the classes that are true or predicted in some sample, as
    scikit-learn's `f1_score(average="macro")`. Rows of each class follow: `macro_f1.f1[CLASS]`, `.precision`, `.recall`, `.support`.

    `of` is the metric that scores answers as right or wrong, given by name or as a mapping of its name to its options: by default
    `acc` for choices and `exact_match` for completions. `labels` are the names of the classes: for choices in their order, by
    default their texts; for completions the possible references, which must be given. `rows` says which rows each class has.
    """

    default_name = "macro_f1"

    def __init__(
        self,
        *,
        of: str | dict[str, dict[str, Any]] | None = None,
        labels: list[str] | None = None,
        rows: list[Row] = ["f1", "precision", "recall", "support"],  # noqa: B006 - read only
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        if labels is not None and (len(labels) < 2 or len(set(labels)) < len(labels)):
            raise UserError(
                f"metric {self.name!r}: `labels` are two classes or more, each once; got {labels!r}."
            )
        self.of = of
        self.rows = rows
        self.labels: tuple[str, ...] | None = None if labels is None else tuple(labels)
        self._named = labels is not None
        self._told: dict[tuple[str, Answer], Told] = {}
        self._revealed = False
        if of is not None:
            rule(self.name, of)

    @cached_property
    def of_choices(self) -> Metric:
        """The metric that scores choices."""
        return rule(self.name, self.of or "acc")

    @cached_property
    def of_text(self) -> Metric:
        """The metric that scores completions."""
        return rule(self.name, self.of or "exact_match")

    @property
    def reads_likelihood(self) -> bool:  # type: ignore[override]
        """Whether the metric `of` does."""
        return self.of is not None and bool(getattr(self.of_choices, "reads_likelihood", False))

    def options(self) -> dict[str, str]:
        of = "acc or exact_match" if self.of is None else f"({self.of_choices.signature})"
        return {"of": of, "labels": "+".join(self.labels or ()) if self._named else "choices"}

    def check_task(self, request: str, draws: int) -> None:
        """Raises `UserError` if the classes cannot be known (`protocols.Demanding`)."""
        if request == "generate" and not self._named:
            raise self._without_labels()

    def see_samples(self, samples: Sequence[Sample]) -> None:
        """Collects the classes (`protocols.SeesSamples`)."""
        self._told.clear()
        self._revealed = False
        if not self._named:
            with_choices = [sample for sample in samples if sample.missing is None and sample.choices]
            self.labels = tuple(dict.fromkeys(with_choices[0].choices)) if with_choices else None
            odd = next((s for s in with_choices if set(s.choices) != set(self.labels or ())), None)
            if odd is not None or len(self.labels or ()) > MOST_CLASSES:
                raise UserError(
                    f"metric {self.name!r}: the choices are not the same few classes in every sample (see "
                    f"{(odd or with_choices[0]).id!r}): give them names, in their order, with the option `labels`, or leave the "
                    "metric out of this task."
                )

    def more_metrics(self) -> Sequence[Metric]:
        """The rows of each class, returned once (`protocols.HasMoreMetrics`)."""
        if self._revealed:
            return ()
        self._revealed = True
        numbers = range(len(self.labels or ()))
        return [KINDS[row](self, number) for row in dict.fromkeys(self.rows) for number in numbers]

    def told(self, sample: Sample, answer: Answer) -> Told:
        """The sample's true and predicted class. Cached, because every row asks for it."""
        key = sample.id, answer
        if key not in self._told:
            if isinstance(answer, Scored):
                self._told[key] = self._of_choices(sample, answer)
            elif isinstance(answer, Generated):
                self._told[key] = self._of_text(sample, answer)
            else:
                raise wrong_kind(self.name, "score", answer)
        return self._told[key]

    def class_of(self, sample: Sample) -> int | None:
        """Index of the sample's class, without looking at its answer; None if its task or data do not give it."""
        if len(sample.target) != 1:
            return None
        (target,) = sample.target
        if isinstance(target, str):
            return self._labels.index(target) if target in self._labels else None
        return self._places(sample)[target] if 0 <= target < len(sample.choices) else None

    @property
    def _labels(self) -> tuple[str, ...]:
        if self.labels is None:
            raise self._without_labels()
        return self.labels

    def _without_labels(self) -> UserError:
        return UserError(
            f"metric {self.name!r} needs the classes' names: give them with the option `labels`."
        )

    def _places(self, sample: Sample) -> list[int]:
        """The class of each of the sample's choices."""
        if self.labels is None:
            self.see_samples([sample])
        labels = self._labels
        places = list(range(len(sample.choices)))
        if not self._named:
            places = [labels.index(choice) for choice in sample.choices]
        if len(set(places)) < len(places) or len(places) != len(labels):
            raise UserError(
                f"metric {self.name!r}: sample {sample.id!r} has {len(places)} choices, which are not the {len(labels)} "
                "classes, each once: correct `choices` or `labels` in the task."
            )
        return places

    def _of_choices(self, sample: Sample, answer: Scored) -> Told:
        right = right_choices(self.name, sample, len(answer.logprobs))
        if len(right) > 1:
            raise UserError(
                f"metric {self.name!r} is for samples of one class, and sample {sample.id!r} has {len(right)} right "
                "choices: leave the metric out of this task."
            )
        places, tie = self._places(sample), False
        predicted = [0.0] * len(places)
        for index, place in enumerate(places):
            found = self._measured(self.of_choices, replace(sample, target=(index,)), answer)
            predicted[place], tie = found.value or 0.0, tie or found.tie
        return Told(places[min(right)], tuple(predicted), tie)

    def _of_text(self, sample: Sample, answer: Generated) -> Told:
        true = self.class_of(sample)
        if true is None:
            raise UserError(
                f"metric {self.name!r}: the target of sample {sample.id!r} is not one of {', '.join(self._labels)}: "
                "correct `target` or the option `labels` in the task."
            )
        credit = [
            self._measured(self.of_text, replace(sample, target=(label,)), answer).value or 0.0
            for label in self._labels
        ]
        # An answer that would be right for either of two classes predicts neither.
        taken = [float(one >= 1 and sum(credit) <= 1) for one in credit]
        return Told(true, tuple(taken))

    def _measured(self, of: Metric, sample: Sample, answer: Answer) -> Measurement:
        found = of.measure(sample, answer)
        if found is None or found.value is None:
            raise UserError(
                f"metric {self.name!r}: {of.name!r} says nothing of sample {sample.id!r}: choose another `of`."
            )
        return found

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        """Statistics: hits of each class, then predictions of each, then true samples of each."""
        found = self.told(sample, answer)
        predicted = np.array(found.predicted)
        true = np.zeros(len(predicted))
        true[found.true] = 1.0
        rows = np.concatenate([predicted * true, predicted, true])
        return Measurement(tuple(map(float, rows)), float(predicted[found.true]), found.tie)

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums [..., 3 k] to macro-F1 [...]."""
        hits, predicted, true = np.split(np.asarray(sums, float), 3, axis=-1)
        return macro_f1(hits, predicted, true)

    def estimate(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        *,
        missing: int,
        ties: int,
        seed: int,
    ) -> Estimate:
        """The estimate of `statistics.macro`."""
        return self._estimate(statistics, clusters, None, missing, ties)

    def estimate_weighted(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        weights: FloatArray,
        *,
        missing: int,
        ties: int,
        seed: int,
    ) -> Estimate:
        """The same for weighted samples (`protocols.WeightedInterval`)."""
        return self._estimate(statistics, clusters, weights, missing, ties)

    def _estimate(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        weights: FloatArray | None,
        missing: int,
        ties: int,
    ) -> Estimate:
        labels = self.labels or ()
        rows = np.asarray(statistics, float).reshape(len(clusters), 3 * len(labels))
        hits, predicted, true = np.split(rows, 3, axis=1)
        return macro_f1_estimate(
            hits, predicted, true, labels, clusters, missing=missing, ties=ties, weights=weights
        )
