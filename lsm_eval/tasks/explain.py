"""Explains in one sentence what is wrong with a task file's content."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError


def explain(schema: type[BaseModel], error: ValidationError) -> str:
    """The first error, as one sentence."""
    first = error.errors()[0]
    where = [str(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(where[-1], _keys_at(schema, where[:-1]), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else "remove it."
        return f"unknown key {'.'.join(where)!r}: {hint}"
    if first["type"] == "missing":
        return f"the key {'.'.join(where)!r} is missing: add it."
    at = _place(first)
    # A key of several types has an error for each; the deepest ones are about the type that was meant.
    deepest = max((_place(e) for e in error.errors() if _place(e)[: len(at)] == at), key=len)
    here = [e for e in error.errors() if _place(e) == deepest]
    key = ".".join(deepest) + ": " if deepest else ""
    read = next((text for e in here if (text := _read_as(e))), None)
    if read:
        return f"{key}{read}"
    messages = [e["msg"].removeprefix("Value error, ") for e in here]
    return f"{key}{' or '.join(dict.fromkeys(messages))}; correct it."


def _read_as(error: Any) -> str | None:
    """A hint for a value that was meant as a text but that YAML reads as something else."""
    value = error["input"]
    if error["type"] != "string_type" or not isinstance(value, (bool, int, float, type(None))):
        return None
    if value is None:
        return "YAML reads null here, and a text is needed: give it, or leave out the key."
    shown = str(value).lower() if isinstance(value, bool) else repr(value)
    return f"YAML reads {shown} as a {'boolean' if isinstance(value, bool) else 'number'}: quote it."


def _place(error: Any) -> list[str]:
    """An error's location in the file, without the names of types."""
    parts = [str(part) for part in error["loc"]]
    return [part for part in parts if part not in ("str", "int") and "[" not in part]


def _keys_at(schema: type[BaseModel], path: Sequence[str]) -> list[str]:
    fields = schema.model_fields
    for part in path:
        if part.isdecimal():
            continue  # a place in a list, whose items are all of one kind
        inner: Any = getattr(fields.get(part), "annotation", None)
        inner = next((one for one in get_args(inner) if hasattr(one, "model_fields")), inner)
        if not hasattr(inner, "model_fields"):
            return []
        fields = inner.model_fields
    return list(fields)
