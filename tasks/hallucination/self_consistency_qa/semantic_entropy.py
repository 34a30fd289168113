"""Semantic entropy: how many different answers a model gives when it is asked the same question repeatedly.

This is the discrete form, which counts answers and needs no probabilities (Farquhar et al., Nature 630:625-630, 2024,
"Discrete semantic entropy"). Draws with the same meaning form a cluster, and the entropy is -Σ p ln p over the
clusters' shares p, in nats: 0 if all k draws mean the same, ln k if each means something else.

By default two draws mean the same if they are equal after normalisation, which is strict (a full name and its short
form are two meanings). With `similarity: embeddings` they do if the cosine of their sentence embedding (extra
`embeddings`) with a cluster's first draw reaches `threshold`. Farquhar et al. ask a language model for entailment in
both directions instead. The greedy answer is not a draw: it is the answer whose correctness is in question.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from lsm_eval.errors import UserError
from lsm_eval.reading.normalise import Normalisation, normalised

from .selfcheck import DrawnMetric

Similarity = Literal["text", "embeddings"]


def entropy(clusters: Sequence[int]) -> float:
    """Entropy in nats of a list with each draw's cluster, 0 to ln k. Raises ValueError if it is empty."""
    if not clusters:
        raise ValueError("no draws have no entropy")
    total = len(clusters)
    # log(total / n) instead of -log(n / total), so that one cluster gives 0 and not -0.
    return sum(n / total * math.log(total / n) for n in Counter(clusters).values())


def equal_texts(texts: Sequence[str], how: Normalisation = "squad") -> list[int]:
    """A cluster for each text, numbered from 0: texts that are equal after normalisation share one."""
    seen: dict[str, int] = {}
    return [seen.setdefault(normalised(text, how), len(seen)) for text in texts]


def near_texts(texts: Sequence[str], threshold: float) -> list[int]:
    """A cluster for each text: the first one whose first text has an embedding with at least this cosine to its own,
    or else a new one. Raises `UserError` without the extra `embeddings`."""
    from lsm_eval.embedding.minilm import shared

    vectors = shared().encode(texts)
    firsts: list[int] = []
    clusters = []
    for index, vector in enumerate(vectors):
        near = (
            number
            for number, first in enumerate(firsts)
            if texts[first] == texts[index] or float(vectors[first] @ vector) >= threshold
        )
        found = next(near, None)
        if found is None:
            found = len(firsts)
            firsts.append(index)
        clusters.append(found)
    return clusters


class SemanticEntropy(DrawnMetric):
    """`semantic_entropy`: mean over samples of the entropy of their draws' meanings, in nats."""

    default_name = "semantic_entropy"
    unit = "nats"

    def __init__(
        self,
        *,
        similarity: Similarity = "text",
        threshold: float = 0.9,
        normalise: Normalisation = "squad",
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        if not 0 < threshold <= 1:
            raise UserError(
                f"metric {self.name!r}: `threshold` is a cosine above 0 and not above 1: got {threshold}."
            )
        self.similarity = similarity
        self.threshold = threshold
        self.normalise: Normalisation = normalise
        if similarity == "embeddings":
            from lsm_eval.embedding.minilm import folder

            folder()  # so that a missing extra is reported before a model is asked

    def options(self) -> dict[str, str]:
        if self.similarity == "text":
            return {"norm": self.normalise}
        from lsm_eval.embedding.minilm import NAME

        return {"similarity": NAME, "threshold": f"{self.threshold:g}"}

    def value(self, greedy: str, draws: tuple[str, ...]) -> float:
        return entropy(self.clusters(draws))

    def clusters(self, draws: tuple[str, ...]) -> list[int]:
        """The number of each draw's cluster of meaning."""
        if self.similarity == "embeddings":
            return near_texts(draws, self.threshold)
        return equal_texts(draws, self.normalise)


class SelfDisagreement(DrawnMetric):
    """`self_disagreement`: share of the draws that differ from the greedy answer after normalisation."""

    default_name = "self_disagreement"

    def __init__(self, *, normalise: Normalisation = "squad", name: str | None = None) -> None:
        super().__init__(name)
        self.normalise: Normalisation = normalise

    def options(self) -> dict[str, str]:
        return {"norm": self.normalise}

    def value(self, greedy: str, draws: tuple[str, ...]) -> float:
        said = normalised(greedy, self.normalise)
        return sum(normalised(draw, self.normalise) != said for draw in draws) / len(draws)
