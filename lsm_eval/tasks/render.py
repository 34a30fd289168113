"""Templates of a task file, compiled once and rendered over a row.

Jinja2 in its immutable sandbox: a task file can compute text, and can reach nothing else. A template that is
one `{{ expression }}` yields the expression's own value (a list stays a list); any other yields text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, Undefined, UndefinedError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from lsm_eval.errors import UserError

Row = Mapping[str, Any]
Rendered = Callable[[Row], Any]

_EXPRESSION = re.compile(r"\{\{(?!\{)((?:(?!\}\}).)*)\}\}", re.DOTALL)


def compile_template(source: str, *, where: str, quiet: bool = False) -> Rendered:
    """A function from a row to the template's value.

    `where` names file and key in errors; `quiet` keeps what a row holds out of them. Raises `UserError` for a
    template that does not parse, and, when rendered, for a column that is not there or an expression that fails on
    a row.
    """
    env = environment()
    try:
        whole = _EXPRESSION.fullmatch(source.strip())
        render: Rendered
        if whole:
            expression = env.compile_expression(whole[1].strip(), undefined_to_none=False)

            def render(row: Row) -> Any:
                value = expression(**row)
                if isinstance(value, Undefined):
                    str(value)  # StrictUndefined raises with the name of what is missing
                return value
        else:
            template = env.from_string(source)

            def render(row: Row) -> Any:
                return template.render(**row)
    except TemplateError as error:
        text = str(error).rstrip(".")
        raise UserError(f"{where}: the template is broken ({text}); correct it.") from error

    def checked(row: Row) -> Any:
        try:
            return render(row)
        except UndefinedError as error:
            what = "something in it is not defined" if quiet else str(error)
            raise UserError(f"{where}: {what}; the columns are {', '.join(sorted(row))}.") from (
                None if quiet else error
            )
        except SecurityError as error:
            raise UserError(f"{where}: the template reaches for what it may not ({error}).") from error
        except (TemplateError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError,
                RecursionError) as error:  # fmt: skip
            why = type(error).__name__ if quiet else f"{type(error).__name__}: {str(error).rstrip('.')}"
            raise UserError(
                f"{where}: the template fails on a row ({why}); correct the template or the data."
            ) from (None if quiet else error)

    return checked


def compile_text(source: str, *, where: str, quiet: bool = False) -> Callable[[Row], str]:
    """Like `compile_template`, for templates that must yield text (numbers become text, None is an error)."""
    render = compile_template(source, where=where, quiet=quiet)

    def text(row: Row) -> str:
        value = render(row)
        if value is None or isinstance(value, (list, tuple, dict)):
            raise UserError(f"{where}: the template yields {type(value).__name__}, not text.")
        return str(value)

    return text


@lru_cache(maxsize=1)
def environment() -> ImmutableSandboxedEnvironment:
    """The sandbox that all task templates share, with the helpers that task files may use."""
    from lsm_eval.tasks.helpers import FILTERS, GLOBALS

    env = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False
    )
    env.filters.update(FILTERS)
    env.globals.update(GLOBALS)
    return env
