"""LAMBADA: whether greedy decoding gives the last word of a passage, and how likely that word is."""

from __future__ import annotations

import numpy as np

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import FloatArray, Measurement
from lsm_eval.metrics.common import Described, ProportionMetric, counted, ratio, scored
from lsm_eval.metrics.entry import MetricRows
from lsm_eval.requests import Answer, Scored
from lsm_eval.tasks.sample import Sample

METRICS: MetricRows = {
    "greedy_match": ("GreedyMatch", "greedy decoding gives the continuation", "fraction", True, "score"),
    "target_perplexity": ("TargetPerplexity", "perplexity per continuation", "perplexity", False, "score"),
}


class GreedyMatch(ProportionMetric):
    """`greedy_match`: greedy decoding would have given the one continuation (LAMBADA's accuracy)."""

    default_name = "greedy_match"
    reads_likelihood = True

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        return counted(_single(self.name, sample, scored(self.name, answer)).greedy[0])


class TargetPerplexity(Described):
    """`target_perplexity`: exp(-mean summed log-probability of the one continuation)
    (lm-evaluation-harness's `perplexity` for LAMBADA: per sample, not per token). Statistics (logprob, 1)."""

    default_name = "target_perplexity"
    reads_likelihood = True
    unit = "perplexity"
    higher_is_better = False

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        logprob = _single(self.name, sample, scored(self.name, answer)).logprobs[0]
        sums = (logprob, 1.0)
        return Measurement(sums, float(self.aggregate(np.array(sums))))

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums [..., 2] to perplexities [...]; infinite beyond the range of floats."""
        with np.errstate(over="ignore"):
            return np.exp(-ratio(sums[..., 0], sums[..., 1]))


def _single(metric: str, sample: Sample, answer: Scored) -> Scored:
    if len(answer.logprobs) != 1:
        raise UserError(
            f"metric {metric!r} needs exactly one continuation, and sample {sample.id!r} has "
            f"{len(answer.logprobs)}: give one choice in the task, or use `acc`."
        )
    return answer
