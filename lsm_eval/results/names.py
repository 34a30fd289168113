"""Names of models in records: a name given by the user, and the folder of the model's records."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import PurePosixPath

from lsm_eval.errors import UserError
from lsm_eval.results.model_rows import ModelRow

MOST = 200
"""The most characters of a given name."""
PYTHON_CALL = "lsm_eval.run("
"""The beginning of a record's command that no shell can repeat, because the model was a Python object."""

_JOINERS = "\u200c\u200d"  # Persian, Indic scripts and emoji are written with them
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # controls, invisible marks, lone surrogates, line breaks
_HEX = 8


def checked_name(name: str, model: str) -> str:
    """Checks a name given to `model` and returns it as the record will have it, without surrounding spaces.

    Raises `UserError` for one that is empty, longer than `MOST` characters, contains line breaks or other invisible
    characters, or looks like a built-in model's name.
    """
    shown = name.strip(" ")
    if not shown.strip():
        raise UserError("--name is empty: give the model a name, or leave the option out.")
    if len(shown) > MOST:
        raise UserError(f"--name has {len(shown)} characters: give {MOST} at most.")
    unseen = next((c for c in shown if unicodedata.category(c) in _UNSEEN and c not in _JOINERS), None)
    if unseen is not None:
        raise UserError(
            f"--name holds a line break or another character that cannot be seen (U+{ord(unseen):04X}): leave it out."
        )
    if shown.startswith("builtin:") and shown != model:
        raise UserError(
            f"--name {shown!r} would pass for a model that lsm-eval brings: choose one without builtin:."
        )
    return shown


def shown_name(model: ModelRow) -> str:
    """The model's name on pages and in tables. It includes the adapter and the bits of quantized weights, unless the user gave a name."""
    if model.own_name is not None:
        return model.name
    adapter, bits = model.details.get("adapter"), bits_here(model)
    tuned = "" if adapter is None else f" + {PurePosixPath(adapter).name or adapter}"
    return f"{model.name}{tuned}{f' ({bits})' if bits else ''}"


def bits_here(model: ModelRow) -> str:
    """The bits that `--quantize` left, in a word; empty without `--quantize`."""
    return model.details.get("quantised here", "").partition(" ")[0]


def as_it_comes(model: ModelRow) -> bool:
    """Whether its weights are exactly those that its name stands for, without an adapter and without `--quantize`."""
    return "adapter" not in model.details and not bits_here(model)


@lru_cache(4096)
def folder_name(name: str) -> str:
    """A name as a file name: letters, digits, `.`, `_` and `-`; anything else becomes `--`."""
    return re.sub(r"[^A-Za-z0-9._-]+", "--", name).strip(".-") or "unnamed"


def model_folder(model: ModelRow) -> str:
    """Folder of a model's records. A built-in model's name identifies its weights; every other name is followed
    by the first digits of the fingerprint, so that two models with the same name never share a folder."""
    own = folder_name(model.name)
    if model.name.startswith("builtin:") and as_it_comes(model):
        return own
    return f"{own[:MOST].rstrip('.-')}--{model.fingerprint[:_HEX]}"
