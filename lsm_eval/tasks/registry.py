"""Every task and suite there is: packaged, from `--include DIR`, and from other packages.

Other packages add theirs through the entry-point group `lsm_eval.tasks`, whose value is a folder of YAML
files (a `str` or `Path`), or a function without parameters that returns one.
"""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from lsm_eval import plugins
from lsm_eval.errors import UserError, unknown
from lsm_eval.paths import is_folder

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

    from lsm_eval.tasks.schema import Share, Suite, Task

M = TypeVar("M", bound="BaseModel")

_HARNESS_KEY = re.compile(
    r"^(?:dataset_path|output_type|doc_to_text|doc_to_target|metric_list|group|tag|include|class|custom_dataset)\s*:",
    re.MULTILINE,
)
_OWN_KEY = re.compile(r"^(?:suite|dataset|prompt|request)\s*:", re.MULTILINE)

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class TaskFile:
    """A YAML file of a task or a suite, read but not yet checked against the schema."""

    name: str
    path: Path
    content: Mapping[str, Any]


@dataclass(frozen=True)
class LoadedTask:
    """A checked task and the folder that its data files are relative to."""

    task: Task
    folder: Path
    path: Path
    share: Share | None = field(default=None, kw_only=True)
    """The part of it that a suite asks for; None for all."""


def packaged_tasks() -> Path:
    """Folder of the tasks that come with lsm-eval: inside the wheel, or the checkout's own."""
    inside = Path(__file__).resolve().parent.parent / "_tasks"
    return inside if inside.is_dir() else inside.parent.parent / "tasks"


Resolver = Callable[[str, Sequence[Path]], Sequence[LoadedTask]]
"""From a name of another library, its prefix included, and the folders of `--include`, to tasks, one at least."""

Refuse = Callable[[str, UserError], None]
"""Called with a task's name and what is wrong with its file."""


class Registry:
    """Finds tasks and suites by name."""

    def __init__(self, include: Sequence[Path] = (), others: Mapping[str, Resolver] | None = None) -> None:
        """`others`: by prefix, who knows the names that begin with it."""
        self._include, self._others = tuple(include), others or {}

    @cached_property
    def tasks(self) -> Mapping[str, TaskFile]:
        """Task files by name."""
        return self._collect("task")

    @cached_property
    def suites(self) -> Mapping[str, TaskFile]:
        """Suite files by name."""
        return self._collect("suite")

    def resolve(self, names: Sequence[str], refuse: Refuse | None = None) -> list[LoadedTask]:
        """Checked tasks for names, globs and suites, each once, in the order they are named.

        Raises `UserError` for a name that fits nothing and for a file that breaks the schema; with `refuse`, what is
        wrong with one file goes there instead, and the other tasks come.
        """
        loaded: dict[str, LoadedTask] = {}
        for name in names:
            for task in self._elsewhere(name) or self._own(name, refuse):
                loaded.setdefault(task.task.task, task)
        return list(loaded.values())

    def _own(self, name: str, refuse: Refuse | None) -> Iterator[LoadedTask]:
        for each, share in self._expand([name], ()):
            try:
                found = self._elsewhere(each) or [load_task(self.tasks[each])]
            except UserError as error:
                if refuse is None:
                    raise
                refuse(each, error)
                continue
            for task in found:
                yield replace(task, share=share) if share else task

    def _elsewhere(self, name: str) -> Sequence[LoadedTask]:
        """The tasks of another library that `name` means; none for a name of ours."""
        prefix = next((prefix for prefix in self._others if name.startswith(prefix)), None)
        return self._others[prefix](name, self._include) if prefix else ()

    def _expand(
        self, names: Iterable[str | Share], within: tuple[str, ...]
    ) -> Iterator[tuple[str, Share | None]]:
        for name in names:
            if not isinstance(name, str):
                if name.task not in self.tasks and not name.task.startswith(tuple(self._others)):
                    raise unknown("task", name.task, [*self.tasks])
                yield name.task, name
            elif name in self.tasks or name.startswith(tuple(self._others)):
                yield name, None
            elif name in self.suites:
                if name in within:
                    raise UserError(f"suite {name!r} contains itself: {' > '.join((*within, name))}.")
                yield from self._expand(load_suite(self.suites[name]).tasks, (*within, name))
            else:
                fitting = fnmatch.filter(self.tasks, name)
                if not fitting:
                    raise unknown("task", name, [*self.tasks, *self.suites])
                yield from ((one, None) for one in fitting)

    @cached_property
    def _files(self) -> list[TaskFile]:
        folders = [packaged_tasks(), *_plugin_folders()]
        files = [read_file(path) for folder in folders for path in sorted(folder.rglob("*.yaml"))]
        for folder in self._include:
            if not is_folder(folder):
                raise UserError(f"--include {folder}: no such folder; name a folder of task files (.yaml).")
            # A folder may hold task files of lm-evaluation-harness too, which `lm-eval:NAME` finds.
            files += [read_file(p) for p in sorted(folder.rglob("*.yaml")) if not is_harness_file(p)]
        return files

    def _collect(self, kind: str) -> dict[str, TaskFile]:
        found: dict[str, TaskFile] = {}
        for file in self._files:
            if kind not in file.content:
                continue
            other = found.setdefault(file.name, file)
            if other.path != file.path:
                raise UserError(
                    f"{kind} {file.name!r} is defined twice: rename it in {other.path} or {file.path}."
                )
        return found


def is_harness_file(path: Path) -> bool:
    """Whether a YAML file is one of lm-evaluation-harness: it has a key at its top that only those have."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return _HARNESS_KEY.search(text) is not None and not _OWN_KEY.search(text)


def read_file(path: Path) -> TaskFile:
    """The YAML file of a task or a suite. Raises `UserError` where it is neither."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); check its rights.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text; save it as UTF-8.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        raise UserError(f"{path}{where}: is not valid YAML ({problem}); correct it.") from error
    if not isinstance(content, dict) or not ("task" in content) ^ ("suite" in content):
        raise UserError(f"{path}: has neither `task:` nor `suite:` (or both); a file defines one of them.")
    name = content.get("task", content.get("suite"))
    if not isinstance(name, str):
        raise UserError(f"{path}: the name {name!r} is no text; give it in quotes.")
    return TaskFile(name, path, content)


def load_task(file: TaskFile) -> LoadedTask:
    """The task of a file, checked. Raises `UserError` naming file, key and the nearest key."""
    from lsm_eval.tasks.schema import Task

    return LoadedTask(_validated(Task, file), file.path.parent, file.path)


def load_suite(file: TaskFile) -> Suite:
    """The suite of a file, checked. Raises `UserError`."""
    from lsm_eval.tasks.schema import Suite

    return _validated(Suite, file)


def _validated(schema: type[M], file: TaskFile) -> M:
    from pydantic import ValidationError

    try:
        return schema.model_validate(dict(file.content))
    except ValidationError as error:
        raise UserError(f"{file.path}: {_explain(schema, error)}") from error


def _explain(schema: type[BaseModel], error: ValidationError) -> str:
    """The first thing wrong, as one sentence."""
    first = error.errors()[0]
    where = [str(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(where[-1], _keys_at(schema, where[:-1]), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else "remove it."
        return f"unknown key {'.'.join(where)!r}: {hint}"
    if first["type"] == "missing":
        return f"the key {'.'.join(where)!r} is missing: add it."
    at = _place(first)
    # A key of several types has an error for each: those that reach furthest are about the type that was meant.
    deepest = max((_place(e) for e in error.errors() if _place(e)[: len(at)] == at), key=len)
    messages = [e["msg"].removeprefix("Value error, ") for e in error.errors() if _place(e) == deepest]
    return f"{'.'.join(deepest) + ': ' if deepest else ''}{' or '.join(dict.fromkeys(messages))}; correct it."


def _place(error: Any) -> list[str]:
    """Where in the file an error is: its location without the names of types."""
    parts = [str(part) for part in error["loc"]]
    return [part for part in parts if part not in ("str", "int") and "[" not in part]


def _keys_at(schema: type[BaseModel], path: Sequence[str]) -> list[str]:
    fields = schema.model_fields
    for part in path:
        inner: Any = getattr(fields.get(part), "annotation", None)
        if not hasattr(inner, "model_fields"):
            return []
        fields = inner.model_fields
    return list(fields)


def _plugin_folders() -> list[Path]:
    folders = []
    for entry in entry_points(group="lsm_eval.tasks"):
        value: str | Path | Callable[[], str | Path] = plugins.load(
            entry, f"the folder of tasks {entry.name!r}"
        )
        with plugins.calling(
            f"the folder of tasks {entry.name!r} of the package {plugins.package(entry)}",
            "update or remove that package",
        ):
            folder = Path(value() if callable(value) else value)
            there = folder.is_dir()
        if not there:
            raise UserError(
                f"package {plugins.package(entry)} names a folder of tasks that is not there, {folder}: update or remove "
                "that package."
            )
        folders.append(folder)
    return folders
