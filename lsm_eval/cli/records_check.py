"""`lsm-eval records check`: checks that records are consistent."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lsm_eval.cli.exits import EXIT_NOT_WHOLE
from lsm_eval.cli.folder import Folder

if TYPE_CHECKING:
    from lsm_eval.recount.result import RecordCheck


@click.command("check")
@click.argument("records", metavar="REC...", nargs=-1, required=True, type=Folder())
@click.option("--json", "as_json", is_flag=True, help="As one JSON list.")
def check(records: tuple[Path, ...], as_json: bool) -> None:
    """Count samples, missing ones, estimates and phases of each record REC again, and report what does not add up.

    Exits with code 0 if all records are consistent, 4 if one is not.
    """
    from lsm_eval.recount.check import check_record

    found = [check_record(folder) for folder in records]
    if as_json:
        import dataclasses

        from lsm_eval.cli.as_json import print_json
        from lsm_eval.json_text import json_text

        rows = [{**dataclasses.asdict(one), "folder": str(one.folder), "whole": one.whole} for one in found]
        print_json(json_text(rows))
    else:
        for one in found:
            _show(one)
    if not all(one.whole for one in found):
        sys.exit(EXIT_NOT_WHOLE)


def _show(one: RecordCheck) -> None:
    from lsm_eval.comparison.shown.escape import visible

    folder = visible(str(one.folder), 1_000)
    if one.whole:
        click.echo(
            f"{folder}: whole. {one.tasks:,} tasks, {one.samples:,} samples, {one.estimates:,} estimates "
            f"({one.recomputed:,} computed again)."
        )
    else:
        count = len(one.problems)
        click.echo(f"{folder}: not what it says in {count:,} {'place' if count == 1 else 'places'}:")
        for problem in one.problems:
            click.echo(f"  {visible(problem, 1_000)}")
    cells = sum(name.startswith("profile_") for name in one.without_samples)
    if cells and cells == len(one.without_samples):
        click.echo(
            f"  a profile of {cells:,} {'cell' if cells == 1 else 'cells'}, which has no sample tables"
        )
    elif one.without_samples:
        click.echo(f"  no sample table, as it says: {', '.join(one.without_samples)}")
