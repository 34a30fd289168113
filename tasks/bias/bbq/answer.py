"""Which of the options does a generated answer name?

An answer that names none of the options, or several, is no answer. It is never taken for a wrong one: such items
are left out of accuracy and bias scores, as in the paper (Parrish et al. 2022, section 4), and have a rate of
their own (`bbq_no_answer`).

The reader is that of all tasks (`lsm_eval.reading.chosen_option`); here is what BBQ's texts need beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from lsm_eval.metrics import by_context
from lsm_eval.reading.markup import plain


def named(
    answer: str, options: Sequence[str], *, unknown: int | None = None, names: Sequence[str] = ()
) -> tuple[int, ...]:
    """Indices of the options that an answer names, in ascending order; one means that it is decided.

    `names` are the first words of `answer_info`: "blind woman" for "The woman who is blind"."""
    return by_context.named(answer, options, unknown=unknown, names=names, fold=normalised)


@lru_cache(maxsize=4096)
def normalised(text: str) -> str:
    """Lower case, without braces, a final full stop and outer spaces; two slips of the data set made good."""
    text = plain(text).replace("}", "").lower().replace("o'brien", "obrien").strip()
    text += "it" if text.endswith("pantsu") else ""
    return text.removesuffix(".").strip()
