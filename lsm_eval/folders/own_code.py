"""Finds the Python code of a benchmark's own folder, reads its declarations, and runs it if a task needs it.

`code.py` beside the task files has the benchmark's metrics, the functions for its templates, and the readers of its data.
It imports other files beside it as in `from .answer import read`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.folders.declared import CODE, Declared, declared
from lsm_eval.folders.entry import Entry
from lsm_eval.folders.packaged import comes_with_us, module_name, packaged_tasks
from lsm_eval.folders.running import python_files, run


@dataclass(frozen=True, eq=False)
class OwnCode:
    """The `code.py` of a folder. Creating one runs nothing."""

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
        """The entry of the metric of that name; None if the folder has none."""
        found = self.declared.metrics.get(name)
        return found[1] if found else None

    def metric_names(self) -> list[str]:
        """The folder's metrics."""
        return [*self.declared.metrics]

    def made_by(self, metric: str) -> Callable[..., Any]:
        """The class or function that makes a metric of the folder. Runs the file. Raises `UserError`."""
        return self._get(self.declared.metrics[metric][0])

    def callables(self) -> dict[str, Callable[..., Any]]:
        """The template functions, by name. Runs the file. Raises `UserError`."""
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


def own_code(folder: Path) -> OwnCode | None:
    """The code of a folder; None if there is none, or it declares nothing. Raises `UserError` for a broken table."""
    file = folder / CODE
    if not file.is_file():
        return None
    found = declared(file)
    return OwnCode(file, found) if found.metrics or found.functions else None


@lru_cache(maxsize=1)
def packaged_metrics() -> Mapping[str, Entry]:
    """The metrics of the folders that come with lsm-eval, by name. Their code is not run."""
    return {
        name: replace(entry, factory=f"{module_name(file)}:{made}", origin="built-in")
        for file in sorted(packaged_tasks().glob(f"*/*/{CODE}"))
        for name, (made, entry) in declared(file).metrics.items()
    }


def metrics_beside(include: Iterable[Path]) -> tuple[dict[str, Entry], dict[Path, UserError]]:
    """Returns the metrics of the folders in and below these, by name (the first of each name), and the errors of files whose
    tables cannot be read. No code is run."""
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
