"""`lsm-eval compare`: compares runs with a baseline, sample by sample."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from lsm_eval.cli.exits import EXIT_NOT_COMPARABLE
from lsm_eval.cli.folder import Folder
from lsm_eval.cli.options import CODE_OPTION


@click.command("compare")
@click.argument("baseline")
@click.argument("candidates", nargs=-1, required=True)
@click.option("--across", multiple=True, metavar="PART",
              help="A part of the signature that may differ beside the model, such as chat, shots or lsm-eval.")  # fmt: skip
@click.option("--groups", is_flag=True, help="The numbers of groups, such as acc[Age], too.")
@click.option("--flips", type=click.IntRange(0, 1000), default=3, show_default=True, metavar="N",
              help="How many changed samples to show for each task, with both answers.")  # fmt: skip
@click.option("--include", multiple=True, type=Folder(), metavar="DIR",
              help="Folder with the task files of the records, if they are not packaged ones.")  # fmt: skip
@CODE_OPTION
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@click.option("--markdown", "as_markdown", is_flag=True, help="As Markdown.")
@click.option(
    "--reveal",
    is_flag=True,
    help="Show the texts of tasks that are marked sensitive, too; in the terminal only.",
)
def compare(
    baseline: str,
    candidates: tuple[str, ...],
    across: tuple[str, ...],
    groups: bool,
    flips: int,
    include: tuple[Path, ...],
    include_code: bool,
    as_json: bool,
    as_markdown: bool,
    reveal: bool,
) -> None:
    """Compare the runs CANDIDATES with the run BASELINE, over the samples that both have.

    Each is the folder of a record; a folder above records of one model, of which the newest is taken; or
    git:REVISION:PATH. Exits with code 4 if numbers are not compared, because their signatures differ in more than the model.
    """
    from lsm_eval.cli.as_json import print_json
    from lsm_eval.cli.table import print_table
    from lsm_eval.comparison.compare import compare as compare_records
    from lsm_eval.comparison.find import find
    from lsm_eval.comparison.shown import text, words
    from lsm_eval.comparison.shown.as_json import to_json
    from lsm_eval.comparison.shown.markdown import to_markdown

    if as_json and as_markdown:
        raise click.UsageError("--json and --markdown are two ways to write one thing: choose one.")
    if reveal and (as_json or as_markdown):
        raise click.UsageError(
            "--reveal is for the terminal: what --json and --markdown write is passed on, and never has such texts."
        )
    found = compare_records(
        find(baseline),
        [find(one) for one in candidates],
        across=across,
        groups=groups,
        most_flips=flips,
        include=include,
        include_code=include_code,
    )
    if as_json:
        print_json(to_json(found))
    elif as_markdown:
        click.echo(to_markdown(found), nl=False)
    else:
        name, others = words.names(found)
        click.echo(f"baseline: {name}")
        for candidate, rows in text.by_candidate(found):
            click.echo(f"\ncandidate: {candidate}")
            print_table(text.HEADER, [text.cells(row) for row in rows], right=text.RIGHT)
        click.echo("")
        for line in words.footing(found):
            click.echo(line)
        for line in text.flip_lines(found.flips, others, reveal=reveal):
            click.echo(line)
    if found.refused or not found.rows:
        sys.exit(EXIT_NOT_COMPARABLE)
