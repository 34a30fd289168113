"""What all rows of a record have in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer


class Row(BaseModel):
    """Read only; what a later version adds is kept."""

    model_config = ConfigDict(extra="allow", frozen=True)


class SparseRow(Row):
    """A row that says nothing of a gate, or of answers that were cut off, where there were none."""

    @model_serializer(mode="wrap")
    def _without_gate(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = handler(self)
        for name in ("gate", "cut_off"):
            if found.get(name, ...) is None:
                del found[name]
        return found
