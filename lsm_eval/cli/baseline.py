"""`lsm-eval baseline`: the record that candidates are compared with."""

from __future__ import annotations

from pathlib import Path

import click

from lsm_eval.cli.folder import Folder


@click.group("baseline")
def baseline() -> None:
    """Set the record that candidates are compared with, and keep the reason."""


@baseline.command("accept")
@click.argument("record")
@click.option("--why", required=True, metavar="TEXT", help="The reason, which is kept beside the record.")
@click.option("--to", type=Folder(file_okay=False), default=Path("baseline"), show_default=True, metavar="DIR",
              help="Folder of the baseline, which contains nothing else.")  # fmt: skip
def accept(record: str, why: str, to: Path) -> None:
    """Make RECORD the baseline: copy it to DIR instead of the one before, and keep the reason in DIR/accepted.jsonl.

    RECORD is the folder of a record; a folder above records of one model, of which the newest is taken; or
    git:REVISION:PATH. Commit DIR; `lsm-eval gate --baseline DIR` then compares candidates with it.
    """
    from lsm_eval.comparison.find import find
    from lsm_eval.gating.accept import accept as make

    made = make(find(record), to, why)
    if made.replaced is not None:
        click.echo(f"replaced: {made.replaced}")
    click.echo(f"baseline: {made.folder}")
