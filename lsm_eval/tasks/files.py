"""The YAML files of tasks and suites: finds them, and reads their names and content."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lsm_eval import plugins
from lsm_eval.errors import UserError
from lsm_eval.yaml_reader import read_parts, read_yaml

_HARNESS_KEY = re.compile(
    r"^(?:dataset_path|output_type|doc_to_text|doc_to_target|metric_list|group|tag|include|class|custom_dataset)\s*:",
    re.MULTILINE,
)
_OWN_KEY = re.compile(r"^(?:suite|dataset|prompt|request)\s*:", re.MULTILINE)

ENDINGS = (".yaml", ".yml")
_RUBRIC = "rubric.yaml"
"""The questions for a judge in a benchmark's folder (`judging.rubric`)."""
_RUBRIC_KEY = re.compile(r"^rubric\s*:", re.MULTILINE)
_FIRST_LINE = re.compile(r"(task|suite): ([A-Za-z][\w-]*)\r?\n?", re.ASCII)
_NAMING = re.compile(r"""^["']?(task|suite)["']?[ \t]*:[ \t]*["']?([^\s"'#]*)""", re.MULTILINE)


@dataclass(frozen=True)
class TaskFile:
    """A YAML file of a task or a suite, read but not yet checked against the schema."""

    name: str
    path: Path
    content: Mapping[str, Any]
    included: bool = False
    """Whether it comes from the user, not from lsm-eval or an installed package."""
    fault: UserError | None = None
    """Why it cannot be used; raised only if somebody asks for its name."""

    def parts(self, keys: Collection[str]) -> Mapping[str, Any]:
        """Its content under these keys, and perhaps others. Raises `UserError` for a file that cannot be read."""
        return self.content.parts(keys) if isinstance(self.content, _Unread) else self.content


class _Unread(Mapping[str, Any]):
    """The content of a packaged file, read only when more is needed than whether it is a task or a suite."""

    def __init__(self, path: Path, kind: str) -> None:
        self._path, self._kind = path, kind

    @cached_property
    def _content(self) -> Mapping[str, Any]:
        return read_file(self._path).content

    def parts(self, keys: Collection[str]) -> Mapping[str, Any]:
        """The file's content under these keys, in a third of the time of reading all of it."""
        found = read_parts(self._path, {*keys, "task", "suite"}) or {}
        kinds = {*found} & {"task", "suite"}
        return found if kinds == {self._kind} and isinstance(found[self._kind], str) else self._content

    def __contains__(self, key: object) -> bool:
        return key == self._kind if key in ("task", "suite") else key in self._content

    def __getitem__(self, key: str) -> Any:
        return self._content[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)


def yaml_files(folder: Path) -> list[Path]:
    """The YAML files in a folder and below it, without rubrics, and without hidden folders, which belong to other tools."""
    found = (path for ending in ENDINGS for path in folder.rglob(f"*{ending}") if not _is_rubric(path))
    return sorted(path for path in found if not any(p[0] == "." for p in path.relative_to(folder).parts))


def _is_rubric(path: Path) -> bool:
    if path.name != _RUBRIC:
        return False
    try:
        return _RUBRIC_KEY.search(path.read_text(encoding="utf-8")) is not None
    except (OSError, UnicodeDecodeError):
        return False


def named_file(name: str) -> TaskFile:
    """The task or suite file at a path."""
    path = Path(name).expanduser()
    if not path.is_file():
        raise UserError(f"{name}: no such file; name a task, a suite, or the YAML file of one.")
    if is_harness_file(path):
        raise UserError(f"{name} is a task file of lm-evaluation-harness: name it as lm-eval:{name}.")
    return whatever_it_is(path, included=True)


def packaged(path: Path) -> TaskFile:
    """A packaged file, whose first line names it; the rest is read when needed."""
    try:
        with path.open(encoding="utf-8") as file:
            named = _FIRST_LINE.fullmatch(file.readline())
    except (OSError, UnicodeDecodeError):
        named = None
    if named is None:
        return whatever_it_is(path)
    kind, name = named.groups()
    return TaskFile(name, path, _Unread(path, kind))


def whatever_it_is(path: Path, *, included: bool = False) -> TaskFile:
    """The file of a task or a suite; if it cannot be read, one with its probable name and the fault."""
    try:
        return read_file(path, included=included)
    except UserError as error:
        try:
            named = _NAMING.search(path.read_text(encoding="utf-8-sig", errors="replace"))
        except OSError:
            named = None
        kind, name = named.groups() if named else ("task", "")
        return TaskFile(name or path.stem, path, {kind: name}, included, error)


def is_harness_file(path: Path) -> bool:
    """Whether a YAML file is one of lm-evaluation-harness: it has a top-level key that only those have."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return _HARNESS_KEY.search(text) is not None and not _OWN_KEY.search(text)


def read_file(path: Path, *, included: bool = False) -> TaskFile:
    """Reads the YAML file of a task or a suite. Raises `UserError` if it is neither."""
    content = read_yaml(path)
    if not isinstance(content, dict) or not ("task" in content) ^ ("suite" in content):
        raise UserError(f"{path}: has neither `task:` nor `suite:` (or both); a file defines one of them.")
    name = content.get("task", content.get("suite"))
    if not isinstance(name, str):
        raise UserError(f"{path}: the name {name!r} is no text; give it in quotes.")
    return TaskFile(name, path, content, included)


def plugin_folders() -> list[Path]:
    """The task folders of installed packages. Raises `UserError` for a package that names none."""
    folders = []
    for entry in plugins.points("lsm_eval.tasks"):
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
