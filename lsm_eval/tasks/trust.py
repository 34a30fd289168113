"""Decides which code a task file may run.

Files that come with lsm-eval or with an installed package may name any function. A file that the user included may name
the functions of the benchmarks that come with lsm-eval (`lsm_eval.benchmarks`) and those that an installed package registers
in the entry-point group `lsm_eval.readers`. With `--include-code` it may also name
functions of a Python file in its own folder (`rows.py:function`), metrics and template functions of the `code.py` there,
and metrics of `evaluate` by path.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsm_eval import plugins
from lsm_eval.errors import CodeRefused, UserError
from lsm_eval.folders.running import BESIDE, beside, content, python_files
from lsm_eval.names import checked_beside

if TYPE_CHECKING:
    from lsm_eval.folders.own_code import OwnCode
    from lsm_eval.tasks.schema import Task

GROUP = "lsm_eval.readers"
"""Entry points whose values (`module:function`) task files may name."""

_OURS = re.compile(r"lsm_eval\.benchmarks(?:\.[a-z]\w*)+:[a-z]\w*", re.ASCII)
_RELATIVE = re.compile(rb"^\s*from\s*\.", re.MULTILINE)
_EVALUATE = "evaluate:"


def code_of(task: Task, folder: Path, own: OwnCode | None) -> str | None:
    """Hash (SHA-256, 16 hex digits) of the Python files beside the task file that it runs; None if there are none.

    `own`: the folder's `code.py`, if the task uses it. Neighbours that a file imports count too. Raises `UserError`
    for a file that does not exist.
    """
    files = {file for _, reference in _functions(task) if (file := beside(reference, folder))}
    if own:
        files.add(own.file)
    if not files:
        return None
    for file in [*files]:
        if _RELATIVE.search(content(file)):
            files.update(python_files(file.parent))
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(hashlib.sha256(content(file)).digest())
    return digest.hexdigest()[:16]


def check_code(task: Task, path: Path, own: OwnCode | None, *, code: bool) -> None:
    """Raises `UserError` if an included file names code that it may not run. `own`: the `code.py` of its folder; `code`:
    whether `--include-code` was given."""
    used = used_by(own, task) if own and not code else None
    if own and used:
        raise CodeRefused(
            f"{path}: {used} is code of its folder, {own.file.name}, and running it needs your word: read that file, "
            "and add --include-code if you trust it."
        )
    try:
        checked_beside(task.dataset.ids or ".")
    except ValueError as error:
        raise UserError(f"{path}: dataset.ids: {error}.") from error
    for key, reference in _functions(task):
        if _ours(reference) or reference in _registered():
            continue
        if BESIDE.fullmatch(reference):
            if code:
                continue
            raise CodeRefused(
                f"{path}: dataset.{key} names code of its own, {reference}, and running it needs your word: read "
                "that file, and add --include-code if you trust it."
            )
        raise UserError(
            f"{path}: dataset.{key} names {reference}, which an included file may not run: name a function of "
            f"lsm_eval.benchmarks, one that an installed package registers ({GROUP}), or with --include-code one "
            "of a Python file beside the task file (rows.py:function)."
        )
    for spec in task.metrics:
        name = spec if isinstance(spec, str) else next(iter(spec))
        module = name.removeprefix(_EVALUATE)
        # `evaluate` prefers a folder of that name in the working directory.
        local = re.search(r"[/\\]|^\.|\.py$", module) or Path(module, f"{module}.py").exists()
        if name.startswith(_EVALUATE) and local and not code:
            raise CodeRefused(
                f"{path}: the metric {name} is code, and running it needs your word: read it, and add "
                "--include-code if you trust it."
            )


def used_by(own: OwnCode, task: Task) -> str | None:
    """The first metric or function of a folder's code that a task names; None if it names none."""
    texts = [*_texts(task.model_dump(exclude={"metrics"}))]
    for name in own.functions:
        call = re.compile(rf"\b{re.escape(name)}\s*\(")
        read = name not in task.dataset.columns and any(_reads(text, name) for text in texts)
        if read or any(call.search(text) for text in texts):
            return f"the function {name}"
    named = {*_texts(task.metrics)}
    return next((f"the metric {name}" for name in own.metric_names() if name in named), None)


def _reads(template: str, name: str) -> bool:
    """Whether a template reads a name that it does not define, also without calling it (`{% set f = name %}`). Not for a broken one."""
    if name not in template or "{" not in template:
        return False
    from jinja2 import TemplateError, meta

    from lsm_eval.templates.sandbox import environment

    try:
        return name in meta.find_undeclared_variables(environment(None).parse(template))
    except TemplateError:
        return False


def _functions(task: Task) -> Iterator[tuple[str, str]]:
    for key in ("python", "reader", "reshape"):
        reference = getattr(task.dataset, key)
        if reference:
            yield key, reference


def _ours(reference: str) -> bool:
    """Whether it is a function that lsm-eval has for task files, not one that its module only imports."""
    if not _OURS.fullmatch(reference):
        return False
    module, _, name = reference.partition(":")
    try:
        function = getattr(import_module(module), name, None)
    except ImportError:
        return False
    return function is None or getattr(function, "__module__", None) == module


def _registered() -> set[str]:
    return {entry.value.replace(" ", "") for entry in plugins.points(GROUP)}


def _texts(value: Any) -> Iterator[str]:
    """All texts in a value, including keys."""
    if isinstance(value, Mapping):
        value = [*value, *value.values()]
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part)
