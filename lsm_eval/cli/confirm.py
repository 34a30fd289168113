"""Asking before something is removed."""

from __future__ import annotations

import sys

import click

from lsm_eval.errors import UserError


def confirm(question: str, *, yes: bool) -> None:
    """Go on where the user says yes, or did with `--yes`. Raises `UserError` where they do not, or nobody is there to answer."""
    if yes:
        return
    click.echo(f"{question} [y/N] ", nl=False, err=True)
    answer = sys.stdin.readline() if sys.stdin is not None else ""
    if not answer:
        click.echo("", err=True)
        raise UserError("nothing was removed, as nobody answered: --yes removes without asking.")
    if answer.strip().lower() not in ("y", "yes"):
        raise UserError("nothing was removed.")
