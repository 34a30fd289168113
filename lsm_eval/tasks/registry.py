"""Finds all tasks and suites: packaged, from `--include DIR`, and from other packages.

Other packages add theirs through the entry-point group `lsm_eval.tasks`, whose value is a folder of YAML
files (a `str` or `Path`), or a function without parameters that returns one.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lsm_eval.errors import UserError, unknown
from lsm_eval.folders.packaged import comes_with_us, packaged_tasks
from lsm_eval.paths import is_folder
from lsm_eval.tasks.files import (
    ENDINGS,
    TaskFile,
    is_harness_file,
    named_file,
    packaged,
    plugin_folders,
    whatever_it_is,
    yaml_files,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

    from lsm_eval.folders.own_code import OwnCode
    from lsm_eval.tasks.schema import Share, Suite, Task

M = TypeVar("M", bound="BaseModel")


@dataclass(frozen=True)
class LoadedTask:
    """A checked task and the folder to which its data files are relative."""

    task: Task
    folder: Path
    path: Path
    share: Share | None = field(default=None, kw_only=True)
    """The share of it that a suite asks for; None for all."""
    code: str | None = field(default=None, kw_only=True)
    """Hash of the Python files beside the task file that it runs (`tasks.trust`); None if there are none, and for a task
    that comes with lsm-eval, whose version identifies them."""
    own: OwnCode | None = field(default=None, kw_only=True)
    """The `code.py` beside the task file, if the task uses its metrics or functions."""


Resolver = Callable[[str, Sequence[Path], bool], Sequence[LoadedTask]]
"""Takes a name in another library, with its prefix, the folders of `--include`, and whether `--include-code` was given;
returns at least one task."""

Refuse = Callable[[str, UserError], None]
"""Called with a task's name and the error of its file."""


class Registry:
    """Finds tasks and suites by name."""

    def __init__(
        self,
        include: Sequence[Path] = (),
        others: Mapping[str, Resolver] | None = None,
        *,
        code: bool = False,
    ) -> None:
        """`others`: prefix → resolver of the names that begin with it. `code`: whether included files may run Python
        files beside them."""
        self._include, self._others, self._code = tuple(include), others or {}, code

    @cached_property
    def tasks(self) -> Mapping[str, TaskFile]:
        """Task files by name."""
        return self._collect("task")

    @cached_property
    def suites(self) -> Mapping[str, TaskFile]:
        """Suite files by name."""
        return self._collect("suite")

    def resolve(self, names: Sequence[str], refuse: Refuse | None = None) -> list[LoadedTask]:
        """Returns the checked tasks for names, globs, suites and paths of their files, each once, in the given order.

        Raises `UserError` for a name that fits nothing and for a file that cannot be read or breaks the schema. With
        `refuse`, an error of one file or of one name in a suite goes there instead, and the other tasks are returned.
        """
        loaded: dict[str, LoadedTask] = {}
        for name in names:
            for task in self._elsewhere(name) or self._own(name, refuse):
                other = loaded.setdefault(task.task.task, task)
                if not _same(other.path, task.path):
                    raise _twice("task", task.task.task, other.path, task.path)
        return list(loaded.values())

    def _own(self, name: str, refuse: Refuse | None) -> Iterator[LoadedTask]:
        file = named_file(name) if name.endswith(ENDINGS) else None
        if file and "task" in file.content:
            yield from self._loaded(file.name, file, refuse)
            return
        names = self._members(file, refuse) if file else [name]
        for each, share in self._expand(names, (file.name,) if file else (), refuse):
            for task in self._loaded(each, None, refuse):
                yield replace(task, share=share) if share else task

    def _loaded(self, name: str, file: TaskFile | None, refuse: Refuse | None) -> Sequence[LoadedTask]:
        """The tasks of a name (or of its file, if that was named); none if they are refused."""
        try:
            if file is None and (found := self._elsewhere(name)):
                return found
            return [load_task(file or self.tasks[name], code=self._code)]
        except UserError as error:
            if refuse is None:
                raise
            refuse(name, error)
            return []

    def _elsewhere(self, name: str) -> Sequence[LoadedTask]:
        """The tasks of another library that `name` refers to; none for a name of ours."""
        prefix = next((prefix for prefix in self._others if name.startswith(prefix)), None)
        return self._others[prefix](name, self._include, self._code) if prefix else ()

    @property
    def broken(self) -> list[TaskFile]:
        """The files that cannot be used; each has a `fault`."""
        if "_files" not in vars(self):  # no folder has been read
            return []
        return [file for files in (self.tasks, self.suites) for file in files.values() if file.fault]

    def _members(self, file: TaskFile, refuse: Refuse | None) -> Sequence[str | Share]:
        """The members of a suite; none if it is refused."""
        try:
            return load_suite(file).tasks
        except UserError as error:
            if refuse is None:
                raise
            refuse(file.name, error)
            return ()

    def _expand(
        self, names: Iterable[str | Share], within: tuple[str, ...], refuse: Refuse | None
    ) -> Iterator[tuple[str, Share | None]]:
        for name in names:
            if not isinstance(name, str):
                if name.task in self.tasks or name.task.startswith(tuple(self._others)):
                    yield name.task, name
                else:
                    self._unknown(name.task, self.tasks, within, refuse)
            elif name in self.tasks or name.startswith(tuple(self._others)):
                yield name, None
            elif name in self.suites:
                if name in within:
                    raise UserError(f"suite {name!r} contains itself: {' > '.join((*within, name))}.")
                members = self._members(self.suites[name], refuse)
                yield from self._expand(members, (*within, name), refuse)
            else:
                fitting = fnmatch.filter(self.tasks, name)
                if not fitting:
                    self._unknown(name, [*self.tasks, *self.suites], within, refuse)
                yield from ((one, None) for one in fitting)

    def _unknown(
        self, name: str, known: Iterable[str], within: tuple[str, ...], refuse: Refuse | None
    ) -> None:
        """Raises an error for a name that fits nothing, or refuses it: a name in a suite's file affects only itself."""
        error = unknown("task", name, known)
        if not within and self._may_be_elsewhere(name):
            error = UserError(
                f"{error} If lm-evaluation-harness has a task of that name, it is lm-eval:{name} here."
            )
        if within:
            error = UserError(f"in the suite {within[-1]!r}, {error}")
        if broken := [file for file in self.broken if len(file.content) == 1]:
            which = "a file" if len(broken) == 1 else f"one of {len(broken)} files"
            first = "" if len(broken) == 1 else "the first being "
            error = UserError(
                f"{error} It may stand in {which} that cannot be read, {first}{broken[0].fault}"
            )
        if refuse is None or not within:
            raise error
        refuse(name, error)

    def _may_be_elsewhere(self, name: str) -> bool:
        """Whether lm-evaluation-harness is installed and could have a task of that name."""
        return (
            "lm-eval:" in self._others and bool(re.fullmatch(r"\w[\w-]*", name)) and _harness_is_installed()
        )

    @cached_property
    def _files(self) -> list[TaskFile]:
        files = [packaged(path) for path in yaml_files(packaged_tasks())]
        files += [whatever_it_is(path) for folder in plugin_folders() for path in yaml_files(folder)]
        for folder in self._include:
            if not is_folder(folder):
                raise UserError(f"--include {folder}: no such folder; name a folder of task files (.yaml).")
            # A folder may hold task files of lm-evaluation-harness too, which `lm-eval:NAME` finds.
            files += [whatever_it_is(p, included=True) for p in yaml_files(folder) if not is_harness_file(p)]
        return files

    def _collect(self, kind: str) -> dict[str, TaskFile]:
        found: dict[str, TaskFile] = {}
        for file in self._files:
            if kind not in file.content:
                continue
            other = found.setdefault(file.name, file)
            if not _same(other.path, file.path):
                fault = _twice(kind, file.name, other.path, file.path)
                found[file.name] = replace(other, fault=other.fault or file.fault or fault)
        return found


def _harness_is_installed() -> bool:
    """Checked without importing it."""
    from importlib.util import find_spec

    return find_spec("lm_eval") is not None


def _same(one: Path, other: Path) -> bool:
    return one == other or one.resolve() == other.resolve()


def _twice(kind: str, name: str, one: Path, other: Path) -> UserError:
    return UserError(f"{kind} {name!r} is defined twice: rename it in {one} or {other}.")


def load_task(file: TaskFile, *, code: bool = False) -> LoadedTask:
    """The checked task of a file; `code`: whether an included one may run Python files beside it.

    Raises `UserError` that names file, key and the most similar key, and for code that the file may not run.
    """
    from lsm_eval.folders.own_code import own_code
    from lsm_eval.tasks import trust
    from lsm_eval.tasks.schema import Task

    task, folder = _validated(Task, file), file.path.parent
    own, ours = own_code(folder), comes_with_us(file.path)
    if file.included and not ours:
        trust.check_code(task, file.path, own, code=code)
    own = own if own and trust.used_by(own, task) else None
    return LoadedTask(
        task, folder, file.path, code=None if ours else trust.code_of(task, folder, own), own=own
    )


def load_suite(file: TaskFile) -> Suite:
    """The checked suite of a file. Raises `UserError`."""
    from lsm_eval.tasks.schema import Suite

    return _validated(Suite, file)


def _validated(schema: type[M], file: TaskFile) -> M:
    from pydantic import ValidationError

    from lsm_eval.tasks.explain import explain

    if file.fault:
        raise file.fault
    try:
        return schema.model_validate(dict(file.content))
    except ValidationError as error:
        raise UserError(f"{file.path}: {explain(schema, error)}") from error
