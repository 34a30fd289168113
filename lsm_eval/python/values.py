"""Checks the values of keywords in Python, and converts them to the form of the command line."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from operator import index
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.runner.make_spec import checked_adapters
from lsm_eval.runner.option_values import CHOICES, OUT, RANGES

Place = str | os.PathLike[str]
"""The path of a file or a folder."""

_FLAGS = ("from_start", "trust_remote_code", "offline", "allow_drift", "include_code", "strict")
_SEVERAL = ("base_url", "header_env", "perturb", "stop", "judge_base_url", "judge_header_env")
_PATHS = ("out", "api_key_file", "prices", "data_mirror", "data_files", "judge_api_key_file")
_PLACES = ("tokenizer", "chat_template")
_TEXTS = (
    "api_key_env", "device", "dtype", "quantize", "name", "system", "judge_api_key_env", "judge_device", "judge_dtype",
)  # fmt: skip
_RENAMED = {"base_url": "base_urls", "judge_base_url": "judge_base_urls", "from_start": "first"}
_VARIABLES = {"data_mirror": "LSM_EVAL_DATA_MIRROR", "data_files": "LSM_EVAL_DATA_FILES"}


def checked(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The values in a uniform form: paths as `Path`, several texts as a tuple. Raises `UserError` for invalid ones."""
    found = dict(values)
    for name, value in values.items():
        if value is None and name not in ("out", "store"):
            if defaults[name]:
                raise UserError(f"{name}=None: leave it out for the default, {defaults[name]!r}.")
            found[name] = defaults[name]
        else:
            found[name] = _FORMS[name](name, value)
    return found


def as_options(values: Mapping[str, Any]) -> dict[str, Any]:
    """The checked values under the names of `runner.make_spec.make_spec`, with values from the environment for those that are not given."""
    found = {**values, "adapter": values["adapter"] or ()}
    for name, variable in _VARIABLES.items():
        folder = os.environ.get(variable)
        if found[name] is None and folder:
            found[name] = Path(folder)
    return {_RENAMED.get(name, name): value for name, value in found.items()}


def _word(name: str, value: Any) -> str:
    if value not in CHOICES[name]:
        raise UserError(f"{name}={value!r}: give one of {', '.join(map(repr, CHOICES[name]))}.")
    return str(value)


def _number(name: str, value: Any) -> int:
    low, high = RANGES[name]
    try:
        whole = index(value)
    except TypeError:
        whole = low - 1
    if isinstance(value, bool) or whole < low or (high is not None and whole > high):
        bound = f"{low} or more" if high is None else f"from {low} to {high}"
        raise UserError(f"{name}={value!r}: give a whole number, {bound}.")
    return whole


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise UserError(f"{name}={value!r}: give True or False.")
    return value


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise UserError(f"{name}={value!r}: give a text.")
    return value


def _texts(name: str, value: Any) -> tuple[str, ...]:
    one = (value,) if isinstance(value, str) else value
    if not isinstance(one, Sequence) or not all(isinstance(part, str) for part in one):
        raise UserError(f"{name}={value!r}: give a text, or a list of texts.")
    return tuple(one)


def _place(name: str, value: Any) -> str:
    if not isinstance(value, (str, os.PathLike)):
        raise UserError(f"{name}={value!r}: give a path.")
    return str(os.fspath(value))


def _path(name: str, value: Any) -> Path:
    if not (place := _place(name, value)):
        raise UserError(f"{name}={value!r} is empty: name a file or a folder.")
    return Path(place)


def _out(name: str, value: Any) -> Path:
    return Path(OUT) if value is None else _path(name, value)


def _include(name: str, value: Any) -> tuple[Path, ...]:
    several = (value,) if isinstance(value, (str, os.PathLike)) else value
    if not isinstance(several, Sequence):
        raise UserError(f"{name}={value!r}: give a folder, or a list of folders.")
    return tuple(_path(name, one) for one in several)


def _adapter(name: str, value: Any) -> tuple[str, ...]:
    return checked_adapters((_place(name, value),))


def _judge(name: str, value: Any) -> Any:
    """A name, or an object that is asked (`asking.as_model`)."""
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _store(name: str, value: Any) -> str:
    return "none" if value is None else _place(name, value)


def _limit(name: str, value: Any) -> str | float:
    from lsm_eval.tasks.limit import read_limit

    try:
        read_limit(value)
    except UserError as error:
        raise UserError(f"{name}={value!r}: {str(error).partition(': ')[2]}") from None
    return value if isinstance(value, int | float) else str(value)


def _ids(name: str, value: Any) -> str:
    """The form of the command line: a file's path, or ids separated by commas."""
    if isinstance(value, (str, os.PathLike)):
        return _place(name, value)
    ids = _texts(name, value)
    if any("," in one for one in ids):
        raise UserError(
            f"{name}={value!r}: an id with a comma can't stand in a list: name a file with one id a line."
        )
    return ",".join(ids)


def _decimal(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UserError(f"{name}={value!r}: give a number.")
    return float(value)


def _tokens(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise UserError(f"{name}={value!r}: give 'auto' or a number of tokens, 1 or more.")
    return str(value)


def _dollars(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
        raise UserError(f"{name}={value!r}: give an amount of US dollars, such as 5 or 0.25.")
    return str(value)


_FORMS: Mapping[str, Callable[[str, Any], Any]] = MappingProxyType(
    {
        **dict.fromkeys(CHOICES, _word),
        **dict.fromkeys(RANGES, _number),
        **dict.fromkeys(_FLAGS, _flag),
        **dict.fromkeys(_SEVERAL, _texts),
        **dict.fromkeys(_PATHS, _path),
        **dict.fromkeys(_PLACES, _place),
        **dict.fromkeys(_TEXTS, _text),
        "out": _out,
        "include": _include,
        "adapter": _adapter,
        "judge": _judge,
        "store": _store,
        "limit": _limit,
        "sample_ids": _ids,
        "temperature": _decimal,
        "top_p": _decimal,
        "batch_tokens": _tokens,
        "max_cost": _dollars,
    }
)
"""How the value of each keyword is read; a test checks that none is forgotten."""
