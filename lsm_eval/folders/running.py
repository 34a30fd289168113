"""Runs Python files beside task files, which belong to no installed package, each once.

A file that comes with lsm-eval is a module of `lsm_eval.benchmarks`. Any other gets a module name of its own, as do the files
that it imports from its folder.
"""

from __future__ import annotations

import hashlib
import importlib
import re
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.folders.packaged import comes_with_us, module_name
from lsm_eval.names import checked_beside

_INCLUDED = "lsm_eval_included_"
"""Prefix of the package name of an included folder."""

BESIDE = re.compile(r"(?P<file>[^:]+\.py):(?P<function>[A-Za-z_]\w*)", re.ASCII)
"""How a task file names a function of a Python file in its folder: `rows.py:function`."""


def beside(reference: str, folder: Path) -> Path | None:
    """The Python file that `rows.py:function` names; None for a function of a package. Raises `UserError` for a file
    outside the folder."""
    found = BESIDE.fullmatch(reference)
    if not found:
        return None
    try:
        return folder / checked_beside(found["file"])
    except ValueError as error:
        raise UserError(f"`{reference}`: {error}.") from error


def load_beside(reference: str, folder: Path) -> Callable[..., Any] | None:
    """The function that `rows.py:function` names; None for a function of a package. Runs that file.

    Raises `UserError` if it does not exist, or cannot be run.
    """
    file = beside(reference, folder)
    if file is None:
        return None
    function = getattr(run(file), reference.rpartition(":")[2], None)
    if not callable(function):
        raise UserError(f"{file} has no function {reference.rpartition(':')[2]!r}: correct the task file.")
    return function  # type: ignore[no-any-return]  # callable() narrows to an untyped callable


def run(file: Path) -> ModuleType:
    """The module of a Python file, which is run once. Raises `UserError` if it does not exist or cannot be run."""
    if not file.is_file():
        content(file)
    name = module_name(file)
    if name is None:
        # Its own module name keeps files of the same name in two folders apart; changed files are run again.
        name = f"{_INCLUDED}{_digest(file.parent)}.{file.stem.replace('.', '_')}"
    if name in sys.modules:
        return sys.modules[name]
    try:
        if comes_with_us(file):
            return importlib.import_module(name)
        return _run_beside(name, file)
    except (Exception, SystemExit) as error:
        raise UserError(f"{file} cannot be run ({_line(error)}): mend it.") from error


def _run_beside(name: str, file: Path) -> ModuleType:
    """Runs a file as a module of its folder's package."""
    package = name.rpartition(".")[0]
    if package not in sys.modules:
        parent = ModuleType(package)
        parent.__path__ = [str(file.parent)]
        sys.modules[package] = parent
    if not any(finder is _Neighbours for finder in sys.meta_path):
        sys.meta_path.insert(0, _Neighbours)
    spec = _Neighbours.of(name, file)
    assert spec
    assert spec.loader
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        for loaded in [one for one in sys.modules if one.startswith(f"{package}.")]:
            del sys.modules[loaded]
        raise
    return module


class _Fresh(SourceFileLoader):
    """Runs the source of a file: Python's compiled copy may be out of date, if by less than a second."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


class _Neighbours:
    """Finds the files that an included file imports from its folder (`sys.meta_path`)."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, stem = name.rpartition(".")
        if not package.startswith(_INCLUDED) or not path:
            return None
        file = Path(path[0], f"{stem}.py")
        return _Neighbours.of(name, file) if file.is_file() else None

    @staticmethod
    def of(name: str, file: Path) -> ModuleSpec | None:
        return spec_from_file_location(name, file, loader=_Fresh(name, str(file)))


def content(file: Path) -> bytes:
    """The bytes of a Python file. Raises `UserError` if it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}): correct the task file.") from error


def python_files(folder: Path) -> list[Path]:
    """The Python files in a folder and below it, without hidden folders: those that its code can import as its own."""
    found = (path for path in folder.rglob("*.py") if path.is_file())
    return sorted(
        path for path in found if not any(part[0] == "." for part in path.relative_to(folder).parts)
    )


def _digest(folder: Path) -> str:
    digest = hashlib.sha256(str(folder.resolve()).encode())
    for file in python_files(folder):
        digest.update(str(file.relative_to(folder)).encode() + hashlib.sha256(content(file)).digest())
    return digest.hexdigest()[:16]


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
