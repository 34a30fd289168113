"""`lsm-eval run`: ask, score, record."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lsm_eval.cli.exits import EXIT_INTERRUPTED, EXIT_USER
from lsm_eval.cli.options import make_spec, run_options, split_names

if TYPE_CHECKING:
    from lsm_eval.runner.prepare import PreparedTask
    from lsm_eval.runner.run import RunResult


@click.command("run")
@click.option("--tasks", "tasks", multiple=True, required=True, metavar="A,B,SUITE",
              help="Tasks and suites by name or glob, separated by commas.")  # fmt: skip
@run_options
@click.option("--out", type=click.Path(path_type=Path), default=Path("reports"), show_default=True,
              help="Folder that records are written to.")  # fmt: skip
@click.option("--store", default="auto", metavar="auto|none|DIR",
              help="Where answers are kept, so that none is asked twice; auto is the user's cache.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what the run would cost, and ask nothing.")
def run(tasks: tuple[str, ...], out: Path, store: str, dry_run: bool, **options: Any) -> None:
    """Ask a model the tasks, score the answers, and write a record to reports/MODEL/RUN.

    The same command again continues where it stopped, and asks nothing twice.
    """
    from lsm_eval.cli.progress import make_progress

    progress = make_progress()
    spec = make_spec(split_names(tasks), out=out, store=store, command=["lsm-eval", *sys.argv[1:]], **options)
    from lsm_eval.models.create import create
    from lsm_eval.runner.prepare import check_tasks, prepare
    from lsm_eval.runner.run import run as run_spec

    try:
        check_tasks(spec)  # a misspelt name is told at once, not after a model has been fetched
        model = create(spec.model, spec.options, progress)
        if dry_run:
            _show_cost(prepare(spec, model, progress))
            return
        result = run_spec(spec, model, progress)
    except KeyboardInterrupt:
        kept = (
            f"all answers so far are kept in {spec.store}" if spec.store else "nothing is kept (--store none)"
        )
        click.echo(
            f"\nlsm-eval: stopped; {kept}. To go on, run the same command again:\n"
            f"  {shlex.join(['lsm-eval', *sys.argv[1:]])}",
            err=True,
        )
        sys.exit(EXIT_INTERRUPTED)
    _show_result(result)
    if result.problems:
        for problem in result.problems:
            click.echo(f"lsm-eval: {problem}", err=True)
        sys.exit(EXIT_USER)


def _show_cost(tasks: list[PreparedTask]) -> None:
    from lsm_eval.cli.table import print_table

    rows = [
        [task.name, f"{len(task.samples):,}", f"{_sequences(task):,}", _tokens(task), _longest(task)]
        for task in tasks
    ]
    rows.append(
        [
            "total",
            f"{sum(len(task.samples) for task in tasks):,}",
            f"{sum(_sequences(task) for task in tasks):,}",
            f"{sum(cost.asked for task in tasks for cost in task.costs):,}",
            "",
        ]
    )
    print_table(["task", "requests", "sequences", "tokens", "longest"], rows, right=(1, 2, 3, 4))
    click.echo(
        "Nothing was asked. Tokens count the most that generation may add; stored answers cost nothing."
    )


def _sequences(task: PreparedTask) -> int:
    return sum(
        len(getattr(request, "continuations", (None,)))
        for sample in task.samples
        for request in sample.requests
    )


def _tokens(task: PreparedTask) -> str:
    return f"{sum(cost.asked for cost in task.costs):,}" if task.costs else "-"


def _longest(task: PreparedTask) -> str:
    return f"{max(cost.longest for cost in task.costs):,}" if task.costs else "-"


def _show_result(result: RunResult) -> None:
    from lsm_eval.cli.table import estimate_cells, print_table
    from lsm_eval.results.summary import work_summary

    rows = [
        [task.prepared.name if at == 0 else "", *estimate_cells(metric, estimate)]
        for task in result.tasks
        for at, (metric, estimate) in enumerate(task.estimates)
    ]
    print_table(["task", "metric", "value", "95 % interval", "n", "missing"], rows, right=(2, 4, 5))
    for task in result.tasks:
        if task.failures:
            why = ", ".join(f"{count} {reason}" for reason, count in sorted(task.failures.items()))
            click.echo(f"{task.prepared.name}: missing because {why}.", err=True)
    for name, text in work_summary(result.manifest).items():
        click.echo(f"{name}: {text}")
    click.echo(f"record: {result.record}")
