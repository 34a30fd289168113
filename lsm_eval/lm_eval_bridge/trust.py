"""Decides which code a task file of the harness may run: that of its library, and a user's own only with `--include-code`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from lsm_eval.errors import UserError

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def check_code(file: Path, content: Mapping[str, Any]) -> None:
    """Raises `UserError` if a file outside the harness's own library names code to run.

    `content` is its content with its includes. Code is Python by `!function`, a metric or a data set that is a script, and
    `trust_remote_code`.
    """
    found = next(_code(file, set()), None)
    if found is None and not _own(file):
        found = next(_scripts(content), None)
    if found:
        raise UserError(
            f"{file}: names code of its own ({found}), and running it needs your word: read it, and add --include-code "
            "if you trust it."
        )


def sandbox_templates() -> None:
    """Puts the templates of task files into Jinja2's sandbox, in which they can read the same values but nothing else. (The harness
    renders them in an open environment, in which a template can run any Python.)"""
    from jinja2.sandbox import SandboxedEnvironment
    from lm_eval import utils

    if isinstance(utils.env, SandboxedEnvironment):
        return
    env = SandboxedEnvironment(undefined=utils.env.undefined, keep_trailing_newline=True)
    env.filters.update(utils.env.filters)
    utils.env = env


def _own(file: Path) -> bool:
    import lm_eval

    return file.resolve().is_relative_to(Path(lm_eval.__file__).resolve().parent)


def _code(file: Path, seen: set[Path]) -> Iterator[str]:
    """The functions that a file and its includes name by `!function`."""
    file = file.expanduser().resolve()
    if file in seen or _own(file):
        return
    seen.add(file)
    text = file.read_text(encoding="utf-8", errors="replace")
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
    finally:
        loader.dispose()
    todo = [root] if root is not None else []
    while todo:
        node = todo.pop()
        if node.tag.startswith("!"):
            yield f"{node.tag} {node.value if isinstance(node.value, str) else ''}".strip()
        if not isinstance(node, yaml.ScalarNode):
            todo += [inner for part in node.value for inner in (part if isinstance(part, tuple) else (part,))]
    for name in _included(root):
        path = Path(name)
        yield from _code(path if path.is_absolute() else file.parent / path, seen)


def _included(root: Any) -> Iterator[str]:
    """The files that a file includes."""
    for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
        if key.value == "include":
            for node in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                yield str(node.value)


def _scripts(content: Any) -> Iterator[str]:
    """Code that runs without a `!function` tag."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            if key == "trust_remote_code" and value:
                yield "trust_remote_code"
            elif key in ("metric", "dataset_path") and isinstance(value, str) and _script(value, key):
                yield f"{key}: {value}"
            else:
                yield from _scripts(value)
    elif isinstance(content, (list, tuple)):
        for part in content:
            yield from _scripts(part)


def _script(value: str, key: str) -> bool:
    return value.endswith(".py") or (key == "metric" and ("/" in value or value.startswith(".")))
