"""Metrics over several drawn answers to one question (`draws` in the task): whether one of k is right, or the majority of k.

Option `of` is the metric that scores each answer as right or wrong. The first answer to a question is greedy: only `greedy`
scores it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Hashable, Sequence
from typing import Protocol, cast, runtime_checkable

from lsm_eval.composed.rule import Spec, rule
from lsm_eval.errors import UserError
from lsm_eval.metrics.base import Measurement, Metric
from lsm_eval.metrics.common import MeanMetric, counted, generated
from lsm_eval.requests import Answer
from lsm_eval.statistics.majority import majority, pass_chance
from lsm_eval.tasks.sample import Sample


@runtime_checkable
class Voting(Protocol):
    """A metric that can read the answer of a completion, right or wrong."""

    def vote(self, sample: Sample, answer: Answer) -> Hashable | None:
        """The answer as a value that is equal for equal answers; None if nothing can be read."""
        ...


class OfDraws(MeanMetric):
    """A mean over questions, whose values are computed from all draws of a question."""

    def __init__(self, *, of: Spec, fewest: int, name: str | None) -> None:
        super().__init__(name)
        self.of = rule(self.name, of)
        self.fewest_draws = fewest
        """The least number of draws that it needs."""

    def options(self) -> dict[str, str]:
        return {"of": f"({self.of.signature})"}

    def check_task(self, request: str, draws: int) -> None:
        """Raises `UserError` if the task draws too few (`protocols.Demanding`)."""
        if draws < self.fewest_draws:
            raise UserError(
                f"metric {self.name!r} takes {self.fewest_draws} drawn answers to a question, and the task draws "
                f"{draws or 'none'}: set `draws: {{n: {self.fewest_draws}}}` or more in the task."
            )

    def measure(self, sample: Sample, answer: Answer) -> Measurement | None:
        return self.measure_all(sample, [answer])

    def graded(self, answers: Sequence[Answer]) -> Sequence[Answer]:
        """The answers that it grades (`runner.cut_off.GradesSome`)."""
        return answers[1:]

    @abstractmethod
    def measure_all(self, sample: Sample, answers: Sequence[Answer]) -> Measurement | None: ...

    def draws(self, sample: Sample, answers: Sequence[Answer]) -> Sequence[Answer]:
        """The drawn answers. Raises `UserError` if there are too few."""
        for answer in answers:
            generated(self.name, answer)
        self.check_task("generate", len(answers) - 1)
        return answers[1:]

    def values(self, sample: Sample, answers: Sequence[Answer]) -> list[float] | None:
        """The value of `of` for each draw; None if `of` does not count the sample."""
        found = [self.of.measure(sample, answer) for answer in self.draws(sample, answers)]
        known = [one.value for one in found if one is not None and one.value is not None]
        return known if len(known) == len(found) else None

    def verdicts(self, sample: Sample, answers: Sequence[Answer]) -> list[bool] | None:
        """Whether each draw is right. Raises `UserError` if `of` gives values other than right and wrong."""
        values = self.values(sample, answers)
        odd = next((value for value in values or () if value not in (0.0, 1.0)), None)
        if odd is not None:
            raise UserError(
                f"metric {self.name!r}: `of` is to say right or wrong, and {self.of.name!r} gives {odd:g} for sample "
                f"{sample.id!r}: choose one such as exact_match."
            )
        return None if values is None else [value == 1.0 for value in values]


class PassAtK(OfDraws):
    """`pass@k`: the chance that at least one of k drawn answers is right: the unbiased estimate from all draws of each question
    (Chen et al. 2021, section 2.1). With k = 1 it is the mean score of the draws. With only k draws each question is 0 or 1."""

    default_name = "pass@k"
    grades = True

    def __init__(self, *, of: Spec, k: int, name: str | None) -> None:
        super().__init__(of=of, fewest=k, name=name)
        self.k = k

    def options(self) -> dict[str, str]:
        return {"k": str(self.k), **super().options()}

    def measure_all(self, sample: Sample, answers: Sequence[Answer]) -> Measurement | None:
        right = self.verdicts(sample, answers)
        return None if right is None else counted(pass_chance(len(right), sum(right), self.k))


class MajAtK(OfDraws):
    """`maj@k`: the chance that the most frequent of k drawn answers is right (self-consistency, Wang et al., arXiv 2203.11171,
    2022), as the mean over all subsets of k draws. Tied answers share the vote evenly, and a draw that cannot be read has no
    vote (`statistics.majority`). lm-evaluation-harness's filter `majority_vote` takes the first of tied answers, and counts a
    draw that cannot be read as a vote for `[invalid]`."""

    default_name = "maj@k"
    grades = True

    def __init__(self, *, of: Spec, k: int, name: str | None) -> None:
        super().__init__(of=of, fewest=k, name=name)
        self.k = k
        if not isinstance(self.of, Voting):
            raise UserError(
                f"metric {self.name!r} counts equal answers, and {self.of.name!r} does not say what is one: choose "
                "exact_match, number_match, option_match or yes_no_match."
            )

    def options(self) -> dict[str, str]:
        return {"k": str(self.k), "ties": "shared", **super().options()}

    def measure_all(self, sample: Sample, answers: Sequence[Answer]) -> Measurement | None:
        right = self.verdicts(sample, answers)
        if right is None:
            return None
        said: dict[Hashable, list[bool]] = {}
        for answer, verdict in zip(self.draws(sample, answers), right, strict=True):
            vote = cast(Voting, self.of).vote(sample, answer)
            if vote is not None:
                said.setdefault(vote, []).append(verdict)
        counts, rights = [len(own) for own in said.values()], [own[0] for own in said.values()]
        return counted(majority(counts, rights, len(right) - sum(counts), self.k))


class Greedy(OfDraws):
    """`greedy`: the value of `of` for the greedy answer, which comes before the draws."""

    default_name = "greedy"
    grades = True

    def __init__(self, *, of: Spec = "exact_match", name: str | None = None) -> None:
        super().__init__(of=of, fewest=0, name=name)
        self.unit, self.proportion = self.of.unit, self.of.proportion
        self.higher_is_better = self.of.higher_is_better

    def graded(self, answers: Sequence[Answer]) -> Sequence[Answer]:
        """The greedy answer."""
        return answers[:1]

    def measure_all(self, sample: Sample, answers: Sequence[Answer]) -> Measurement | None:
        return self.of.measure(sample, answers[0])


def pass_at_k(*, of: Spec = "exact_match", k: int | list[int], name: str | None = None) -> Metric:
    """`pass@k` for one k, or a row for each: `pass@1`, `pass@4`, …"""
    return _each(PassAtK, of, k, name, "pass")


def maj_at_k(*, of: Spec = "exact_match", k: int | list[int], name: str | None = None) -> Metric:
    """`maj@k` for one k, or a row for each."""
    return _each(MajAtK, of, k, name, "maj")


class _WithFurther(OfDraws):
    """The first of several metrics that differ in k."""

    further: Sequence[OfDraws]

    def check_task(self, request: str, draws: int) -> None:
        """Raises `UserError` if there are too few draws for any of them."""
        super().check_task(request, draws)
        for metric in self.further:
            metric.check_task(request, draws)

    def more_metrics(self) -> Sequence[Metric]:
        """The other metrics (`protocols.HasMoreMetrics`)."""
        return self.further


class _PassAtSeveral(PassAtK, _WithFurther):
    pass


class _MajAtSeveral(MajAtK, _WithFurther):
    pass


def _each(
    make: type[PassAtK] | type[MajAtK], of: Spec, k: int | list[int], name: str | None, short: str
) -> Metric:
    sizes = [k] if isinstance(k, int) else k
    if not sizes or min(sizes) < 1 or len(set(sizes)) < len(sizes):
        raise UserError(
            f"metric {name or make.default_name!r}: `k` is a number of draws, 1 or more, or a list of different ones; "
            f"got {k!r}."
        )

    def called(size: int) -> str:
        return name if name and isinstance(k, int) else f"{name or short}@{size}"

    if len(sizes) == 1:
        return make(of=of, k=sizes[0], name=called(sizes[0]))
    several: Callable[..., _PassAtSeveral | _MajAtSeveral]
    several = _PassAtSeveral if issubclass(make, PassAtK) else _MajAtSeveral
    first = several(of=of, k=sizes[0], name=called(sizes[0]))
    first.further = [make(of=of, k=size, name=called(size)) for size in sizes[1:]]
    return first
