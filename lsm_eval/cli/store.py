"""`lsm-eval store`: shows and removes stored answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lsm_eval.cli.completing import completing
from lsm_eval.cli.folder import Folder
from lsm_eval.errors import UserError

if TYPE_CHECKING:
    from lsm_eval.inference.stores import StoreFile

_STORE = click.option(
    "--store", type=Folder(), metavar="DIR", help="The store's folder; the user's cache by default."
)
_HOURS = {"h": 1, "d": 24, "w": 24 * 7}
_UNKNOWN = "unknown: made by an early version"


@click.group("store", invoke_without_command=True)
@_STORE
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@click.pass_context
def store(context: click.Context, /, store: Path | None, as_json: bool) -> None:
    """Show where answers are stored: for which models, how many, their size, and when they were last used."""
    if context.invoked_subcommand is not None:
        context.obj = store
        return
    from lsm_eval.cli.streams import escaped
    from lsm_eval.cli.table import print_table, size
    from lsm_eval.inference.stores import store_files

    folder = _folder(store)
    files = store_files(folder)
    total = sum(one.bytes for one in files)
    if as_json:
        _print(folder, files)
        return
    click.echo(f"store: {escaped(str(folder))}, {size(total)}")
    rows = [
        [one.id[:12], "?" if one.answers is None else f"{one.answers:,}", size(one.bytes),
         f"{one.used.astimezone(UTC):%Y-%m-%d %H:%M}", escaped(_model(one))]
        for one in files
    ]  # fmt: skip
    if rows:
        print_table(["id", "answers", "size", "last used (UTC)", "model"], rows, right=(1, 2))


@store.command("remove")
@_STORE
@click.option("--model", "models", multiple=True, metavar="NAME|ID", shell_complete=completing("stored_models"),
              help="The answers of this model, named as in `lsm-eval store`; may be repeated.")  # fmt: skip
@click.option(
    "--older-than",
    metavar="N[h|d|w]",
    help="Answers that no run has used for this many hours, days or weeks: 30d.",
)
@click.option("--all", "everything", is_flag=True, help="All answers.")
@click.option("--yes", is_flag=True, help="Remove without asking.")
@click.pass_context
def remove(
    context: click.Context,
    /,
    store: Path | None,
    models: tuple[str, ...],
    older_than: str | None,
    everything: bool,
    yes: bool,
) -> None:
    """Remove answers from the store, after confirmation. Later runs compute them, or pay for them, again.

    With --model and --older-than both must hold. Answers that a run is using are kept, and the command then exits with code 2.
    """
    from lsm_eval.cli.confirm import confirm
    from lsm_eval.cli.streams import escaped
    from lsm_eval.cli.table import size
    from lsm_eval.inference.stores import remove_file, store_files

    if everything == bool(models or older_than):
        raise click.UsageError(
            "say what to remove: --model NAME, --older-than 30d or both, or else --all.", context
        )
    before = None if older_than is None else datetime.now(UTC) - _age(older_than)
    folder = _folder(store or context.obj)
    chosen = _named(store_files(folder), models) if models else store_files(folder)
    chosen = [one for one in chosen if before is None or one.used < before]
    if not models:  # an unreadable file may belong to something else, so it is removed only by its id
        for one in (one for one in chosen if one.fault is not None):
            click.echo(
                f"lsm-eval: {one.id[:12]} {escaped(_model(one))}, and stays: --model {one.id[:12]} removes it.",
                err=True,
            )
        chosen = [one for one in chosen if one.fault is None]
    if not chosen:
        click.echo(f"lsm-eval: {escaped(str(folder))} holds nothing that is to be removed.", err=True)
        return
    for one in chosen:
        count = "? answers" if one.answers is None else f"{one.answers:,} answers"
        click.echo(f"{one.id[:12]}  {escaped(_model(one))}: {count}, {size(one.bytes)}", err=True)
    answers = sum(one.answers or 0 for one in chosen)
    confirm(f"Remove these {answers:,} answers ({size(sum(one.bytes for one in chosen))})?", yes=yes)
    in_use: list[UserError] = []
    for one in chosen:
        try:
            remove_file(one)
        except UserError as error:
            in_use.append(error)
        else:
            click.echo(f"removed {one.id[:12]}  {escaped(_model(one))}")
    if in_use:
        for other in in_use[:-1]:
            click.echo(f"lsm-eval: {escaped(str(other))}", err=True)
        raise in_use[-1]


def _folder(store: Path | None) -> Path:
    from lsm_eval.paths import cache_dir

    return cache_dir() / "responses" if store is None else store


def _model(one: StoreFile) -> str:
    if one.fault is not None:
        return f"cannot be read: {one.fault}"
    return one.model or _UNKNOWN


def _named(files: Sequence[StoreFile], names: Sequence[str]) -> list[StoreFile]:
    """The files of the named models; a name may also be the beginning of an id. Raises `UserError` for a name that matches none."""
    found: dict[Path, StoreFile] = {}
    for name in names:
        own = [one for one in files if one.model == name or (len(name) >= 8 and one.id.startswith(name))]
        if not own:
            from difflib import get_close_matches

            near = get_close_matches(name, sorted({one.model for one in files if one.model}), n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else "see `lsm-eval store`."
            raise UserError(f"the store has no answers of {name!r}: {hint}")
        found |= {one.path: one for one in own}
    return list(found.values())


def _age(text: str) -> timedelta:
    """`30d`, `12h`, `2w`; a plain number means days. Raises `UserError`."""
    match = re.fullmatch(r"([0-9]{1,5})([hdw]?)", text.strip())
    if match is None:
        raise UserError(f"--older-than {text}: give hours, days or weeks, such as 12h, 30d or 2w.")
    return timedelta(hours=int(match[1]) * _HOURS[match[2] or "d"])


def _print(folder: Path, files: Sequence[StoreFile]) -> None:
    from lsm_eval.cli.as_json import print_json
    from lsm_eval.json_text import json_text

    content = {
        "store": str(folder),
        "bytes": sum(one.bytes for one in files),
        "models": [
            {
                "id": one.id,
                "model": one.model,
                "lsm_eval": one.version,
                "answers": one.answers,
                "bytes": one.bytes,
                "used": one.used.astimezone(UTC).isoformat(timespec="seconds"),
                "fault": one.fault,
            }
            for one in files
        ],
    }
    print_json(json_text(content))
