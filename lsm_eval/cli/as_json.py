"""JSON on a console."""

from __future__ import annotations

import sys

import click

from lsm_eval.json_text import printed


def print_json(text: str) -> None:
    """Print JSON that stays valid in the console's encoding (`streams` would escape missing characters in a way that no parser reads)."""
    click.echo(printed(text, sys.stdout.encoding or "utf-8"))
