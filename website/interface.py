"""The reference of the Python interface, made from `lsm_eval.__all__`, its signatures and docstrings."""

from __future__ import annotations

import inspect
import re
import sys
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from typing import Any

import lsm_eval
from website.attribute_docs import attribute_docs
from website.markdown import docstring

PAGE = "reference/python.md"
_WORD = re.compile(r"(?<![\w.'\"])[A-Za-z_]\w*(?![\w.(\[])")
_PRIVATE = re.compile(r" \| _\w+")
"""A private type in a union, which only the program itself passes."""
_PAGE_NAMED = re.compile(r"`?docs/([\w/-]+\.md)`?")


def page() -> str:
    """The page of all public functions and classes."""
    names = [name for name in lsm_eval.__all__ if not name.startswith("__")]
    functions = [name for name in names if inspect.isroutine(getattr(lsm_eval, name))]
    classes = [name for name in names if name not in functions]
    errors = [name for name in classes if issubclass(getattr(lsm_eval, name), BaseException)]
    values = [name for name in classes if name not in errors]
    text = (
        "# Python reference\n\nWhat `lsm_eval.__all__` names is public and stays; every other module may change. "
        "[From Python](../python.md) shows it at work.\n\n"
    )
    for heading, group in (("Functions", functions), ("Classes", values), ("Errors", errors)):
        text += f"## {heading}\n\n"
        for name in group:
            text += _function(name) if group is functions else _class(name)
    return text


def _function(name: str) -> str:
    function = getattr(lsm_eval, name)
    return f"### {name}\n\n{_code(f'lsm_eval.{name}', function)}{_told(function)}\n"


def _class(name: str) -> str:
    kind = getattr(lsm_eval, name)
    bases = ", ".join(
        one.__name__ for one in kind.__bases__ if one is not object and one.__name__ != "Protocol"
    )
    made = ""
    if is_dataclass(kind):
        made = _code(f"lsm_eval.{name}", kind)
    elif bases:
        made = f"A kind of `{bases}`.\n\n"
    return f"### {name}\n\n{made}{_told(kind)}{''.join(_members(kind))}\n"


def _members(kind: type) -> Iterator[str]:
    """A class's own public attributes, properties and methods, each with its docstring."""
    docs = attribute_docs(kind)
    for name, annotation in vars(kind).get("__annotations__", {}).items():
        if not name.startswith("_"):
            yield _term(f"{name}: {annotation}", docs.get(name, ""))
    for name, member in vars(kind).items():
        if name.startswith("_"):
            continue
        if isinstance(member, property) and member.fget is not None:
            returns = inspect.signature(member.fget).return_annotation
            yield _term(f"{name}: {returns}", inspect.getdoc(member) or "")
        elif inspect.isfunction(member):
            yield _term(f"{name}{_signature(member, own=True)}", inspect.getdoc(member) or "")


def _term(code: str, told: str) -> str:
    lines = _linked(told).splitlines() or ["\u2013"]
    return f"`{code}`\n:   " + "\n    ".join(lines) + "\n\n"


def _told(thing: Any) -> str:
    return _linked(inspect.getdoc(thing) or "") + "\n\n"


def _linked(text: str) -> str:
    """A docstring, with the pages that it names as links."""
    return _PAGE_NAMED.sub(lambda found: f"[{found[1]}](../{found[1]})", docstring(text))


def _code(name: str, thing: Any) -> str:
    return f"```python\n{name}{_signature(thing)}\n```\n\n"


def _signature(thing: Callable[..., Any], *, own: bool = False) -> str:
    """A signature, with one parameter per line if it is long, and with type aliases of unions written out. `own`: whether it is a
    method's, without its first parameter."""
    signature = inspect.signature(thing)
    known = vars(sys.modules[inspect.unwrap(thing).__module__])
    shown: list[str] = []
    parameters = list(signature.parameters.values())[1 if own else 0 :]
    for at, one in enumerate(parameters):
        before = parameters[at - 1].kind if at else None
        if one.kind is one.KEYWORD_ONLY and before not in (one.KEYWORD_ONLY, one.VAR_POSITIONAL):
            shown.append("*")
        star = "*" if one.kind is one.VAR_POSITIONAL else ""
        annotation = "" if one.annotation is one.empty else f": {_written_out(str(one.annotation), known)}"
        default = "" if one.default is one.empty else f" = {one.default!r}"
        shown.append(f"{star}{one.name}{annotation}{default}")
        after = parameters[at + 1].kind if at + 1 < len(parameters) else None
        if one.kind is one.POSITIONAL_ONLY and after is not one.POSITIONAL_ONLY:
            shown.append("/")
    returns = signature.return_annotation
    end = "" if returns in (signature.empty, None, "None") else f" -> {returns}"
    line = f"({', '.join(shown)}){end}"
    if len(line) <= 80:
        return line
    return "(\n" + "".join(f"    {one},\n" for one in shown) + f"){end}"


def _written_out(annotation: str, known: dict[str, Any]) -> str:
    """The annotation with aliases of unions, such as `Place`, written out."""

    def behind(found: re.Match[str]) -> str:
        value = known.get(found[0])
        if isinstance(value, types.UnionType) or typing.get_origin(value) in (typing.Literal, typing.Union):
            return str(value).replace("typing.", "")
        return found[0]

    return _WORD.sub(behind, _PRIVATE.sub("", annotation))
