"""Asks for confirmation before something is removed."""

from __future__ import annotations

import sys

import click

from lsm_eval.errors import UserError


def confirm(question: str, *, yes: bool) -> None:
    """Return if the user confirms, or gave `--yes`. Raises `UserError` if they do not, or nobody can answer."""
    if yes:
        return
    click.echo(f"{question} [y/N] ", nl=False, err=True)
    answer = sys.stdin.readline() if sys.stdin is not None else ""
    if not answer:
        click.echo("", err=True)
        raise UserError("nothing was removed, as nobody answered: --yes removes without asking.")
    if answer.strip().lower() not in ("y", "yes"):
        raise UserError("nothing was removed.")
