"""Base classes of a record's rows."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer


class Row(BaseModel):
    """An immutable row; fields that a later version adds are kept."""

    model_config = ConfigDict(extra="allow", frozen=True)


_SPARSE = ("gate", "cost", "probed", "choices", "cut_off", "profile", "latency", "chosen")


class SparseRow(Row):
    """A row that is written without `gate`, `cost`, `probed`, `choices`, `cut_off`, `profile`, `latency` and `chosen` if they are None."""

    @model_serializer(mode="wrap")
    def _without_none(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = handler(self)
        for name in _SPARSE:
            if found.get(name, ...) is None:
                del found[name]
        return found
