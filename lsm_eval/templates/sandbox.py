"""The Jinja2 environment of task templates: an immutable, bounded sandbox without nulls in texts and without randomness."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from types import BuiltinMethodType, MethodType
from typing import TYPE_CHECKING, Any, TypeVar

from jinja2 import StrictUndefined, Undefined, nodes, pass_context
from jinja2.compiler import CodeGenerator, Frame
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedFormatter

from lsm_eval.templates import bounds
from lsm_eval.templates.filters import FILTERS
from lsm_eval.templates.functions import GLOBALS
from lsm_eval.templates.missing import NullValue, holds_missing, missing, shown

if TYPE_CHECKING:
    from lsm_eval.folders.own_code import OwnCode

T = TypeVar("T", int, float)

HELPER = "_helper_"
"""Prefix of a function's name in calls, so that a column of the same name cannot hide it."""

# Filters that turn their value and arguments into text.
_TEXT = frozenset({
    "capitalize", "center", "e", "escape", "filesizeformat", "forceescape", "format", "indent", "join", "lower", "pprint",
    "replace", "safe", "string", "striptags", "title", "trim", "truncate", "upper", "urlencode", "urlize", "wordcount",
    "wordwrap", "xmlattr",
})  # fmt: skip


class _Generator(CodeGenerator):
    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        self.write("environment.tilde((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class _Formatter(SandboxedFormatter):
    """`str.format` for templates."""

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self._made = 0

    def convert_field(self, value: Any, conversion: Any) -> Any:
        return super().convert_field(_text(value), conversion)

    def format_field(self, value: Any, format_spec: str) -> Any:
        self._made += bounds.field(format_spec) + bounds.size(value)
        bounds.within(self._made)
        return super().format_field(_text(value), format_spec)


class TaskEnvironment(ImmutableSandboxedEnvironment):
    """Jinja2 for task files (`docs/tasks.md`, Templates)."""

    code_generator_class = _Generator
    intercepted_binops = frozenset({"+", "*", "**", "%"})
    concat = staticmethod(bounds.joined)

    def __init__(self, own: OwnCode | None = None) -> None:
        """`own`: the code of the task's folder, whose functions take precedence over those of all tasks."""
        # Without the optimizer, which computes constants when compiling, where no bounds apply.
        super().__init__(
            undefined=StrictUndefined,
            keep_trailing_newline=True,
            autoescape=False,
            optimized=False,
            finalize=_finalized,
        )
        self.globals.update(GLOBALS, lipsum=_no_lipsum)
        self.globals.update(own.callables() if own else {})
        self.functions = frozenset(self.globals)
        self.globals.update({HELPER + name: value for name, value in self.globals.items()})
        filters = {**JINJA_FILTERS, **FILTERS, "random": _no_random, "int": _int, "float": _float}
        self.filters = {name: _bounded(name, function) for name, function in filters.items()}
        self.filters |= {"_counted": bounds.counted, "_step": _step}
        self.policies["json.dumps_kwargs"] = {"sort_keys": True, "allow_nan": False}

    def tilde(self, parts: Iterable[Any]) -> str:
        """The value of `a ~ b`."""
        return str(bounds.made(bounds.joined(str(_text(part)) for part in parts)))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        bounds.operation(operator, left, right)
        if operator == "%" and isinstance(left, str):
            right = _Named(right) if isinstance(right, Mapping) else _text(right)
        return bounds.made(super().call_binop(context, operator, left, right))

    def call(__self, __context: Context, __function: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        owner = getattr(__function, "__self__", None)
        if isinstance(owner, str) and __function.__name__ == "join" and len(args) == 1:
            args = (list(bounds.counted(args[0])),)
        bounds.call(__function, args, kwargs)
        return bounds.made(super().call(__context, __function, *args, **kwargs))

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        if not isinstance(value, (MethodType, BuiltinMethodType)) or not isinstance(value.__self__, str):
            return None
        pattern = str(value.__self__)
        if value.__name__ == "format":
            return lambda *args, **kwargs: _Formatter(self).vformat(pattern, args, kwargs)
        if value.__name__ == "format_map":
            return lambda values: _Formatter(self).vformat(pattern, (), values)
        return None


@lru_cache(maxsize=32)
def environment(own: OwnCode | None) -> TaskEnvironment:
    """The sandbox shared by task templates, with the helpers for task files. Tasks that use the code of their folder have
    one of their own."""
    return TaskEnvironment(own)


class _Named(dict[str, Any]):
    """Values of a `%` pattern by name; only those that it names must exist."""

    def __getitem__(self, name: str) -> Any:
        return _text(super().__getitem__(name))


def _text(value: Any) -> Any:
    """Returns `value` if a text may show it."""
    if isinstance(value, (str, Undefined)):
        return value
    if isinstance(value, Iterator):
        raise TypeError("a generator is no text: add `| list` or `| join`")
    if callable(value):
        raise TypeError('a function is no text: call it, or read a column of that name as row["name"]')
    return shown(value)


@pass_context
def _finalized(context: Context, value: Any) -> Any:
    return _text(value)


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps a filter so that it checks its arguments first."""
    first = 1 if hasattr(function, "jinja_pass_arg") else 0

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        before, value, rest = args[:first], args[first], args[first + 1 :]
        bounds.spend(bounds.size(value))
        if name in ("join", "sum") and not isinstance(value, (str, Undefined, Mapping)):
            value = list(bounds.counted(value))
        if name in _TEXT:
            for part in (value, *rest, *kwargs.values()):
                _text(part)
        if name == "tojson":
            if word := missing(value):
                raise NullValue(word)
            holds_missing(value)  # only to count steps: JSON can express nulls inside
        _check_size(name, value, [*rest, *kwargs.values()], kwargs)
        return bounds.made(function(*before, value, *rest, **kwargs))

    return checked


def _check_size(name: str, value: Any, args: list[Any], kwargs: Mapping[str, Any]) -> None:
    """Raises `TooMuch` if a filter's result from `value` and its arguments would be too large."""
    numbers = max((abs(arg) for arg in args if isinstance(arg, int)), default=0)
    texts = max((bounds.size(arg) for arg in args), default=0)
    if name == "center":
        bounds.within(numbers)
    elif name in ("batch", "slice"):
        bounds.within(numbers, bounds.ITEMS, "items")
    elif name in ("round", "tojson"):
        bounds.within(numbers, 100, "places")
    elif name == "format":
        bounds.percent(str(value), dict(kwargs) or tuple(args))
    elif name == "replace" and args:
        bounds.within(len(str(value)) + (str(value).count(str(args[0])) * texts if texts > 1 else 0))
    elif name == "indent":
        bounds.within((str(value).count("\n") + 1) * max(numbers, texts) + bounds.size(value))
    elif name == "wordwrap":
        bounds.within((bounds.size(value) + 1) * max(texts, 1))
    elif name in ("regex_replace", "regex_search"):
        bounds.within((bounds.size(value) + 1) * max(texts if name == "regex_replace" else 1, 1))
    elif name in ("join", "sum") and isinstance(value, list):
        bounds.within(sum(map(bounds.size, value)) + texts * len(value))


def _step(value: Any) -> Any:
    bounds.spend()
    return value


def _no_random(value: Any, *args: Any) -> Any:
    raise TypeError("the filter `random` draws anew every time: use shuffled(values, key), which does not")


def _no_lipsum(*args: Any, **kwargs: Any) -> Any:
    raise TypeError("`lipsum` writes another text every time: write the text into the template")


def _int(value: Any, default: int | None = None, base: int = 10) -> int:
    """A whole number, as Jinja's filter; but any other value is an error unless `default` is given."""
    try:
        return int(value, base) if isinstance(value, str) else int(value)
    except (TypeError, ValueError, OverflowError):
        try:
            return int(float(value))
        except (TypeError, ValueError, OverflowError) as error:
            return _default(value, default, error)


def _float(value: Any, default: float | None = None) -> float:
    """A number, as Jinja's filter; but any other value is an error unless `default` is given."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        return _default(value, default, error)


def _default(value: Any, default: T | None, error: Exception) -> T:
    if isinstance(value, Undefined):
        str(value)  # StrictUndefined raises with the name of what is missing
    if default is None:
        if word := missing(value):
            raise NullValue(word) from error
        raise ValueError(f"{str(value)[:40]!r} is no number") from error
    return default
