"""`lsm-eval new task`: writes the folder of a new benchmark, which can be run at once."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lsm_eval.cli.completing import completing
from lsm_eval.cli.folder import Folder
from lsm_eval.errors import UserError

if TYPE_CHECKING:
    from lsm_eval.cli.new_task_columns import Columns, Rows

_KINDS = ("score", "generate", "perplexity")
_ENDINGS = (".jsonl", ".json", ".csv", ".parquet")
_NO_MODEL = {"score": "builtin:uniform", "generate": "builtin:says_no"}
"""By kind of request: a baseline that needs no model and gives a score."""
_LETTERS = re.compile(r"[^a-z0-9_.-]+")


@click.group("new")
def new() -> None:
    """Write a benchmark of your own."""


@new.command("task")
@click.argument("name")
@click.option("--request", type=click.Choice(_KINDS),
              help="score: how likely is each of given choices; generate: the model writes; perplexity: how likely is a text. Otherwise score, "
              "or what the columns of --data are made for.")  # fmt: skip
@click.option(
    "--area",
    metavar="AREA",
    shell_complete=completing("areas"),
    help="accuracy, bias, safety, …; accuracy by default, or perplexity.",
)
@click.option("--title", metavar="TEXT", help="What tables and pages call it; NAME by default.")
@click.option("--out", type=Folder(), metavar="DIR", help="The benchmark's folder; ./NAME by default.")
@click.option("--data", type=Folder(), metavar="FILE",
              help="Rows of your own (.jsonl, .json, .csv, .parquet): copied, and their columns put into the task file.")  # fmt: skip
@click.option(
    "--question",
    metavar="COLUMN",
    help="Of --data: the column that is asked, or the text; otherwise found by its name.",
)
@click.option("--choices", multiple=True, metavar="COLUMN",
              help="Of --data: the column with the list of choices; repeated, columns with a choice each.")  # fmt: skip
@click.option("--answer", metavar="COLUMN", help="Of --data: the column with the right answer.")
@click.option("--code", is_flag=True, help="Also a code.py, with a metric and a template function.")
@click.option("--overwrite", is_flag=True, help="Write over files that are there already.")
def task(
    name: str,
    request: str | None,
    area: str | None,
    title: str | None,
    out: Path | None,
    data: Path | None,
    question: str | None,
    choices: tuple[str, ...],
    answer: str | None,
    code: bool,
    overwrite: bool,
) -> None:
    """Write the folder of a benchmark called NAME: its task file, rows, README.md, and with --code a code.py. Then check it.

    It can be asked at once, and is yours to change. Nothing that is there already is written over without --overwrite.
    """
    from lsm_eval.cli.new_task_columns import Named, find_columns

    _check_name(name)
    named = Named(question, choices, answer)
    if data is None and named != Named():
        raise UserError(
            "--question, --choices and --answer name columns of --data: add it, or leave them out."
        )
    rows = _rows(data, request)
    columns = find_columns(rows, data or Path("rows"), request if data else request or _KINDS[0], named)
    area = _area(area, columns.request)
    folder = Path(name) if out is None else out
    named_so = " ".join((title or "").split()) or name
    files = _files(name, named_so, area, folder, data, columns, code=code, count=len(rows))
    _write(folder, files, overwrite=overwrite)
    samples, requests = _check(name, folder, code=code)
    click.echo(f"written to {folder}: {', '.join(files)}")
    click.echo(f"checked: {samples:,} samples, {requests:,} requests")
    click.echo("next:")
    for command in _commands(name, folder, columns.request, code=code):
        click.echo(f"  {command}")


def _check_name(name: str) -> None:
    from lsm_eval.names import checked_name
    from lsm_eval.tasks.registry import Registry

    try:
        checked_name(name)
    except ValueError as error:
        near = _LETTERS.sub("_", name.lower()).strip("_.-")
        hint = f"; try {near!r}" if near and near != name else ""
        raise UserError(f"{name!r} cannot be a task's name, as {error}{hint}.") from error
    registry = Registry()
    taken = registry.tasks.get(name) or registry.suites.get(name)
    if taken is not None:
        kind = "task" if name in registry.tasks else "suite"
        raise UserError(f"there is a {kind} {name!r} already ({taken.path}): take another name.")


def _rows(data: Path | None, request: str | None) -> Rows:
    """Returns the user's rows, or sample rows."""
    if data is None:
        from lsm_eval.cli.new_task_files import ROWS

        return ROWS[request or _KINDS[0]]
    from lsm_eval.data.local import read_file

    if not data.is_file():
        raise UserError(
            f"--data {data}: no such file; name a file with a sample a row ({', '.join(_ENDINGS)})."
        )
    return read_file(data)


def _area(area: str | None, request: str) -> str:
    from typing import get_args

    from lsm_eval.tasks.schema import Area

    if area is None:
        return "perplexity" if request == "perplexity" else "accuracy"
    areas = get_args(Area)
    if area not in areas:
        from difflib import get_close_matches

        near = get_close_matches(area, areas, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(areas)}."
        raise UserError(f"unknown area {area!r}: {hint}")
    return area


def _files(
    name: str,
    title: str,
    area: str,
    folder: Path,
    data: Path | None,
    columns: Columns,
    *,
    code: bool,
    count: int,
) -> dict[str, str | Path]:
    """Returns, for each file to write, its text or the file to copy."""
    from lsm_eval.cli.new_task_files import code_file, page, rows_file, task_file

    rows = f"{name}{'.jsonl' if data is None else data.suffix}"
    own = data is not None
    files: dict[str, str | Path] = {
        f"{name}.yaml": task_file(name, title, area, rows, columns, code=code, own_rows=own),
        rows: rows_file(columns.request) if data is None else data,
        "README.md": page(
            name,
            title,
            rows,
            columns,
            code=code,
            count=count,
            commands=_commands(name, folder, columns.request, code=code),
            own_rows=own,
        ),
    }
    if code:
        files["code.py"] = code_file(name, columns)
    return files


def _write(folder: Path, files: Mapping[str, str | Path], *, overwrite: bool) -> None:
    """Raises `UserError` if a file exists already and must not be overwritten."""
    import shutil

    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: name a folder with --out.")
    there = [
        name
        for name, source in files.items()
        if (folder / name).exists() and not _same(folder / name, source)
    ]
    if there and not overwrite:
        raise UserError(
            f"{folder} has {' and '.join(there)} already, and nothing was written: name another folder with --out, or add --overwrite."
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in files.items():
        if isinstance(source, str):
            (folder / name).write_text(source, encoding="utf-8", newline="\n")
        elif not _same(folder / name, source):
            shutil.copyfile(source, folder / name)


def _same(file: Path, source: str | Path) -> bool:
    """Whether the user's file already lies where it would be copied to."""
    return isinstance(source, Path) and file.exists() and file.samefile(source)


def _check(name: str, folder: Path, *, code: bool) -> tuple[int, int]:
    """Returns the numbers of samples and requests of the new task. Raises `UserError` if it cannot be run."""
    from lsm_eval.data.options import DataOptions
    from lsm_eval.progress import Silent
    from lsm_eval.runner.samples_checked import check_each

    try:
        command = ["lsm-eval", *sys.argv[1:]]
        found = check_each([name], [folder], DataOptions(), Silent(), code=code, command=command)
    except UserError as error:
        raise UserError(f"the files are in {folder}, and the task cannot be asked yet: {error}") from error
    samples = found.tasks[0].samples
    return len(samples), sum(len(sample.requests) for sample in samples)


def _commands(name: str, folder: Path, request: str, *, code: bool) -> list[str]:
    """The commands that show the task and that run it."""
    here = f"--include {shlex.quote(str(folder))}{' --include-code' if code else ''}"
    model = f" --model {_NO_MODEL[request]}" if request in _NO_MODEL else ""
    return [
        f"lsm-eval check-tasks {here}",
        f"lsm-eval show task {name} {here} --model builtin:uniform",
        f"lsm-eval run --tasks {name} {here}{model}",
    ]
