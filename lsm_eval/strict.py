"""What all schemas of files that people write are made of."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict


class Strict(BaseModel):
    """Unknown keys are errors; values cannot change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _no_boolean(value: Any) -> Any:
    # Python would take True for 1.
    if isinstance(value, bool):
        raise ValueError(f"{str(value).lower()} is a boolean, and a number is needed")
    return value


Whole = Annotated[int, BeforeValidator(_no_boolean)]
Number = Annotated[float, BeforeValidator(_no_boolean)]
