"""What all rows of a record have in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer


class Row(BaseModel):
    """Read only; what a later version adds is kept."""

    model_config = ConfigDict(extra="allow", frozen=True)


_SPARSE = ("gate", "cost", "probed", "choices", "cut_off", "profile", "latency", "chosen")


class SparseRow(Row):
    """A row that says nothing of `gate`, `cost`, what was `probed`, how `choices` were asked, answers that were `cut_off`,
    a `profile`, `latency`, and samples that were `chosen`, where there was none."""

    @model_serializer(mode="wrap")
    def _without_none(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = handler(self)
        for name in _SPARSE:
            if found.get(name, ...) is None:
                del found[name]
        return found
