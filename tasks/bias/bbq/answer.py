"""Reads which of the options a generated answer names.

An answer that names none of the options, or several, does not count as wrong: such items are left out of accuracy
and bias scores, as in the paper (Parrish et al. 2022, section 4), and have a rate of their own (`bbq_no_answer`).

The reader is that of all tasks (`lsm_eval.reading.chosen_option`); this module adds what BBQ's texts need.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from lsm_eval.metrics import by_context
from lsm_eval.reading.markup import plain


def named(
    answer: str, options: Sequence[str], *, unknown: int | None = None, names: Sequence[str] = ()
) -> tuple[int, ...]:
    """Indices of the options that an answer names, in ascending order; a single one means that it is decided.

    `names` are the first words of `answer_info`: "blind woman" for "The woman who is blind"."""
    return by_context.named(answer, options, unknown=unknown, names=names, fold=normalised)


@lru_cache(maxsize=4096)
def normalised(text: str) -> str:
    """The text in lower case, without braces, a final full stop and outer spaces; corrects two errors of the data set."""
    text = plain(text).replace("}", "").lower().replace("o'brien", "obrien").strip()
    text += "it" if text.endswith("pantsu") else ""
    return text.removesuffix(".").strip()
