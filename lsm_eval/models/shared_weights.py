"""A base model's weights, read once for several models that begin with them: itself, and each of its adapters."""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable
from typing import Any, Protocol, runtime_checkable

from lsm_eval.inference.memory import free_memory

_ROOM = 1.2  # of the weights' size: what must be free for a copy


class SharedWeights:
    """Holds one base model as it was read, in the CPU's memory. Nobody else may change it."""

    def __init__(self) -> None:
        self._key: Hashable = None
        self._model: Any = None
        self._unused: list[str] = []

    def read(self, key: Hashable, read: Callable[[], tuple[Any, list[str]]]) -> tuple[Any, list[str]]:
        """A model of its own for the caller, with the names of unused weights: copied from what was read under the same
        key, or read where there is none, or no room to keep it beside the copy."""
        if self._model is None or self._key != key:
            self._model = None
            model, unused = read()
            if not _fits_twice(model):
                return model, unused
            self._key, self._model, self._unused = key, model, unused
        return copy.deepcopy(self._model), list(self._unused)


@runtime_checkable
class Sharing(Protocol):
    """A model that can begin with weights that others begin with."""

    def share(self, weights: SharedWeights) -> None:
        """Take the base model's weights from there when they are loaded."""
        ...


def _fits_twice(model: Any) -> bool:
    size = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    free = free_memory("cpu")
    return free is None or free > _ROOM * size
