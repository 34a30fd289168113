"""Functions that templates of all task files may call (`GLOBALS`).

A function for one benchmark only is in its folder's `code.py` (`lsm_eval.folders.own_code`).
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def union(*lists: Sequence[str]) -> list[str]:
    """All strings of all lists, each once, in order of first occurrence."""
    return list(dict.fromkeys(text for texts in lists for text in texts))


def labels_over(choices: Sequence[str], listed: Sequence[str], labels: Sequence[int]) -> list[int | None]:
    """The label of each of `choices` according to the parallel `listed` and `labels`; None where it is not
    listed.

    Raises ValueError if `listed` and `labels` differ in length, or one text is listed with two labels.
    """
    known: dict[str, int] = {}
    for text, label in zip(listed, labels, strict=True):
        if known.setdefault(text, int(label)) != int(label):
            raise ValueError(f"the choice {text!r} is labelled both {known[text]} and {label}")
    return [known.get(text) for text in choices]


class Reworded(str):
    """A reworded text that keeps its original, so that orders which depend on it stay the same."""

    original: str

    @classmethod
    def of(cls, text: str, original: str) -> Reworded:
        """`text` as a replacement of `original`."""
        made = cls(text)
        made.original = original
        return made


def original(key: Any) -> Any:
    """A text before any rewording; for a list, its texts joined; anything else unchanged."""
    if isinstance(key, (list, tuple)):
        return "".join(str(original(part)) for part in key)
    return key.original if isinstance(key, Reworded) else key


def shuffled(values: Sequence[Any], key: object) -> list[Any]:
    """The values in an order that depends only on `key` (a question's text or id), the same on every machine.

    For choices shown with letters: in some data sets the right one is always first.
    """
    order = list(values)
    random.Random(f"shuffled/{original(key)}").shuffle(order)
    return order


def digest(text: str) -> str:
    """A short name of a text (SHA-256, 16 hex digits), for clusters of samples that share a long one."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


GLOBALS: Mapping[str, Callable[..., Any]] = {
    "digest": digest,
    "labels_over": labels_over,
    "shuffled": shuffled,
    "union": union,
}
"""Functions by their name in templates."""
