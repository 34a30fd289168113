"""Templates of a task file, compiled once and rendered over a row.

They are Jinja2 in its immutable sandbox: a task file can compute text, and has access to nothing else. A template
that is one `{{ expression }}` yields the expression's own value (a list stays a list); any other yields text.

Every column is a variable, and `row` is the whole row, for columns whose names are not valid in Jinja2:
`{{ row["Best Answer"] }}`. A name that is called is the function of that name, otherwise the column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateError, Undefined, UndefinedError, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.visitor import NodeTransformer

from lsm_eval.errors import UserError
from lsm_eval.templates import bounds
from lsm_eval.templates.missing import NullError, NullValue, describe, shown
from lsm_eval.templates.sandbox import HELPER, environment

if TYPE_CHECKING:
    from lsm_eval.folders.own_code import OwnCode

Row = Mapping[str, Any]
Rendered = Callable[[Row], Any]

_EXPRESSION = re.compile(r"\{\{(?!\{)((?:(?!\}\}).)*)\}\}", re.DOTALL)
_PLAIN = re.compile(r"[^\W\d]\w*")
_OF_NONE = re.compile(r"'?None'? has no|NoneType")
_OPERATORS = frozenset({"and", "else", "if", "in", "is", "not", "or"})
_ROW = "_row"


def compile_template(
    source: str,
    *,
    where: str,
    quiet: bool = False,
    columns: Sequence[str] = (),
    own: OwnCode | None = None,
) -> Rendered:
    """Compiles a template into a function from a row to its value.

    `where` names file and key in errors, `columns` are the row's, as far as they are known; `quiet` keeps a row's content
    out of errors; `own` has the functions of the task's folder.

    Raises `UserError` for a template that does not parse, and, when rendered, for a column that is not
    there, an expression that fails on a row, or one that takes too much; `NullError` for a null that would be shown.
    """
    there = environment(own)
    try:
        tree = _parsed(source, own)
        read = _columns_of(tree)
        expression = _expression(source, tree)
        if expression is not None:
            result = nodes.Name("result", "store", lineno=1)
            tree = nodes.Template([nodes.Assign(result, expression, lineno=1)], lineno=1)
        tree.set_environment(there)
        template = there.from_string(tree)
    except Exception as error:
        why = _line(error) if isinstance(error, TemplateError) else f"{type(error).__name__}: {_line(error)}"
        hint = _hint(source, columns) or "correct it."
        raise UserError(f"{where}: the template is broken ({why.rstrip('.')}); {hint}") from error

    def render(row: Row) -> Any:
        # As `Template.new_context` does, but its chain of mappings takes longer than the rendering.
        names = {**there.globals, "row": row, **row, _ROW: row}
        context = Context(there, names, template.name, template.blocks)
        with bounds.rendering():
            text = bounds.joined(template.root_render_func(context))
        if expression is None:
            return text
        return _defined(context.vars["result"])

    def checked(row: Row) -> Any:
        try:
            return render(row)
        except UserError:
            raise
        except Exception as error:  # noqa: BLE001  # any error of a template is reported with file and key
            found = _fault(error, where, row, read, quiet=quiet)
            if isinstance(error, UndefinedError) and (hint := _hint(source, [*row])):
                found = UserError(f"{where}: {_line(error)}; {hint}")
            raise found from (None if quiet else error)

    return checked


def compile_text(
    source: str,
    *,
    where: str,
    quiet: bool = False,
    columns: Sequence[str] = (),
    own: OwnCode | None = None,
) -> Callable[[Row], str]:
    """Like `compile_template`, for templates that must yield text (numbers become text, a null is an error)."""
    render = compile_template(source, where=where, quiet=quiet, columns=columns, own=own)
    read = columns_read(source, own)

    def text(row: Row) -> str:
        value = render(row)
        if isinstance(value, str):
            return str(value)
        try:
            shown(value)
            if not isinstance(value, (list, tuple, dict, set)) and not callable(value):
                return str(value)
        except NullValue:
            raise NullError(where, describe(row, read)) from None
        except (TypeError, ValueError):
            pass
        raise UserError(f"{where}: the template yields {type(value).__name__}, not text.")

    return text


def columns_read(source: str, own: OwnCode | None = None) -> frozenset[str]:
    """The names, including columns, that a template reads but does not define. The template must parse."""
    return _columns_of(_parsed(source, own))


def _parsed(source: str, own: OwnCode | None) -> nodes.Template:
    whole = _EXPRESSION.fullmatch(source.strip())
    tree = environment(own).parse(source.strip() if whole else source)
    made = {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"}
    made |= {macro.name for macro in tree.find_all(nodes.Macro)}
    rewritten: nodes.Template = _Names(made, environment(own).functions).visit(tree)
    return rewritten


def _expression(source: str, tree: nodes.Template) -> nodes.Expr | None:
    """The expression, if a template consists of a single one; otherwise None."""
    if not _EXPRESSION.fullmatch(source.strip()) or len(tree.body) != 1:
        return None
    (output,) = tree.body
    if not isinstance(output, nodes.Output) or len(output.nodes) != 1:
        return None
    return None if isinstance(output.nodes[0], nodes.TemplateData) else output.nodes[0]


class _Names(NodeTransformer):
    """Rewrites names to their meaning in a task file, and makes loops count their steps."""

    def __init__(self, made: Iterable[str], functions: frozenset[str]) -> None:
        self._made, self._functions = frozenset(made), functions

    def visit_Name(self, node: nodes.Name) -> nodes.Expr:  # noqa: N802
        # In Jinja2 `self` is the template.
        if node.name == "self" and node.ctx == "load" and "self" not in self._made:
            return _column(nodes.Const("self", lineno=node.lineno))
        return node

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Expr:  # noqa: N802
        if self._is_row(node.node):
            return _column(nodes.Const(node.attr, lineno=node.lineno))
        self.generic_visit(node)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Expr:  # noqa: N802
        if self._is_row(node.node):
            return _column(self.visit(node.arg))
        self.generic_visit(node)
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Call:  # noqa: N802
        called = node.node
        self.generic_visit(node)
        if isinstance(called, nodes.Name) and called.name in self._functions - self._made:
            node.node = nodes.Name(HELPER + called.name, "load", lineno=node.lineno)
        elif isinstance(called, nodes.Getattr) and self._is_row(called.node):
            # `row.items()` and the like are methods of the row, not columns.
            row = nodes.Name(_ROW, "load", lineno=node.lineno)
            node.node = nodes.Getattr(row, called.attr, "load", lineno=node.lineno)
        return node

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, "_counted", [], [], None, None, lineno=node.lineno)
        if node.recursive:
            step = nodes.Filter(nodes.Const(0, lineno=node.lineno), "_step", [], [], None, None)
            node.body.insert(0, nodes.ExprStmt(step, lineno=node.lineno))
        return node

    def _is_row(self, node: nodes.Node) -> bool:
        return isinstance(node, nodes.Name) and node.name == "row" and "row" not in self._made


def _column(name: nodes.Expr) -> nodes.Getitem:
    row = nodes.Name(_ROW, "load", lineno=name.lineno)
    return nodes.Getitem(row, name, "load", lineno=name.lineno)


def _columns_of(tree: nodes.Template) -> frozenset[str]:
    tree.set_environment(environment(None))
    read = {name for name in meta.find_undeclared_variables(tree) if name not in (_ROW,)}
    for item in tree.find_all(nodes.Getitem):
        if isinstance(item.node, nodes.Name) and item.node.name == _ROW and isinstance(item.arg, nodes.Const):
            read.add(str(item.arg.value))
    return frozenset(read)


def _fault(error: Exception, where: str, row: Row, read: Iterable[str], *, quiet: bool) -> UserError:
    """The error for a row that could not be rendered."""
    if isinstance(error, NullValue) or (_OF_NONE.search(str(error)) and not quiet):
        return NullError(where, describe(row, sorted(read)))
    if isinstance(error, bounds.TooMuch):
        return UserError(f"{where}: the template asks for too much ({error}); simplify it.")
    if isinstance(error, SecurityError):
        return UserError(f"{where}: the template reaches for what it may not ({error}).")
    if isinstance(error, UndefinedError):
        what = "something in it is not defined" if quiet else _line(error)
        return UserError(f"{where}: {what}; the columns are {', '.join(sorted(row))}.")
    why = type(error).__name__ if quiet else f"{type(error).__name__}: {_line(error).rstrip('.')}"
    return UserError(f"{where}: the template fails on a row ({why}); correct the template or the data.")


def _hint(source: str, columns: Iterable[str]) -> str | None:
    """How to write a column in a template if its name is not valid there."""
    odd = [name for name in columns if not _PLAIN.fullmatch(name) and name in source]
    odd += [name for name in columns if name in _OPERATORS and re.search(rf"\{{\{{-?\s*{name}\b", source)]
    odd = [name for name in odd if f'"{name}"' not in source and f"'{name}'" not in source]
    if not odd:
        return None
    name = max(odd, key=len)
    quoted = f'"{name}"' if '"' not in name else f"'{name}'"
    return f"a column with such a name is read as {{{{ row[{quoted}] }}}}."


def _defined(value: Any) -> Any:
    """`value` with an empty text for an `x if y` whose `y` is false, also in lists and mappings. Raises Jinja2's error,
    with the name, for an undefined one."""
    if isinstance(value, Undefined):
        return str(value)
    if isinstance(value, (list, tuple)) and not all(map(_plain, value)):
        return type(value)(map(_defined, value)) if type(value) in (list, tuple) else value
    if type(value) is dict and not all(map(_plain, value.values())):
        return {name: _defined(part) for name, part in value.items()}
    return value


def _plain(value: Any) -> bool:
    return isinstance(value, (str, int, float)) or value is None


def _line(error: Exception) -> str:
    # Without the line of the template that Jinja2 adds.
    text = error.message if isinstance(error, TemplateError) else str(error)
    return " ".join((text or type(error).__name__).split())[:300]
