"""`lsm-eval data`: copies the data of tasks for machines without a network, and checks it against the pinned hashes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lsm_eval.cli.completing import completing
from lsm_eval.cli.exits import EXIT_USER
from lsm_eval.cli.folder import Folder
from lsm_eval.cli.options import CODE_OPTION
from lsm_eval.cli.streams import one_line
from lsm_eval.cli.verbosity import start_log, verbosity, verbosity_options
from lsm_eval.errors import UserError
from lsm_eval.runner.make_spec import split_names

if TYPE_CHECKING:
    from lsm_eval.data import Table
    from lsm_eval.data.load import Pin
    from lsm_eval.tasks.registry import LoadedTask


@click.group("data")
def data() -> None:
    """Copy the data of tasks, and check it against the pinned hashes."""


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """Options of both commands."""
    folder = Folder(file_okay=False)
    for option in (
        click.option("--offline", is_flag=True, help="Never ask the network: the hub's local cache only."),
        click.option(
            "--data-mirror",
            type=folder,
            envvar="LSM_EVAL_DATA_MIRROR",
            show_envvar=True,
            help="Read hub data sets from this folder instead of the hub.",
        ),
        click.option(
            "--data-files",
            type=folder,
            envvar="LSM_EVAL_DATA_FILES",
            show_envvar=True,
            help="Read data sets that are not on the hub from this folder instead of downloading them.",
        ),
        click.option(
            "--include", type=folder, multiple=True, help="Folder with further task files; may be repeated."
        ),
        CODE_OPTION,
        click.argument("tasks", nargs=-1, required=True, shell_complete=completing("tasks")),
    ):
        command = option(command)
    return verbosity_options(command)


@data.command("mirror")
@_options
@click.option("--to", required=True, type=Folder(file_okay=False), help="The mirror folder.")
@click.option(
    "--allow-drift", is_flag=True, help="Copy content even if it differs from what a task file pins."
)
def mirror(
    tasks: tuple[str, ...],
    include: tuple[Path, ...],
    include_code: bool,
    data_mirror: Path | None,
    data_files: Path | None,
    offline: bool,
    to: Path,
    allow_drift: bool,
) -> None:
    """Copy the hub data of TASKS (names, globs, suites) into a folder for --data-mirror.

    Writes DIR/<org>/<name>/<config>/<split>.parquet with all rows of the evaluated and the examples' split and
    the columns that the tasks use, and DIR/MANIFEST.json. Existing files are replaced. If the content differs from what
    a task's file pins, nothing of that task is written: it is named, the others are copied, and the command exits
    with code 2.
    """
    from lsm_eval.data import DataOptions
    from lsm_eval.tasks.make_mirror import write_mirror_each

    options = DataOptions(mirror=data_mirror, files=data_files, offline=offline, allow_drift=allow_drift)
    broken: dict[str, UserError] = {}
    loaded = _resolve(tasks, include, include_code, broken)
    shown = StringIO() if verbosity() == "quiet" else sys.stderr
    with click.progressbar(length=1, label="files", file=shown, item_show_func=lambda item: item) as bar:

        def progress(done: int, total: int, current: str) -> None:
            bar.length = total
            bar.update(done - bar.pos, current)

        written, refused = write_mirror_each(loaded, to, options, progress)
    size = sum(record["bytes"] for record in written)
    click.echo(f"{len(written)} files, {size / 2**20:.1f} MiB: use them with --data-mirror {to}")
    for name, error in {**broken, **refused}.items():
        click.echo(one_line(f"lsm-eval: {name} is left out: {_told(error)}"), err=True)
    if broken or refused:
        click.get_current_context().exit(EXIT_USER)


@data.command("pin")
@_options
def pin(
    tasks: tuple[str, ...],
    include: tuple[Path, ...],
    include_code: bool,
    data_mirror: Path | None,
    data_files: Path | None,
    offline: bool,
) -> None:
    """Print the hashes of the data of TASKS beside those pinned in their files.

    One line per split: task, part, rows, hash, and `pinned`, `unpinned` or what differs. On stderr, the line to be put into the file
    of a task that pins nothing. Exits with code 2 if data differs or cannot be read.
    """
    from lsm_eval.data import DataOptions
    from lsm_eval.tasks.make_mirror import load_split, splits_of

    options = DataOptions(mirror=data_mirror, files=data_files, offline=offline, allow_drift=True)
    broken: dict[str, UserError] = {}
    loaded_tasks = _resolve(tasks, include, include_code, broken)
    failed = bool(broken)
    for name, error in broken.items():
        click.echo(f"{name}\ttask file\terror: {_told(error)}")
    for loaded in loaded_tasks:
        for part, split, pinned in splits_of(loaded.task):
            try:
                table = load_split(loaded, split, pinned, options)
            except UserError as error:
                failed = True
                click.echo(f"{loaded.task.task}\t{part}\terror: {_told(error)}")
                continue
            failed |= pinned is not None and not table.pinned
            state = _state(table, pinned)
            click.echo(f"{loaded.task.task}\t{part}\t{len(table.rows)} rows\t{table.sha256}\t{state}")
            if pinned is None and verbosity() != "quiet":
                key = "dataset" if part == "evaluation" else "fewshot"
                click.echo(
                    one_line(f"to pin it, write into {loaded.path} under {key}:  sha256: {table.sha256}"),
                    err=True,
                )
    if failed:
        click.get_current_context().exit(EXIT_USER)


def _told(error: UserError) -> str:
    from lsm_eval.faults import message

    return message(error, ["lsm-eval", *sys.argv[1:]])


def _state(table: Table, pinned: Pin) -> str:
    if pinned is None:
        return "unpinned"
    if table.pinned:
        return "pinned"
    if isinstance(pinned, Mapping):
        changed = [f"{name}: {value}" for name, value in table.hashes.items() if pinned.get(name) != value]
        return f"differs from the pinned: {', '.join(changed)}"
    return f"differs from the pinned {pinned}"


def _resolve(
    tasks: Sequence[str], include: Sequence[Path], code: bool, broken: dict[str, UserError]
) -> list[LoadedTask]:
    """The tasks named; names may also be joined by commas, as for `run --tasks`. Tasks with a wrong file go to `broken`, unless no task
    remains."""
    if verbosity() == "verbose":
        start_log()
    from lsm_eval.lm_eval_bridge.names import RESOLVERS
    from lsm_eval.tasks.registry import Registry

    loaded = Registry(include, RESOLVERS, code=code).resolve(split_names(tasks, "TASKS"), broken.__setitem__)
    if broken and not loaded:
        raise next(iter(broken.values()))
    return loaded
