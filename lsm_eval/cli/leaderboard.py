"""`lsm-eval leaderboard`: a static site from run records."""

from __future__ import annotations

from pathlib import Path

import click

from lsm_eval.cli.folder import Folder
from lsm_eval.cli.verbosity import verbosity_options


@click.command("leaderboard")
@click.argument("reports", nargs=-1, required=True, type=Folder())
@click.option(
    "--out",
    required=True,
    type=Folder(),
    help="Folder for the site: a new or empty one, or an earlier site, which is replaced.",
)
@click.option(
    "--samples",
    type=click.IntRange(0, 1_000_000),
    default=100,
    show_default=True,
    help="Samples that a task's page shows.",
)
@click.option(
    "--language",
    type=click.Choice(["en", "zh"]),
    default="en",
    show_default=True,
    help="Language of the pages, until a reader chooses another one.",
)
@click.option(
    "--reference",
    metavar="RUN",
    help="A run or model of REPORTS by whose rates of harm the others are divided.",
)
@click.option(
    "--grades",
    is_flag=True,
    help="Grade each area of harm against the reference, if the whole interval lies in one band.",
)
@click.option(
    "--count-all",
    is_flag=True,
    help="Count every sample table again, even on a board with more than 2,500 of them.",
)
@click.option(
    "--include",
    type=Folder(),
    multiple=True,
    metavar="DIR",
    help="A folder of further task files: its suites get columns, and its metrics are described. Runs no code of it.",
)
@click.option("--single-file", is_flag=True, help="Pack the whole site into one index.html, to be mailed.")
@verbosity_options
def leaderboard(
    reports: tuple[Path, ...],
    out: Path,
    samples: int,
    language: str,
    reference: str | None,
    grades: bool,
    count_all: bool,
    include: tuple[Path, ...],
    single_file: bool,
) -> None:
    """Build a static leaderboard from the records under the folders REPORTS.

    The pages open from disk by double click and load nothing from a network. Prints the path of index.html.
    """
    from lsm_eval.cli.progress import make_progress
    from lsm_eval.errors import UserError
    from lsm_eval.leaderboard.build import build
    from lsm_eval.leaderboard.options import Options

    if grades and reference is None:
        raise UserError("--grades compares rates with a reference: name one with --reference RUN.")
    options = Options(samples, language, reference, grades, single_file, include=include, count_all=count_all)
    click.echo(build(reports, out, options=options, progress=make_progress()))
