"""Counts the cost of everything that is sent with a key: requests, probes, scoring calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.outcome import Retryable

_FREE = frozenset({"tokenize", "detokenize", "apply-template"})
"""Last parts of paths that are free, as no model computes anything there."""


class Keyed(Protocol):
    """An object that sends with a key."""

    _key: Key


Sender = TypeVar("Sender", bound=Keyed)
Rest = ParamSpec("Rest")
Found = TypeVar("Found", bound="Retryable | tuple[int, bytes, Any]")


def paid(
    post: Callable[Concatenate[Sender, str, bytes, Rest], Awaitable[Found]],
) -> Callable[Concatenate[Sender, str, bytes, Rest], Awaitable[Found]]:
    """Decorates a method that posts a body to a path: the most that it can cost is reserved before, and settled by the answer.
    The method then raises `BudgetSpent` if too little is left."""

    @wraps(post)
    async def posted(self: Sender, path: str, body: bytes, /, *args: Rest.args, **more: Rest.kwargs) -> Found:
        account = self._key.account
        if account is None or path.rpartition("/")[2] in _FREE:
            return await post(self, path, body, *args, **more)
        with account.unlimited(body) or await account.reserve(body) as paying:
            found = await post(self, path, body, *args, **more)
            paying.settle(found)
        return found

    return posted
