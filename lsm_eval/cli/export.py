"""`lsm-eval export`: writes records in other tools' formats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lsm_eval.cli.folder import Folder

if TYPE_CHECKING:
    from lsm_eval.exporting.options import Format

_FORMATS = ("every-eval-ever", "hf-eval-results", "lm-eval", "csv", "openmetrics")


@click.command("export")
@click.argument("records", metavar="RECORD...", nargs=-1, required=True, type=Folder())
@click.option(
    "--format",
    "form",
    required=True,
    type=click.Choice(_FORMATS),
    help="every-eval-ever, lm-eval: result files, with the samples beside them; hf-eval-results: .eval_results/*.yaml of a "
    "model's repository on the hub; csv: one table of numbers; openmetrics: text for Prometheus.",
)
@click.option(
    "--out",
    required=True,
    type=Folder(),
    help="A folder; for csv and openmetrics a file, or - for the standard output.",
)
@click.option(
    "--redact",
    type=click.Choice(("none", "licence", "sensitive", "all")),
    default="none",
    show_default=True,
    help="Texts of samples to withhold, besides those that the record withholds.",
)
@click.option("--model-id", metavar="ORG/NAME", help="The model's name on the hub.")
@click.option("--organisation", metavar="NAME", help="Who evaluated.")
@click.option(
    "--relationship",
    type=click.Choice(("first_party", "third_party", "collaborative", "other")),
    default="other",
    show_default=True,
    help="Relationship of the organisation to the model (every-eval-ever).",
)
@click.option("--source-url", metavar="URL", help="Where readers find more of the evaluation.")
@click.option(
    "--task-id",
    "task_ids",
    metavar="TASK=ID",
    multiple=True,
    help="What the hub's benchmark calls a task (hf-eval-results).",
)
def export(
    records: tuple[Path, ...],
    form: str,
    out: Path,
    redact: str,
    model_id: str | None,
    organisation: str | None,
    relationship: str,
    source_url: str | None,
    task_ids: tuple[str, ...],
) -> None:
    """Write each RECORD (or all records under a folder) in another tool's format.

    Numbers are written in full precision; missing values are left out, and never 0. Prints the files' paths.
    """
    from lsm_eval.exporting.checked import checked_options
    from lsm_eval.exporting.export import export as write
    from lsm_eval.exporting.export import export_text

    chosen: Format = form  # type: ignore[assignment]  # click has seen to it
    options = checked_options(
        chosen,
        redact=redact,
        model_id=model_id,
        organisation=organisation,
        relationship=relationship,
        source_url=source_url,
        task_ids=task_ids,
    )
    if str(out) == "-":
        for part in export_text(records, chosen):
            click.echo(part, nl=False)
        return
    made = write(records, chosen, out, options)
    for note in made.notes:
        click.echo(note, err=True)
    for path in made.files:
        click.echo(path)
