"""A faster way for templates to output values and call functions than Jinja's own: a large site has millions of both."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import BuiltinMethodType, FunctionType, MethodType
from typing import Any, cast

from jinja2 import Environment
from jinja2.compiler import CodeGenerator
from jinja2.runtime import Context, Macro
from markupsafe import Markup, escape

from lsm_eval.leaderboard.show import LONGEST, shown

_SPECIAL = re.compile("[&<>'\"]")
_PLAIN = frozenset({FunctionType, MethodType, BuiltinMethodType})


def finalized(thing: Any) -> Any:
    """A text as a page shows it; any other value unchanged."""
    return shown(thing) if isinstance(thing, str) and not isinstance(thing, Markup) else thing


def written(thing: Any) -> str:
    """`finalized`, and escaped unless it is markup. Every `{{ expression }}` goes through this function."""
    kind = type(thing)
    if kind is Markup:
        return cast(str, thing)
    if kind is str:
        plain = len(thing) <= LONGEST and thing.isascii() and thing.isprintable()
        text: str = thing if plain else shown(thing)
        return escape(text) if _SPECIAL.search(text) else text
    if kind is int or kind is float:
        return str(thing)
    return escape(finalized(thing))


class _Generator(CodeGenerator):
    def _output_child_pre(self, node: Any, frame: Any, finalize: Any) -> None:
        self.write("environment.written(")

    def _output_child_post(self, node: Any, frame: Any, finalize: Any) -> None:
        self.write(")")


class _Context(Context):
    def call(self, thing: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Calls `thing` as Jinja would; for functions and macros the check of which context they need is skipped."""
        kind = type(thing)
        if kind is Macro:
            args = (self.eval_ctx, *args)
        elif kind not in _PLAIN or hasattr(thing, "jinja_pass_arg"):
            return super().call(thing, *args, **kwargs)
        if kwargs:
            kwargs.pop("_block_vars", None)
            kwargs.pop("_loop_vars", None)
        return thing(*args, **kwargs)


class Output(Environment):
    """An environment whose templates use this output; all of them escape."""

    code_generator_class = _Generator
    context_class = _Context
    written = staticmethod(written)
