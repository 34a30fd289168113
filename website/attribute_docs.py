"""Docstrings of attributes, which Python itself does not keep."""

from __future__ import annotations

import ast
import inspect
from functools import cache
from pathlib import Path


@cache
def _classes(path: Path) -> dict[str, ast.ClassDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def attribute_docs(kind: type) -> dict[str, str]:
    """The docstring of each attribute in the source of a class and its base classes, as one line; attributes without one are left
    out."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        if not one.__module__.startswith("lsm_eval"):
            continue
        node = _classes(Path(inspect.getfile(one))).get(one.__name__)
        body = node.body if node else []
        for part, after in zip(body, [*body[1:], None], strict=True):
            if (
                isinstance(part, ast.AnnAssign)
                and isinstance(part.target, ast.Name)
                and isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
                and isinstance(after.value.value, str)
            ):
                found[part.target.id] = " ".join(after.value.value.split())
    return found
