"""What other packages add through entry points, loaded with every fault of theirs as one sentence."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

from lsm_eval.errors import UserError

# What importing a module raises where it, or something that it needs, is broken.
_FAULTS = (
    ImportError, AttributeError, SyntaxError, NameError, TypeError, ValueError, LookupError, OSError,
    RuntimeError, ArithmeticError, AssertionError,
)  # fmt: skip


def package(point: EntryPoint) -> str:
    """The name of the package that brings an entry point."""
    return point.dist.name if point.dist else point.value.partition(":")[0]


def load(point: EntryPoint, what: str) -> Any:
    """The object that an entry point names. Raises `UserError`, which starts with `what`, where it cannot be had."""
    try:
        return point.load()
    except _FAULTS as error:
        raise UserError(
            f"{what} of the package {package(point)} could not be loaded ({type(error).__name__}: {error}): "
            "update or remove that package."
        ) from error
