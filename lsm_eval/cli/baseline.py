"""`lsm-eval baseline`: the record that candidates are held against."""

from __future__ import annotations

from pathlib import Path

import click

from lsm_eval.cli.folder import Folder


@click.group("baseline")
def baseline() -> None:
    """The record that candidates are held against, and why it is the one."""


@baseline.command("accept")
@click.argument("record")
@click.option("--why", required=True, metavar="TEXT", help="The reason, for whoever asks later.")
@click.option("--to", type=Folder(file_okay=False), default=Path("baseline"), show_default=True, metavar="DIR",
              help="Folder of the baseline, which holds it alone.")  # fmt: skip
def accept(record: str, why: str, to: Path) -> None:
    """Make RECORD the baseline: copy it to DIR in the place of the one before, and keep the reason in DIR/accepted.jsonl.

    RECORD is the folder of a record; a folder above records of one model, of which the newest is taken; or
    git:REVISION:PATH. Commit DIR; `lsm-eval gate --baseline DIR` then holds candidates against it.
    """
    from lsm_eval.comparison.find import find
    from lsm_eval.gating.accept import accept as make

    made = make(find(record), to, why)
    if made.replaced is not None:
        click.echo(f"replaced: {made.replaced}")
    click.echo(f"baseline: {made.folder}")
