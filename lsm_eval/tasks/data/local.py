"""Rows from a file beside the task file, or from a Python function."""

from __future__ import annotations

import csv
import functools
import importlib
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError

Rows = list[dict[str, Any]]


def read_file(path: Path) -> Rows:
    """The rows of a .jsonl, .json, .csv or .parquet file; values of a .csv are strings.

    Raises `UserError`, with the line where there is one, for a file that is missing or broken.
    """
    readers: dict[str, Callable[[Path], Rows]] = {
        ".jsonl": _read_jsonl,
        ".json": _read_json,
        ".csv": _read_csv,
        ".parquet": _read_parquet,
    }
    reader = readers.get(path.suffix)
    if reader is None:
        raise UserError(f"{path}: data files end in {', '.join(readers)}; convert this one.")
    try:
        return reader(path)
    except FileNotFoundError as error:
        raise UserError(f"the data file {path} is missing: check `dataset.file` in the task file.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text (byte {error.start}): convert it to UTF-8.") from error
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({error.strerror}): check the path and its rights."
        ) from error


def call_python(
    reference: str, arguments: Mapping[str, Any], split: str | None, *, base: Path = Path()
) -> Rows:
    """The rows that `module:function` returns, called with `arguments`, and with `split` where it takes one.

    `split` is None unless the examples' split is wanted. `base` is the folder of a `file.py:function`. Raises `UserError` for a function that is not there,
    does not take the arguments, or returns something other than a list of dicts with string keys.
    """
    function = _resolve(reference, base=base)
    parameters = inspect.signature(function).parameters
    given = dict(arguments)
    if split is not None:
        if "split" not in parameters:
            raise UserError(f"{reference} takes no `split`, so few-shot examples need `fewshot.examples`.")
        given["split"] = split
    try:
        inspect.signature(function).bind(**given)
    except TypeError as error:
        raise UserError(
            f"{reference} cannot be called with `dataset.arguments` ({error}): it takes "
            f"{', '.join(parameters) or 'none'}."
        ) from error
    return _checked(function(**given), reference)


def call_reader(
    reference: str, paths: Sequence[Path], arguments: Mapping[str, Any], *, base: Path = Path()
) -> Rows:
    """The rows that `module:function` returns for a list of paths and `arguments`; errors as for `call_python`."""
    function = _resolve(reference, key="reader", base=base)
    given = [list(paths)]
    try:
        inspect.signature(function).bind(*given, **arguments)
    except TypeError as error:
        raise UserError(
            f"{reference} cannot be called with a list of paths and `dataset.arguments` ({error})."
        ) from error
    return _checked(function(*given, **arguments), reference)


def call_reshape(reference: str, rows: Rows, arguments: Mapping[str, Any], *, base: Path = Path()) -> Rows:
    """The rows that `module:function` makes of `rows` with `arguments`; errors as for `call_python`."""
    function = _resolve(reference, key="reshape", base=base)
    try:
        inspect.signature(function).bind(rows, **arguments)
    except TypeError as error:
        raise UserError(
            f"{reference} cannot be called with a list of rows and `dataset.arguments` ({error})."
        ) from error
    return _checked(function(rows, **arguments), reference)


def _checked(rows: Any, reference: str) -> Rows:
    if not isinstance(rows, list):
        raise UserError(f"{reference} returned {type(rows).__name__}: it has to return a list of dicts.")
    for number, row in enumerate(rows):
        if not isinstance(row, dict) or not all(isinstance(key, str) for key in row):
            raise UserError(
                f"{reference} returned a list whose item {number} is not a dict with string keys: mend it."
            )
    return rows


def _resolve(reference: str, key: str = "python", base: Path = Path()) -> Callable[..., Any]:
    """The function that a task file names; which of them it may name is checked before (`tasks.trust`)."""
    from lsm_eval.tasks.trust import load_beside

    if own := load_beside(reference, base):
        return _told(own, reference)
    module_name, colon, name = reference.partition(":")
    if not colon or not name:
        raise UserError(f"`dataset.{key}: {reference}` has to read `module:function`.")
    try:
        module = importlib.import_module(module_name)
    except (ImportError, ValueError) as error:
        raise UserError(f"`dataset.{key}: {reference}`: {error}; install the package that has it.") from error
    function = getattr(module, name, None)
    if not callable(function):
        raise UserError(f"`dataset.{key}: {reference}`: {module_name} has no function {name!r}.")
    return _told(function, reference)


def _told(function: Callable[..., Any], reference: str) -> Callable[..., Any]:
    """The function, with every fault of its own as one sentence."""

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except UserError:
            raise
        except Exception as error:
            why = " ".join(str(error).split())[:200]
            raise UserError(
                f"{reference} failed ({type(error).__name__}: {why}): correct it, or `dataset.arguments`."
            ) from error

    return called


def _read_jsonl(path: Path) -> Rows:
    rows: Rows = []
    # Text mode splits at \n, \r and \r\n only; other line separators may stand inside JSON strings.
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise UserError(
                    f"{path}, line {number}: not JSON ({error.msg}): mend or remove the line."
                ) from error
            if not isinstance(row, dict):
                raise UserError(f"{path}, line {number}: a row has to be a JSON object, not {_kind(row)}.")
            rows.append(row)
    return rows


def _read_json(path: Path) -> Rows:
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}, line {error.lineno}: not JSON ({error.msg}): mend it.") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UserError(f"{path} has to hold a JSON list of objects, one a row (one a line is .jsonl).")
    return rows


def _read_csv(path: Path) -> Rows:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines, strict=True)
        try:
            header = next(reader, [])
            rows: Rows = []
            for values in filter(None, reader):
                if len(values) != len(header):
                    raise UserError(
                        f"{path}, line {reader.line_num}: {len(values)} values under {len(header)} columns: mend it."
                    )
                rows.append(dict(zip(header, values, strict=True)))
        except csv.Error as error:
            raise UserError(f"{path}, line {reader.line_num}: not CSV ({error}): mend it.") from error
    return rows


def _read_parquet(path: Path) -> Rows:
    from lsm_eval.tasks.data.parquet import read_parquet, rows_of

    return rows_of(read_parquet(path))


def _kind(value: Any) -> str:
    return {list: "a list", str: "a string", type(None): "null"}.get(type(value), "a number or boolean")
