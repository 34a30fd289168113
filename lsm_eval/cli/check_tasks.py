"""`lsm-eval check-tasks`: checks that task files can be run, without asking a model."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from lsm_eval.cli.completing import completing
from lsm_eval.cli.exits import EXIT_USER
from lsm_eval.cli.folder import Folder
from lsm_eval.cli.options import CODE_OPTION
from lsm_eval.cli.streams import one_line
from lsm_eval.errors import UserError


@click.command("check-tasks")
@click.argument("tasks", nargs=-1, shell_complete=completing("tasks"))
@click.option("--include", type=Folder(), multiple=True, metavar="DIR",
              help="A folder of further task files; may be given several times.")  # fmt: skip
@CODE_OPTION
@click.option("--data-mirror", type=Folder(), envvar="LSM_EVAL_DATA_MIRROR", metavar="DIR",
              help="Read hub data sets from this folder [env: LSM_EVAL_DATA_MIRROR].")  # fmt: skip
@click.option("--data-files", type=Folder(), envvar="LSM_EVAL_DATA_FILES", metavar="DIR",
              help="Read data sets that are no hub sets from this folder [env: LSM_EVAL_DATA_FILES].")  # fmt: skip
@click.option("--offline", is_flag=True, help="Never ask the network.")
def check_tasks(
    tasks: tuple[str, ...],
    include: tuple[Path, ...],
    include_code: bool,
    data_mirror: Path | None,
    data_files: Path | None,
    offline: bool,
) -> None:
    """Check TASKS (names, globs, suites, files), or without any all tasks and suites of the --include folders.

    Each task file is read, its metrics are looked up, its data is read and held against the hash that it pins, and every sample
    is rendered. No model is asked. Exits with code 2 where a task does not pass, after naming it and what is wrong.
    """
    from lsm_eval.cli.progress import Notes
    from lsm_eval.cli.table import print_table
    from lsm_eval.data.options import DataOptions
    from lsm_eval.runner.make_spec import split_names
    from lsm_eval.runner.samples_checked import check_each

    names, wrong = (split_names(tasks, "TASKS"), {}) if tasks else _included(include, code=include_code)
    data = DataOptions(mirror=data_mirror, files=data_files, offline=offline)
    for name, error in wrong.items():
        click.echo(one_line(f"lsm-eval: the suite {name} does not pass: {error}"), err=True)
    rows = []
    failed = bool(wrong)
    if names:
        found = check_each(
            names, include, data, Notes(), code=include_code, command=["lsm-eval", *sys.argv[1:]]
        )
        failed |= bool(found.left_out.rows)
        rows = [
            [
                one.name,
                f"{len(one.samples):,}",
                f"{sum(len(sample.requests) for sample in one.samples):,}",
                "pinned" if one.data.pinned else "not pinned",
            ]
            for one in found.tasks
        ]
    if rows:
        print_table(["task", "samples", "requests", "data"], rows, right=(1, 2))
    if failed:
        sys.exit(EXIT_USER)


def _included(include: Sequence[Path], *, code: bool) -> tuple[list[str], dict[str, UserError]]:
    """Returns the tasks of the included folders, and the errors of their suites. Raises `UserError` if there is no task."""
    from lsm_eval.lm_eval_bridge.names import RESOLVERS
    from lsm_eval.tasks.registry import Registry

    registry = Registry(include, RESOLVERS, code=code)
    # Of a name that one of ours has too, the registry holds ours, with a fault.
    names = [name for name, file in registry.tasks.items() if file.included or file.fault]
    suites = [name for name, file in registry.suites.items() if file.included or file.fault]
    if not names and not suites:
        where = f"no task file in {', '.join(map(str, include))}" if include else "no task is named"
        raise UserError(f"{where}: name tasks, or a folder of task files with --include DIR.")
    wrong: dict[str, UserError] = {}
    for suite in suites:
        registry.resolve([suite], partial(_of_suite, wrong, suite, names))
    return names, wrong


def _of_suite(
    wrong: dict[str, UserError], suite: str, checked: Sequence[str], task: str, error: UserError
) -> None:
    """Keeps the error of a suite. A task of the folder itself is checked and reported separately."""
    if task not in checked:
        wrong.setdefault(suite, error)
