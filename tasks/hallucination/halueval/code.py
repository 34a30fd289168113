"""Whether a model can tell hallucinated answers from right ones: yes or no to each of an item's answers, by likelihood.

A sample asks "is it hallucinated?" once for each of its answers (`further` in the task), with the choices yes and no, in
this order. Its metadata has `hallucinated`: 1 or 0 for each request in turn. Answers are ranked by the log-odds of yes,
log p(yes) - log p(no), which rank as P(yes) does but do not round to 1. The two answers of an item are dependent, so
intervals draw items, not judgements.

Accuracy alone does not reveal a model that always says yes (.5 if half of the answers are hallucinated); recall with
precision, the yes rate and the AUROC do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import FloatArray, Measurement
from lsm_eval.metrics.common import Described, ProportionMetric, counted, metadata, ratio, scored
from lsm_eval.metrics.entry import MetricRows
from lsm_eval.metrics.ranking import JointAurocMetric, Ranked
from lsm_eval.requests import Answer
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.parts import share_among
from lsm_eval.tasks.sample import Sample

METRICS: MetricRows = {
    "halueval_acc": ("HaluEvalAccuracy", "right judgements", "fraction", True, "score"),
    "halueval_auroc": ("HaluEvalAuroc", "P(yes) tells hallucinated from right", "fraction", True, "score"),
    "halueval_paired": ("HaluEvalPaired", "hallucinated answer is more suspect", "fraction", True, "score"),
    "halueval_precision": ("HaluEvalPrecision", "hallucinated among those with yes", "fraction", True, "score"),
    "halueval_recall": ("HaluEvalRecall", "yes among hallucinated answers", "fraction", True, "score"),
    "halueval_yes": ("HaluEvalYes", "yes among all answers (fair: 0.5)", "fraction", None, "score"),
}  # fmt: skip

Judged = tuple[float, bool]
"""Log-odds of yes for one answer, and whether that answer is hallucinated."""


class _Judging(Described):
    def measure(self, sample: Sample, answer: Answer) -> Measurement | None:
        return self.measure_all(sample, [answer])

    def measure_all(self, sample: Sample, answers: Sequence[Answer]) -> Measurement | None:
        """The measurement from the judgements of all of the item's answers."""
        return self.judge(judged(self.name, sample, answers))

    def judge(self, answers: Sequence[Judged]) -> Measurement | None:
        """The measurement of one item."""
        raise NotImplementedError


class HaluEvalAccuracy(_Judging, ProportionMetric):
    """`halueval_acc`: share of the judgements that are right; an exact tie counts one half."""

    default_name = "halueval_acc"

    def judge(self, answers: Sequence[Judged]) -> Measurement:
        right = [_yes(odds) if hallucinated else 1 - _yes(odds) for odds, hallucinated in answers]
        return counted(sum(right) / len(right), tie=any(odds == 0 for odds, _ in answers))


class HaluEvalRecall(_Judging, ProportionMetric):
    """`halueval_recall`: share of the hallucinated answers that get a yes."""

    default_name = "halueval_recall"

    def judge(self, answers: Sequence[Judged]) -> Measurement | None:
        found = [_yes(odds) for odds, hallucinated in answers if hallucinated]
        return counted(sum(found) / len(found), tie=0.5 in found) if found else None


class HaluEvalYes(_Judging, ProportionMetric):
    """`halueval_yes`: share of all answers that get a yes; if it is far from the share of hallucinated ones (one half
    in these sets), the model tends to one answer whatever it reads."""

    default_name = "halueval_yes"
    higher_is_better = None

    def judge(self, answers: Sequence[Judged]) -> Measurement:
        said = [_yes(odds) for odds, _ in answers]
        return counted(sum(said) / len(said), tie=0.5 in said)


class HaluEvalPrecision(_Judging):
    """`halueval_precision`: share of the answers with a yes that are hallucinated; undefined if there is none.
    Statistics (hallucinated with a yes, all with a yes)."""

    default_name = "halueval_precision"
    weighs = True

    def judge(self, answers: Sequence[Judged]) -> Measurement:
        said = sum(_yes(odds) for odds, _ in answers)
        right = sum(_yes(odds) for odds, hallucinated in answers if hallucinated)
        return Measurement((right, said), None, tie=any(odds == 0 for odds, _ in answers))

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums [..., 2] to precisions [...]."""
        return ratio(sums[..., 0], sums[..., 1])

    def estimate(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        *,
        missing: int,
        ties: int,
        seed: int,
    ) -> Estimate:
        """From statistics [n, 2], with the interval of the share among items with a yes."""
        return share_among(statistics, clusters, missing=missing, ties=ties, seed=seed)


class HaluEvalPaired(_Judging, ProportionMetric):
    """`halueval_paired`: the hallucinated answer of an item has a higher P(yes) than its right one; a tie counts one
    half. It needs no threshold, and compares two answers to the same question."""

    default_name = "halueval_paired"

    def judge(self, answers: Sequence[Judged]) -> Measurement | None:
        wrong = [odds for odds, hallucinated in answers if hallucinated]
        right = [odds for odds, hallucinated in answers if not hallucinated]
        if not wrong or not right:
            return None
        pairs = [(one > other) + (one == other) / 2 for one in wrong for other in right]
        return counted(sum(pairs) / len(pairs), tie=0.5 in pairs)


class HaluEvalAuroc(JointAurocMetric, Described):
    """`halueval_auroc`: AUROC of P(yes) for hallucinated against right answers, over all items; 0.5 says nothing."""

    default_name = "halueval_auroc"

    def ranked(self, samples: Sequence[Sample], answers: Sequence[Sequence[Answer]]) -> Ranked:
        """P(yes) of each answer, and whether it is hallucinated."""
        found = [
            (odds, hallucinated, index)
            for index, (sample, own) in enumerate(zip(samples, answers, strict=True))
            for odds, hallucinated in judged(self.name, sample, own)
        ]
        odds, hallucinated, of = zip(*found, strict=True) if found else ((), (), ())
        return Ranked(odds, hallucinated, of)


def judged(metric: str, sample: Sample, answers: Sequence[Answer]) -> list[Judged]:
    """Log-odds of yes and the label of each of the item's answers. Raises `UserError` for invalid labels or choices."""
    given = [scored(metric, answer).logprobs for answer in answers]
    labels = metadata(metric, sample, "hallucinated")
    if (
        not isinstance(labels, (list, tuple))
        or len(labels) != len(answers)
        or any(x not in (0, 1) for x in labels)
    ):
        raise UserError(
            f"metric {metric!r}: `metadata.hallucinated` of sample {sample.id!r} must be a list of {len(answers)} "
            "labels (1 or 0), one for each prompt: correct it, or `further`, in the task."
        )
    found = []
    for logprobs, label in zip(given, labels, strict=True):
        if len(logprobs) != 2:
            raise UserError(
                f"metric {metric!r} needs the two choices yes and no, and sample {sample.id!r} has {len(logprobs)}: "
                "correct `choices` in the task."
            )
        yes, no = (-math.inf if math.isnan(value) else value for value in logprobs)
        found.append((0.0 if yes == no else yes - no, bool(label)))
    return found


def _yes(odds: float) -> float:
    """Whether log-odds mean yes: 1 or 0, one half at an exact tie."""
    return 0.5 if odds == 0 else float(odds > 0)
