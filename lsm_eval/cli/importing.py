"""`lsm-eval import`: makes records of other harnesses' result files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lsm_eval.cli.folder import Folder

if TYPE_CHECKING:
    from lsm_eval.results.schema import EstimateRow, Manifest


@click.command("import")
@click.argument("file", metavar="FILE", type=Folder())
@click.option(
    "--out", required=True, type=Folder(file_okay=False), help="Folder for records, such as reports."
)
def importing(file: Path, out: Path) -> None:
    """Make a record of a result FILE of lm-evaluation-harness (results_*.json, with the samples_*.jsonl beside it), of
    Inspect (.eval or .json) or of Every Eval Ever (.json, with its samples beside it).

    Every number is kept; what the file lacks is marked as missing.
    """
    from lsm_eval.importing.importing import import_file

    made = import_file(file, out)
    _show(made.manifest, made.estimates)
    click.echo(f"record: {made.record}")


def _show(manifest: Manifest, estimates: list[EstimateRow]) -> None:
    from lsm_eval.cli.table import print_table

    rows, before = [], ""
    for row in estimates:
        rows.append(["" if row.task == before else row.task, *_cells(row)])
        before = row.task
    print_table(["task", "metric", "value", "95 % interval", "n", "missing"], rows, right=(2, 4, 5))
    for task in manifest.tasks:
        if task.no_samples:
            click.echo(_shown(f"{task.task}: no samples, because {task.no_samples}."), err=True)
        if task.failures:
            why = ", ".join(f"{count} {reason}" for reason, count in sorted(task.failures.items()))
            click.echo(_shown(f"{task.task}: missing because {why}."), err=True)
    for row in estimates:
        imported = row.imported or {}
        if imported.get("differs") and row.value == imported["value"]:
            click.echo(
                _shown(
                    f"{row.task}, {row.metric}: the file says {row.value!r}, which is not the mean of the scores that it "
                    "gives its samples; the record keeps it without an interval."
                ),
                err=True,
            )
        elif imported.get("differs"):
            click.echo(
                _shown(
                    f"{row.task}, {row.metric}: the mean of its samples' scores is {row.value!r}, and the file says "
                    f"{imported['value']!r}, which the record keeps beside it."
                ),
                err=True,
            )
    if manifest.imported is not None:
        click.echo(_shown(f"not in the file: {'; '.join(manifest.imported.lacking)}."), err=True)


def _shown(text: str) -> str:
    """Makes names from the file safe to print, since it may contain anything."""
    from lsm_eval.comparison.shown.escape import visible

    return visible(text, 1_500)


def _cells(row: EstimateRow) -> list[str]:
    from lsm_eval.comparison.shown.escape import visible

    interval = "-"
    if row.low is not None and row.high is not None:
        interval = f"{_number(row.low, row.unit)} to {_number(row.high, row.unit)}"
    return [
        visible(row.metric, 100),
        "-" if row.value is None else _number(row.value, row.unit),
        interval,
        "-" if row.n is None else f"{row.n:,}",
        f"{row.missing:,}" if row.missing else "",
    ]


def _number(value: float, unit: str) -> str:
    return f"{100 * value:.1f} %" if unit == "fraction" else f"{value:.4g}"
