"""Perplexities of whole texts, as lm-evaluation-harness's wikitext task defines them.

All are weighted over the corpus: exp(-(sum of log-probabilities / sum of units)), so that long texts weigh
more. Words and bytes are counted in the original text: `metadata.original` if the scored text was detokenised,
else the scored text itself.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod

import numpy as np

from lsm_eval.metrics.base import FloatArray, Measurement, Unit
from lsm_eval.metrics.common import Described, likelihood, ratio
from lsm_eval.requests import Answer, Likelihood, Perplexity
from lsm_eval.tasks.sample import Sample


class _Weighted(Described, ABC):
    """Statistics (logprob, units)."""

    unit: Unit = "perplexity"
    higher_is_better = False

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        given = likelihood(self.name, answer)
        sums = (given.logprob, float(self.size(_original(sample), given)))
        return Measurement(sums, float(self.aggregate(np.array(sums))))

    @abstractmethod
    def size(self, text: str, answer: Likelihood) -> int:
        """Number of units in the original text."""

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums [..., 2] to perplexities [...]; infinite beyond the range of floats."""
        with np.errstate(over="ignore"):
            return np.exp(-ratio(sums[..., 0], sums[..., 1]))


class WordPerplexity(_Weighted):
    """`word_perplexity`: per word; words are separated by white space."""

    default_name = "word_perplexity"

    def size(self, text: str, answer: Likelihood) -> int:
        return len(re.split(r"\s+", text))


class BytePerplexity(_Weighted):
    """`byte_perplexity`: per UTF-8 byte."""

    default_name = "byte_perplexity"

    def size(self, text: str, answer: Likelihood) -> int:
        return len(text.encode())


class BitsPerByte(BytePerplexity):
    """`bits_per_byte`: minus the base-2 log-probability per UTF-8 byte."""

    default_name = "bits_per_byte"
    unit = "bits"

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums [..., 2] to bits [...]."""
        return -ratio(sums[..., 0], sums[..., 1]) / math.log(2)


class TokenPerplexity(_Weighted):
    """`token_perplexity`: per scored token; comparable only between models with the same tokenizer."""

    default_name = "token_perplexity"

    def size(self, text: str, answer: Likelihood) -> int:
        return answer.tokens


def _original(sample: Sample) -> str:
    if "original" in sample.metadata:
        return str(sample.metadata["original"])
    return sample.request.text if isinstance(sample.request, Perplexity) else ""
