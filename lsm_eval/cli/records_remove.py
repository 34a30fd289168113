"""`lsm-eval records remove`: removes records."""

from __future__ import annotations

import os
from pathlib import Path

import click

from lsm_eval.cli.folder import Folder


@click.command("remove")
@click.argument("records", metavar="REC...", nargs=-1, required=True, type=Folder())
@click.option("--yes", is_flag=True, help="Remove without asking.")
def remove(records: tuple[Path, ...], yes: bool) -> None:
    """Remove the records in the folders REC, after confirmation. Answers in the store are kept.

    Links that lead to a record are named first, and stay: they lead nowhere afterwards.

    Nothing is removed if any REC is not a record, is a symbolic link or lies in a model's folder that is one, or contains anything else.
    """
    from lsm_eval.cli.confirm import confirm
    from lsm_eval.cli.table import size
    from lsm_eval.comparison.shown.escape import visible
    from lsm_eval.results.removal import check_removable, folder_bytes, links_to, remove_record

    folders = list({os.path.realpath(record): record for record in reversed(records)}.values())[::-1]
    for folder in folders:
        check_removable(folder)
    sizes = [folder_bytes(folder) for folder in folders]
    for folder, own in zip(folders, sizes, strict=True):
        click.echo(f"{visible(_said(folder), 4_000)}  {size(own)}", err=True)
        for link in links_to(folder):
            click.echo(f"  the link {visible(str(link), 4_000)} leads to it, and will lead nowhere", err=True)
    what = "this record" if len(folders) == 1 else f"these {len(folders)} records"
    confirm(f"Remove {what} ({size(sum(sizes))})?", yes=yes)
    for folder in folders:
        remove_record(folder)
        click.echo(f"removed {visible(str(folder), 4_000)}")


def _said(folder: Path) -> str:
    """A record's folder, and where that is where a folder above it is a symbolic link."""
    whole = os.path.realpath(folder)
    return str(folder) if whole == os.path.abspath(folder) else f"{folder}, which is {whole},"  # noqa: PTH100
