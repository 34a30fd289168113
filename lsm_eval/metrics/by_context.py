"""Shared code for benchmarks that ask each question in an ambiguous and a disambiguated context (such as BBQ).

A sample's metadata has `context_condition` (`ambig` or `disambig`), `unknown` (index of the choice that says it cannot be
known) and values that say which choices are biased; `target` is the right choice.

The choice is the likeliest one (score), or the one that a generated answer names (generate): then `options` has
the choices in the order shown, `target` the text of the right one, and `names` may have other words for them. An
answer that does not name exactly one option is not counted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import Literal

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import Measurement
from lsm_eval.metrics.choice import best
from lsm_eval.metrics.common import Described, generated, metadata, right_choices, scored
from lsm_eval.reading import chosen_option
from lsm_eval.reading.markup import plain
from lsm_eval.reasoning.split import split
from lsm_eval.requests import Answer, Generated
from lsm_eval.tasks.sample import Sample

Context = Literal["ambig", "disambig"]
Fold = Callable[[str], str]
"""Removes differences between texts that do not matter."""


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """The text in lower case, without braces, a final full stop and outer spaces."""
    return plain(text).replace("}", "").lower().strip().removesuffix(".").strip()


def tallies(
    chosen: Sequence[int], *, unknown: int, biased: Collection[int], right: frozenset[int]
) -> tuple[float, float, float]:
    """(biased, not unknown, right) of one decided item: each 0 or 1, or a share if `chosen` are tied."""
    share = 1.0 / len(chosen)
    return (
        share * sum(index in biased for index in chosen),
        share * sum(index != unknown for index in chosen),
        share * sum(index in right for index in chosen),
    )


def named(
    answer: str,
    options: Sequence[str],
    *,
    unknown: int | None = None,
    names: Sequence[str] = (),
    fold: Fold = folded,
) -> tuple[int, ...]:
    """Indices of the options that an answer names, in ascending order; a single one means that it is decided.

    `options` have the letters A, B, C, … `unknown` is the index of the option that says it cannot be known. `names` are
    further words for the options, parallel to them; single words are ignored, as too common. A reasoning model's
    thoughts before its answer are ignored too."""
    return _named(split(answer).answer, tuple(options), unknown, tuple(names), fold)


@lru_cache(maxsize=256)
def _named(
    answer: str, options: tuple[str, ...], unknown: int | None, names: tuple[str, ...], fold: Fold
) -> tuple[int, ...]:
    # Cached, because each metric of a task reads every answer.
    return chosen_option.named(answer, options, unknown=unknown, names=names, fold=fold)


def choices_named(metric: str, sample: Sample, answer: Answer, fold: Fold = folded) -> tuple[int, ...]:
    """Indices of the options that a generated answer names; a single one means that it is decided."""
    return named(
        generated(metric, answer).text,
        metadata(metric, sample, "options"),
        unknown=sample.metadata.get("unknown"),
        names=sample.metadata.get("names", ()),
        fold=fold,
    )


def right_of(metric: str, sample: Sample) -> frozenset[int]:
    """Indices of the right choices, among the scored ones or among the options that the prompt shows."""
    if sample.choices:
        return right_choices(metric, sample, len(sample.choices))
    options = list(metadata(metric, sample, "options"))
    right = frozenset(index for index, option in enumerate(options) if option in sample.target)
    if not right:
        raise UserError(
            f"metric {metric!r}: the target of sample {sample.id!r} is none of its `metadata.options`: "
            "set `target` in the task to the text of the right option."
        )
    return right


class ByContext(Described, ABC):
    """A metric over the items of one context, or of both."""

    context: Context | None
    fold: Fold = staticmethod(folded)
    """How options and answers are normalised."""

    def applies(self, sample: Sample) -> bool:
        """Whether the metric counts the sample."""
        found = metadata(self.name, sample, "context_condition")
        if found not in ("ambig", "disambig"):
            raise UserError(
                f"metric {self.name!r}: `metadata.context_condition` of sample {sample.id!r} must be "
                f"ambig or disambig, not {found!r}: correct it in the task."
            )
        return self.context in (None, found)

    def measure(self, sample: Sample, answer: Answer) -> Measurement | None:
        if not isinstance(answer, Generated):
            return self.measure_choice(sample, best(scored(self.name, answer).logprobs))
        if not self.applies(sample):
            return None
        chosen = choices_named(self.name, sample, answer, self.fold)
        return self.measure_choice(sample, chosen) if len(chosen) == 1 else None

    def measure_choice(self, sample: Sample, chosen: Sequence[int]) -> Measurement | None:
        """The measurement of an item whose choice is already known (several indices: an exact tie)."""
        return self.decide(sample, chosen) if self.applies(sample) else None

    @abstractmethod
    def decide(self, sample: Sample, chosen: Sequence[int]) -> Measurement:
        """The measurement of an item in a context that the metric counts."""
