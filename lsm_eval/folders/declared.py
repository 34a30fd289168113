"""Reads what the `code.py` of a benchmark's folder declares, without running it.

It has two tables of literals at its top level, either of which may be left out:

    METRICS: MetricRows = {"name": ("Class", "what it is", "fraction", True, "score generate")}
    FUNCTIONS = ("name", "another")

`METRICS`: a metric's name, the class or function of `code.py` that makes it, a short description, its unit, whether higher is
better (None: neither), and the kinds of request whose answers it reads. `FUNCTIONS`: the functions that templates may call.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.folders.entry import KINDS, UNITS, Entry

CODE = "code.py"
_TABLE = re.compile(r"^(METRICS|FUNCTIONS)\b(?:\s*:[^=\n]*)?\s*=\s*", re.MULTILINE)
_UNREADABLE = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)
_END = re.compile(r"^[\])}]", re.MULTILINE)
"""The last line of a table of several lines, as formatters write it."""


@dataclass(frozen=True)
class Declared:
    """What a folder's code declares, by name."""

    metrics: Mapping[str, tuple[str, Entry]]
    """Metric → the class or function that makes it, and its entry."""
    functions: tuple[str, ...]


def declared(file: Path) -> Declared:
    """Returns what a file declares. Raises `UserError` for tables that cannot be read without running it."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} cannot be read ({error}): mend it.") from error
    tables = {found[1]: _value(text, found, file) for found in _TABLE.finditer(text)}
    functions = tables.get("FUNCTIONS", ())
    if not isinstance(functions, (list, tuple)) or not all(isinstance(name, str) for name in functions):
        raise UserError(f"{file}: FUNCTIONS is to be a tuple of the names that templates may call: mend it.")
    metrics = tables.get("METRICS", {})
    if not isinstance(metrics, dict):
        raise UserError(f"{file}: METRICS is to be a table of names and what is known of each: mend it.")
    return Declared({name: _entry(name, row, file) for name, row in metrics.items()}, tuple(functions))


def _value(text: str, found: re.Match[str], file: Path) -> Any:
    """The value of a table. Usually parsing its own lines is enough, in a tenth of the time of the whole file."""
    table, _, below = text[found.end() :].partition("\n")
    if table.rstrip().endswith(("{", "(", "[")) and (end := _END.search(below)):
        table += "\n" + below[: end.end()]
    try:
        return ast.literal_eval(table)
    except _UNREADABLE:
        pass
    try:
        return _of_tree(ast.parse(text), found[1])
    except _UNREADABLE as error:
        raise UserError(
            f"{file}: {found[1]} cannot be read without running the file ({error}): write it as literals, and let nothing "
            "in it be computed."
        ) from error


def _of_tree(tree: ast.Module, name: str) -> Any:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return ast.literal_eval(getattr(node, "value", None) or ast.Constant(None))
    return {} if name == "METRICS" else ()


def _entry(name: Any, row: Any, file: Path) -> tuple[str, Entry]:
    where = f"{file}: METRICS, {name!r}:"
    if not isinstance(name, str) or not isinstance(row, (list, tuple)) or len(row) != 5:
        raise UserError(
            f"{where} a row has five parts: the class, a few words, the unit, whether higher is better, and the requests."
        )
    made, words, unit, higher, kinds = row
    if not isinstance(made, str) or not made.isidentifier() or not isinstance(words, str):
        raise UserError(f"{where} the class and the few words about it are texts: mend them.")
    if unit is not None and unit not in UNITS:
        raise UserError(f"{where} there is no unit {unit!r}: choose one of {', '.join(UNITS)}.")
    if higher not in (True, False, None) or isinstance(higher, (int, float)) != isinstance(higher, bool):
        raise UserError(f"{where} whether higher is better is True, False or None (neither): mend it.")
    reads = tuple(kinds.split()) if isinstance(kinds, str) else ()
    if not reads or not set(reads) <= set(KINDS):
        raise UserError(f"{where} the requests that it reads are some of {', '.join(KINDS)}: mend them.")
    return made, Entry(words, unit, f"{file}:{made}", higher, reads, str(file))
