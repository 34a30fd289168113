"""JSON on a console."""

from __future__ import annotations

import sys

import click

from lsm_eval.json_text import printed


def print_json(text: str) -> None:
    """Print JSON so that it is JSON in the console's encoding too (`streams` would escape what that lacks as no parser reads it)."""
    click.echo(printed(text, sys.stdout.encoding or "utf-8"))
