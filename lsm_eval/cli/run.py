"""`lsm-eval run`: ask, score, record."""

from __future__ import annotations

import errno
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lsm_eval.cli.adapters import adapter_rows, run_rows
from lsm_eval.cli.cost_table import show_cost
from lsm_eval.cli.exits import EXIT_BUDGET, EXIT_INTERRUPTED, EXIT_NOT_COMPARABLE, EXIT_USER
from lsm_eval.cli.folder import Folder
from lsm_eval.cli.gate_outputs import show
from lsm_eval.cli.judge_options import judge_run_options, take_judge
from lsm_eval.cli.options import make_spec, run_options, split_names
from lsm_eval.cli.run_gate import gate_run_options, read_gate, show_gate_plan
from lsm_eval.cli.run_result import show_result
from lsm_eval.cli.streams import one_line
from lsm_eval.errors import BudgetSpent, NotComparable, UserError

if TYPE_CHECKING:
    from lsm_eval.cli.run_gate import GateOptions
    from lsm_eval.exporting.loggers.log import Tracker
    from lsm_eval.models.shared_weights import SharedWeights
    from lsm_eval.progress import Progress
    from lsm_eval.runner.judge_spec import JudgeSpec
    from lsm_eval.runner.run import RunResult
    from lsm_eval.runner.spec import RunSpec


@click.command("run")
@click.option("--tasks", "tasks", multiple=True, required=True, metavar="A,B,SUITE",
              help="Tasks and suites by name or glob, separated by commas.")  # fmt: skip
@run_options
@click.option("--out", type=Folder(), default=Path("reports"), show_default=True,
              help="Folder that records are written to.")  # fmt: skip
@click.option("--store", default="auto", metavar="auto|none|DIR",
              help="Where answers are kept, so that a later run need not ask again; auto is the user's cache.")  # fmt: skip
@judge_run_options
@click.option("--redact", type=click.Choice(["none", "licence", "sensitive", "all"]), is_flag=False, flag_value="all",
              default="none", metavar="[none|licence|sensitive|all]",
              help="Withhold texts from the record and keep their hashes; --redact alone means all.")  # fmt: skip
@click.option("--name", metavar="TEXT", help="What the record and the leaderboard call the model.")
@click.option("--strict", is_flag=True, help="Ask nothing unless every task can be asked.")
@click.option("--dry-run", is_flag=True, help="Say what the run would cost, and ask nothing.")
@click.option("--log-to", type=click.Choice(["mlflow", "wandb", "trackio"]),
              help="Tell a tracker of experiments the numbers too, and no text.")  # fmt: skip
@gate_run_options
def run(
    tasks: tuple[str, ...], out: Path, store: str, dry_run: bool, log_to: Tracker | None, **options: Any
) -> None:
    """Ask a model the tasks, score the answers, and write a record to reports/MODEL/RUN.

    The same command again continues where it stopped: answers that are kept (--store) are not asked again. A task that
    cannot be asked is named and left out, and the command then ends with code 2. With code 5 the next request could not be paid for
    (--max-cost).

    With --gate exit codes are 0 pass, 1 regression, 2 a mistake in what was asked, 3 not enough data, 4 not comparable, and nothing is
    asked unless every task can be.
    """
    from lsm_eval.cli.progress import make_progress

    if log_to is not None:
        from lsm_eval.exporting.loggers.log import check_tracker

        check_tracker(log_to)
    progress = make_progress()
    gate = read_gate(options, options["include"], include_code=options["include_code"])
    if gate is not None:
        options["strict"] = True
    options["judge"] = judge = take_judge(options)
    rows = adapter_rows(options.pop("adapter"), options["model"], options.pop("name"))
    if gate is not None and len(rows) > 1:
        raise UserError(
            "--gate judges one candidate, and --adapter names several: name one, and run the command for each."
        )
    command = ["lsm-eval", *sys.argv[1:]]
    specs = [
        make_spec(
            split_names(tasks), out=out, store=store, command=command, adapter=adapter, name=name, **options
        )
        for adapter, name in rows
    ]
    from lsm_eval.models.shared_weights import SharedWeights

    # A judge needs the room that the base would take.
    shared = SharedWeights() if len(specs) > 1 and judge is None else None
    if len(specs) == 1:
        _run_one(specs[0], progress, judge, gate, shared, dry_run=dry_run, log_to=log_to)
        return
    titles = [spec.options.adapter or "the base model, without an adapter" for spec in specs]
    code = run_rows(
        [
            (title, partial(_run_one, spec, progress, judge, gate, shared, dry_run=dry_run, log_to=log_to))
            for title, spec in zip(titles, specs, strict=True)
        ]
    )
    if code:
        sys.exit(code)


def _run_one(
    spec: RunSpec,
    progress: Progress,
    judge: JudgeSpec | None,
    gate: GateOptions | None,
    shared: SharedWeights | None,
    *,
    dry_run: bool,
    log_to: Tracker | None = None,
) -> None:
    """Ask one model, and show what came of it. Leaves with the exit code where that is not 0."""
    from lsm_eval.models.base import Releasing, without_probe
    from lsm_eval.models.create import create
    from lsm_eval.models.shared_weights import Sharing
    from lsm_eval.runner.checked import check_tasks
    from lsm_eval.runner.judge_spec import in_judges_words, judge_options
    from lsm_eval.runner.prepare import prepare_each
    from lsm_eval.runner.run import run as run_spec
    from lsm_eval.runner.spending import find_spending, most_cost

    kept = f"all answers so far are kept in {spec.store}" if spec.store else "nothing is kept (--store none)"
    try:
        check_tasks(spec)  # a misspelt name is told at once, not after a model has been fetched
        model = create(spec.model, without_probe(spec.options) if dry_run else spec.options, progress)
        if shared is not None and isinstance(model, Sharing):
            model.share(shared)
        judging = None
        if judge is not None and (judge.remote or not dry_run):
            with in_judges_words(judge):
                judging = create(judge.model, judge_options(spec.options, judge), progress)
        if dry_run:
            spending = find_spending(spec, model, judging)
            prepared = prepare_each(spec, model, progress)
            tasks_asked = prepared.tasks
            if gate is not None:
                tasks_asked = show_gate_plan(
                    gate, prepared.tasks, spec, model, progress, judge=judge is not None
                )
            show_cost(tasks_asked)
            for line in most_cost(spending, tasks_asked):
                click.echo(line)
            if judge is not None:
                click.echo("What the judge would be asked follows from the answers, and is not counted.")
            if prepared.left_out.rows:
                sys.exit(EXIT_USER)
            return
        result = run_spec(spec, model, progress, judging, None if gate is None else gate.spec)
        if shared is not None and isinstance(model, Releasing):
            model.release()
    except BudgetSpent as error:
        on = "which goes on from there" if spec.store else "which begins anew"
        open_yet = "" if gate is None else "; the gate has no verdict"
        click.echo(one_line(f"lsm-eval: {str(error).removesuffix('.')}, {on}: {kept}{open_yet}."), err=True)
        sys.exit(EXIT_BUDGET)
    except NotComparable as error:
        click.echo(one_line(f"lsm-eval: not comparable: {error}"), err=True)
        sys.exit(EXIT_NOT_COMPARABLE)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        where = f" ({error.filename})" if error.filename else ""
        raise UserError(
            f"no room on the disk{where}: free some and run the same command again; {kept}."
        ) from error
    except KeyboardInterrupt:
        click.echo(
            f"\nlsm-eval: stopped; {kept}. To go on, run the same command again:\n"
            f"  {shlex.join(['lsm-eval', *sys.argv[1:]])}",
            err=True,
        )
        sys.exit(EXIT_INTERRUPTED)
    show_result(result)
    if log_to is not None:
        _log(result, log_to)
    for problem in result.problems:
        click.echo(f"lsm-eval: {problem}", err=True)
    if gate is not None and result.gate is not None:
        click.echo("")
        show(result.gate, gate.annotations, gate.files)
        sys.exit(result.gate.exit_code)
    if result.problems:
        sys.exit(EXIT_USER)


def _log(result: RunResult, tracker: Tracker) -> None:
    """Tell the tracker; where that fails the record is whole, and the command ends with code 2."""
    from lsm_eval.exporting.loggers.log import log
    from lsm_eval.results.reader import read_record

    try:
        log(tracker, result.manifest, read_record(result.record).estimates)
    except UserError as error:
        result.problems.append(str(error))
