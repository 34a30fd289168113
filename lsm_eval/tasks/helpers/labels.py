"""Choices that come from several lists, and their labels."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import Any


def union(*lists: Sequence[str]) -> list[str]:
    """All strings of all lists, each once, in the order in which they first come."""
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


def shuffled(values: Sequence[Any], key: object) -> list[Any]:
    """The values in an order that hangs on `key` alone (a question's text or id), the same on every machine.

    For choices shown with letters: in some sets the right one always stands first.
    """
    order = list(values)
    random.Random(f"shuffled/{key}").shuffle(order)
    return order


def digest(text: str) -> str:
    """A short name of a text (SHA-256, 16 hex digits), for clusters of samples that share a long one."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
