"""Output of a gate, for the commands that have one."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lsm_eval.cli.folder import Folder

if TYPE_CHECKING:
    from lsm_eval.gating.result import GateResult

F = TypeVar("F", bound=Callable[..., Any])
FILES = ("json_file", "junit", "markdown", "comment", "sarif")
"""Options that name a file."""


PRINTED = Path("-")
"""The value of `--json` without a file, where that means to print."""


def output_options(when: str = "", *, printing: bool = False) -> Callable[[F], F]:
    """Options for the files that a gate writes, and for the number of changed samples in them. `when`: the beginning of each help text.
    `printing`: --json without a file is `PRINTED`."""
    json = click.option("--json", "json_file", type=Folder(), metavar="FILE", help=f"{when}Write gate.json.")
    if printing:
        json = click.option("--json", "json_file", type=Folder(), is_flag=False, flag_value=str(PRINTED), metavar="[FILE]",
                            help="Print the record's facts and numbers as one JSON object a line; with a FILE and --gate: write gate.json.")  # fmt: skip

    def add(function: F) -> F:
        options = [
            click.option("--flips", type=click.IntRange(0, 1000), default=5, show_default=True, metavar="N",
                         help=f"{when}Changed samples of each metric that does not pass, for the files."),
            json,
            click.option("--junit", type=Folder(), metavar="FILE", help=f"{when}Write JUnit XML."),
            click.option("--markdown", type=Folder(), metavar="FILE",
                         help=f"{when}Write Markdown, for a step summary."),
            click.option("--comment", type=Folder(), metavar="FILE",
                         help=f"{when}Write Markdown that fits into one comment."),
            click.option("--sarif", type=Folder(), metavar="FILE", help=f"{when}Write SARIF, of safety findings."),
            click.option("--annotations", type=click.Choice(["github"]), help=f"{when}Print annotations too."),
        ]  # fmt: skip
        for option in reversed(options):
            function = option(function)
        return function

    return add


def show(
    result: GateResult, annotations: str | None, files: Mapping[str, Path | None], *, err: bool = False
) -> None:
    """Write the files, and print the answer (`err`: to standard error)."""
    from lsm_eval.cli.table import room
    from lsm_eval.gating.written.text import lines

    for name, path in files.items():
        if path is not None:
            write_file(path, _written(name)(result))
    for line in lines(result, None if err else room()):
        click.echo(line, err=err)
    if annotations:
        from lsm_eval.gating.written.annotations import to_annotations

        for line in to_annotations(result):
            click.echo(line, err=err)


def check_places(files: Mapping[str, Path | None]) -> None:
    """Raise UserError for a file that cannot be written, or is named twice, before anything is computed."""
    from lsm_eval.errors import UserError

    named: set[str] = set()
    for path in (path for path in files.values() if path is not None):
        if not path.parent.is_dir():
            raise UserError(f"{path} cannot be written: {path.parent} is no folder; make it first.")
        if path.is_dir():
            raise UserError(f"{path} is a folder, and a file is to be written: name a file.")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise UserError(f"{path} cannot be written: name another place, or check its rights.")
        real = os.path.realpath(path)
        if real in named and not path.is_char_device():
            raise UserError(f"{path} is named for two files, of which one would be lost: name another.")
        named.add(real)


def write_file(path: Path, text: str) -> None:
    """Write the text to a file. Raises UserError if it cannot be written."""
    from lsm_eval.errors import UserError

    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror}): name another place, or check its rights."
        ) from error


def _written(name: str) -> Callable[[GateResult], str]:
    """The writer of a kind of file."""
    from lsm_eval.gating.written import as_json, junit, markdown, sarif

    writers: dict[str, Any] = {
        "json_file": as_json.to_json,
        "junit": junit.to_junit,
        "markdown": lambda result: markdown.to_markdown(result, markdown.SUMMARY),
        "comment": lambda result: markdown.to_markdown(result, markdown.COMMENT),
        "sarif": sarif.to_sarif,
    }
    found: Callable[[GateResult], str] = writers[name]
    return found
