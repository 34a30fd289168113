"""Keeps a base model's weights for several models that use them: the base model itself, and its adapters."""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable
from typing import Any, Protocol, runtime_checkable

from lsm_eval.inference.memory import free_memory

_ROOM = 1.2  # free memory needed for a copy, as a multiple of the weights' size


class SharedWeights:
    """Holds one unchanged base model in the CPU's memory."""

    def __init__(self) -> None:
        self._key: Hashable = None
        self._model: Any = None
        self._unused: list[str] = []

    def read(self, key: Hashable, read: Callable[[], tuple[Any, list[str]]]) -> tuple[Any, list[str]]:
        """A model for the caller to change, with the names of unused weights: a copy of the one held under the same key, or
        else newly read. It is held for later calls if there is room for it and a copy."""
        if self._model is None or self._key != key:
            self._model = None
            model, unused = read()
            if not _fits_twice(model):
                return model, unused
            self._key, self._model, self._unused = key, model, unused
        return copy.deepcopy(self._model), list(self._unused)


@runtime_checkable
class Sharing(Protocol):
    """A model that can share its base model's weights with others."""

    def share(self, weights: SharedWeights) -> None:
        """Use these weights of the base model when it is loaded."""
        ...


def _fits_twice(model: Any) -> bool:
    size = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    free = free_memory("cpu")
    return free is None or free > _ROOM * size
