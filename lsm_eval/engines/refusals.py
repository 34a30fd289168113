"""Refuses options that have no meaning for an engine."""

from __future__ import annotations

from collections.abc import Mapping

from lsm_eval import plugins
from lsm_eval.errors import UserError
from lsm_eval.models.base import ModelOptions


def refuse_options(engine: str, is_set: Mapping[str, bool]) -> None:
    """Raises `UserError` if options are set that have no meaning for `engine`."""
    named = [name for name, there in is_set.items() if there]
    if named:
        raise UserError(f"{', '.join(named)} has no meaning for --model {engine}…: leave it out.")


def refuse_engine_options(model: str, options: ModelOptions) -> None:
    """Raises `UserError` for options of engines if no engine runs the model. Backends of other packages check their options
    themselves."""
    given = {"--context": options.context, "--slots": options.slots, "--threads": options.threads}
    named = [name for name, value in given.items() if value is not None]
    prefix = model.partition(":")[0]
    if named and not any(entry.name == prefix for entry in plugins.points("lsm_eval.models")):
        raise UserError(
            f"{', '.join(named)} has no meaning for the model {model!r}: it goes with an engine (llama.cpp:FILE.gguf, "
            "onnx:FOLDER)."
        )
