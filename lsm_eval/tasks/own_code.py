"""The Python code of a benchmark's own folder: found, declared, and run where a task needs it.

`code.py` beside the task files has the benchmark's metrics, the functions of its templates, and the readers of its data.
Other files beside it are imported from it as `from .answer import read`.
"""

from __future__ import annotations

import hashlib
import importlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from lsm_eval.errors import UserError
from lsm_eval.tasks.declared import CODE, Declared, declared
from lsm_eval.tasks.packaged import comes_with_us, module_name, packaged_tasks

if TYPE_CHECKING:
    from lsm_eval.metrics.entry import Entry
    from lsm_eval.tasks.schema import Task

_INCLUDED = "lsm_eval_included_"
"""Begins the name of the package that an included folder is."""


@dataclass(frozen=True, eq=False)
class OwnCode:
    """The `code.py` of a folder. Making one runs nothing."""

    file: Path
    declared: Declared

    @cached_property
    def packaged(self) -> bool:
        """Whether it came with lsm-eval."""
        return comes_with_us(self.file)

    @property
    def functions(self) -> tuple[str, ...]:
        """The functions that templates of the folder's tasks may call."""
        return self.declared.functions

    def metric(self, name: str) -> Entry | None:
        """What is known of a metric of that name; None where the folder has none."""
        found = self.declared.metrics.get(name)
        return found[1] if found else None

    def metric_names(self) -> list[str]:
        """The folder's metrics."""
        return [*self.declared.metrics]

    def made_by(self, metric: str) -> Callable[..., Any]:
        """What makes a metric that the folder has. Runs the file. Raises `UserError`."""
        return self._get(self.declared.metrics[metric][0])

    def callables(self) -> dict[str, Callable[..., Any]]:
        """The functions of templates, by name. Runs the file. Raises `UserError`."""
        return {name: self._get(name) for name in self.functions}

    @cached_property
    def _module(self) -> ModuleType:
        return run(self.file)

    def _get(self, name: str) -> Callable[..., Any]:
        found = getattr(self._module, name, None)
        if not callable(found):
            raise UserError(
                f"{self.file} declares {name!r} and has no function or class of that name: mend it."
            )
        return found  # type: ignore[no-any-return]  # callable() narrows to an untyped callable

    def used_by(self, task: Task) -> str | None:
        """The first metric or function of the folder that a task names; None where it names none."""
        texts = [*_texts(task.model_dump(exclude={"metrics"}))]
        for name in self.functions:
            call = re.compile(rf"\b{re.escape(name)}\s*\(")
            if any(call.search(text) for text in texts):
                return f"the function {name}"
        named = {*_texts(task.metrics)}
        return next((f"the metric {name}" for name in self.declared.metrics if name in named), None)


def own_code(folder: Path) -> OwnCode | None:
    """The code of a folder; None where there is none, or it declares nothing. Raises `UserError` for a broken table."""
    file = folder / CODE
    if not file.is_file():
        return None
    found = declared(file)
    return OwnCode(file, found) if found.metrics or found.functions else None


@lru_cache(maxsize=1)
def packaged_metrics() -> Mapping[str, Entry]:
    """The metrics of the folders that come with lsm-eval, by name; their code is not run."""
    return {
        name: replace(entry, factory=f"{module_name(file)}:{made}", origin="built-in")
        for file in sorted(packaged_tasks().glob(f"*/*/{CODE}"))
        for name, (made, entry) in declared(file).metrics.items()
    }


def metrics_beside(include: Iterable[Path]) -> tuple[dict[str, Entry], dict[Path, UserError]]:
    """The metrics of the folders in and below these, by name, the first of each name; and what is wrong with files whose tables
    cannot be read. No code is run."""
    found: dict[str, Entry] = {}
    broken: dict[Path, UserError] = {}
    for file in (file for folder in include for file in python_files(folder) if file.name == CODE):
        try:
            own = declared(file)
        except UserError as error:
            broken[file] = error
            continue
        for name, (_, entry) in own.metrics.items():
            found.setdefault(name, entry)
    return found, broken


def run(file: Path) -> ModuleType:
    """The module that a Python file is, run once. Raises `UserError` where it is not there, or cannot be run."""
    if not file.is_file():
        content(file)
    name = module_name(file)
    if name is None:
        # Under a name of its own, so that files of one name in two folders stay apart; changed files are run anew.
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
    """Runs a file as a part of the package that its folder is."""
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
    """Runs a file as it stands: what Python has kept compiled of it may be older, by as little as a second."""

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
    """What a Python file says. Raises `UserError`."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}): correct the task file.") from error


def python_files(folder: Path) -> list[Path]:
    """Those in a folder and below it, but for hidden folders: what the code in it may import as its own."""
    found = (path for path in folder.rglob("*.py") if path.is_file())
    return sorted(
        path for path in found if not any(part[0] == "." for part in path.relative_to(folder).parts)
    )


def _digest(folder: Path) -> str:
    digest = hashlib.sha256(str(folder.resolve()).encode())
    for file in python_files(folder):
        digest.update(str(file.relative_to(folder)).encode() + hashlib.sha256(content(file)).digest())
    return digest.hexdigest()[:16]


def _texts(value: Any) -> Iterator[str]:
    """All texts in a value, those of keys too."""
    if isinstance(value, Mapping):
        value = [*value, *value.values()]
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part)


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
