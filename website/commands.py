"""The reference of the command line, made from the program's own options."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from lsm_eval.cli import cli
from website.markdown import escaped
from website.outline import Nav

_FOLDER = "reference/cli"


def pages() -> Iterator[tuple[str, str]]:
    """A page for each command of `lsm-eval`, and one that lists them."""
    root = click.Context(cli, info_name="lsm-eval")
    rows = ""
    for name, command in _within(root):
        context = _context(root, name, command)
        yield f"{_FOLDER}/{name}.md", _page(context)
        rows += f"| [`lsm-eval {name}`]({name}.md) | {escaped(_first(command))} |\n"
    yield (
        f"{_FOLDER}/index.md",
        (
            f"# Command line\n\n{_usage(root)}\n{_help(cli)}\n| command | |\n| --- | --- |\n{rows}\n{_options(root)}"
        ),
    )


def navigation() -> Nav:
    """The navigation section of these pages."""
    names = [name for name, _ in _within(click.Context(cli, info_name="lsm-eval"))]
    commands = [{f"lsm-eval {name}": f"{_FOLDER}/{name}.md"} for name in names]
    return [{"Command line": [{"All commands": f"{_FOLDER}/index.md"}, *commands]}]


def _within(context: click.Context) -> Iterator[tuple[str, click.Command]]:
    """The commands of a group, in the order of its help; none if the command is not a group."""
    group = context.command
    if isinstance(group, click.Group):
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if command is not None and not command.hidden:
                yield name, command


def _context(parent: click.Context, name: str, command: click.Command) -> click.Context:
    return click.Context(command, info_name=name, parent=parent)


def _page(context: click.Context, level: int = 1) -> str:
    """A command with its options, followed by its subcommands."""
    text = f"{'#' * level} `{context.command_path}`\n\n{_usage(context)}\n{_help(context.command)}\n{_options(context)}"
    for name, command in _within(context):
        text += "\n" + _page(_context(context, name, command), level + 1)
    return text


def _usage(context: click.Context) -> str:
    pieces = " ".join(context.command.collect_usage_pieces(context))
    return f"```text\n{context.command_path} {pieces}\n```\n"


def _help(command: click.Command) -> str:
    """The paragraphs of a command's help; those marked with `\\b` are unchanged."""
    text = inspect.cleandoc(command.help or "").partition("\f")[0]
    parts = []
    for paragraph in text.split("\n\n"):
        lines = paragraph.splitlines()
        if lines and lines[0] == "\b":
            parts.append("```text\n" + "\n".join(lines[1:]) + "\n```\n")
        else:
            parts.append(escaped(" ".join(lines)) + "\n")
    return "\n".join(parts)


def _options(context: click.Context) -> str:
    """Each option with its help, as in the program's own help."""
    text = ""
    for parameter in context.command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            name, told = record
            text += f"`{name}`\n:   {escaped(told)}\n\n"
    return text


def _first(command: click.Command) -> str:
    return command.get_short_help_str(limit=200)
