"""Rows from a file beside the task file, or from a Python function."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lsm_eval.data.text_files import Rows, read_csv, read_json, read_jsonl
from lsm_eval.errors import UserError
from lsm_eval.plugins import calling


def read_file(path: Path) -> Rows:
    """Reads the rows of a .jsonl, .json, .csv or .parquet file; values of a .csv are strings.

    Raises `UserError`, with the line if known, for a file that is missing or broken.
    """
    readers: dict[str, Callable[[Path], Rows]] = {
        ".jsonl": read_jsonl,
        ".json": read_json,
        ".csv": read_csv,
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
        raise UserError(f"{path} is not UTF-8 text {_undecodable(path)}: convert it to UTF-8.") from error
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({error.strerror}): check the path and its rights."
        ) from error
    except ValueError as error:
        raise UserError(f"{path} cannot be read ({error}): check the path.") from error


def call_python(
    reference: str, arguments: Mapping[str, Any], split: str | None, *, base: Path = Path()
) -> Rows:
    """The rows that `module:function` returns, called with `arguments`, and with `split` if it takes one.

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
    with calling(reference, "mend it"):
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
    with calling(f"{reference}, which reads {', '.join(path.name for path in paths)},", "mend it"):
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
    try:
        return _checked(function(rows, **arguments), reference)
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        at = _failing_row(function, rows, arguments, type(error))
        with calling(f"{reference}, called with {at},", "mend it"):
            raise


def _failing_row(
    function: Callable[..., Any], rows: Rows, arguments: Mapping[str, Any], kind: type[BaseException]
) -> str:
    """Names the row that a function over all rows fails on: the first that it fails on by itself."""
    for number, row in enumerate(rows):
        try:
            function([row], **arguments)
        except (Exception, SystemExit) as error:  # noqa: BLE001 (it is not our code)
            if isinstance(error, kind):
                return f"row {number} (from 0)"
    return f"{len(rows)} rows"


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
    """The function that a task file names. Whether it may name it was checked before (`tasks.trust`)."""
    from lsm_eval.folders.running import load_beside

    if own := load_beside(reference, base):
        return own
    module_name, colon, name = reference.partition(":")
    if not colon or not name:
        raise UserError(f"`dataset.{key}: {reference}` has to read `module:function`.")
    try:
        with calling(
            f"`dataset.{key}: {reference}`: importing {module_name}", "mend it", passing=ImportError
        ):
            module = importlib.import_module(module_name)
    except (ImportError, ValueError) as error:
        raise UserError(f"`dataset.{key}: {reference}`: {error}; install the package that has it.") from error
    function = getattr(module, name, None)
    if not callable(function):
        raise UserError(f"`dataset.{key}: {reference}`: {module_name} has no function {name!r}.")
    try:
        inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"`dataset.{key}: {reference}`: {name} does not tell what it takes ({error}): name a function that "
            "is written in Python."
        ) from error
    return function  # type: ignore[no-any-return]  # callable() narrows to an untyped callable


def _read_parquet(path: Path) -> Rows:
    from lsm_eval.data.parquet import read_parquet, rows_of

    return rows_of(read_parquet(path), str(path))


def _undecodable(path: Path) -> str:
    """The place where a file stops being UTF-8, in words; the error itself counts from somewhere within the file."""
    before = 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return f"(byte {before + error.start}) in line {number}"
            before += len(line)
    return "at its end"
