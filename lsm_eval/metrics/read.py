"""Metrics over an answer read from a completion's text: an option, a number, yes or no. What cannot be read is never
guessed, and not right."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import Measurement
from lsm_eval.metrics.common import ProportionMetric, counted, generated, metadata, references
from lsm_eval.reading.chosen_option import LETTERS, VERSION, chosen
from lsm_eval.reading.number import read_number
from lsm_eval.reading.yes_no import read_yes_no
from lsm_eval.requests import Answer
from lsm_eval.tasks.sample import Sample


class _OfOption(ProportionMetric):
    """`metadata.options` has the options in the order shown; `labels` are their labels in the prompt (A, B, C, … by
    default)."""

    def __init__(self, *, name: str | None = None, labels: list[str] | None = None) -> None:
        super().__init__(name)
        self.labels = labels

    def options(self) -> dict[str, str]:
        return {"labels": "letters" if self.labels is None else "+".join(self.labels), "reader": str(VERSION)}

    def chosen(self, sample: Sample, answer: Answer) -> int | None:
        """Index of the option that the completion chooses; None if none or several can be read."""
        text = generated(self.name, answer).text
        shown = self.shown(sample)
        labels = None if self.labels is None else self.labels[: len(shown)]
        return chosen(text, shown, labels=labels)

    def shown(self, sample: Sample) -> Sequence[str]:
        """The options. Raises `UserError` if the number of labels differs."""
        found = [str(option) for option in metadata(self.name, sample, "options")]
        if len(found) > len(self.labels or LETTERS):
            raise UserError(
                f"metric {self.name!r}: sample {sample.id!r} has {len(found)} options and {len(self.labels or LETTERS)} "
                "labels: correct `labels` or `metadata.options` in the task."
            )
        return found


class OptionMatch(_OfOption):
    """`option_match`: the completion chooses the right option, by its label or its text. The target is the right
    option's text or label. Read by `lsm_eval.reading.chosen_option`."""

    default_name = "option_match"
    grades = True

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        generated(self.name, answer)
        shown, wanted = self.shown(sample), references(self.name, sample)
        labels = self.labels or list(LETTERS)
        right = {i for i, text in enumerate(shown) if text in wanted}
        right = right or {i for i in range(len(shown)) if labels[i] in wanted}
        if not right:
            raise UserError(
                f"metric {self.name!r}: the target of sample {sample.id!r} is none of its `metadata.options`, nor one of "
                "their labels: correct `target` in the task."
            )
        return counted(self.chosen(sample, answer) in right)

    def vote(self, sample: Sample, answer: Answer) -> int | None:
        """The chosen option (`drawn.Voting`)."""
        return self.chosen(sample, answer)


class OptionUnread(_OfOption):
    """`option_unread`: share of completions that choose none of the options, or several."""

    default_name = "option_unread"
    higher_is_better = False

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        return counted(self.chosen(sample, answer) is None)


class NumberMatch(ProportionMetric):
    """`number_match`: the number that the completion gives equals that of a reference, as a number (1,234.00 is 1234),
    within `tolerance` (absolute; 0 by default). Both are read by `lsm_eval.reading.number`."""

    default_name = "number_match"
    grades = True

    def __init__(self, *, name: str | None = None, tolerance: float = 0.0) -> None:
        super().__init__(name)
        if not 0 <= tolerance < float("inf"):
            raise UserError(f"metric {self.name!r}: `tolerance` must be 0 or more, not {tolerance}.")
        self.tolerance = tolerance

    def options(self) -> dict[str, str]:
        return {"tolerance": f"{self.tolerance:g}"}

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        said = read_number(generated(self.name, answer).text)
        wanted = [read_number(reference) for reference in references(self.name, sample)]
        known = [number for number in wanted if number is not None]
        if not known:
            raise UserError(
                f"metric {self.name!r} needs a number, and no reference of sample {sample.id!r} has one: "
                "correct `target` in the task."
            )
        near = Fraction(self.tolerance)
        return counted(said is not None and any(abs(said - number) <= near for number in known))

    def vote(self, sample: Sample, answer: Answer) -> Fraction | None:
        """The number given (`drawn.Voting`)."""
        return read_number(generated(self.name, answer).text)


class YesNoMatch(ProportionMetric):
    """`yes_no_match`: the completion says yes where the reference is yes, and no where it is no. An answer that says
    neither or both is not right."""

    default_name = "yes_no_match"
    grades = True

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        said = read_yes_no(generated(self.name, answer).text)
        wanted = {read_yes_no(reference) for reference in references(self.name, sample)}
        if None in wanted:
            raise UserError(
                f"metric {self.name!r}: the reference of sample {sample.id!r} is neither yes nor no: correct `target` in "
                "the task."
            )
        return counted(said in wanted)

    def vote(self, sample: Sample, answer: Answer) -> bool | None:
        """Yes or no (`drawn.Voting`)."""
        return read_yes_no(generated(self.name, answer).text)
