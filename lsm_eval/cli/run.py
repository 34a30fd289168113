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
from lsm_eval.cli.exits import EXIT_BUDGET, EXIT_INTERRUPTED, EXIT_NOT_COMPARABLE, EXIT_USER
from lsm_eval.cli.folder import Folder
from lsm_eval.cli.gate_outputs import show
from lsm_eval.cli.judge_options import judge_run_options, take_judge
from lsm_eval.cli.options import make_spec, run_options, split_names
from lsm_eval.cli.run_gate import gate_run_options, read_gate, show_gate_plan
from lsm_eval.cli.streams import one_line
from lsm_eval.errors import BudgetSpent, NotComparable, UserError

if TYPE_CHECKING:
    from lsm_eval.cli.run_gate import GateOptions
    from lsm_eval.models.shared_weights import SharedWeights
    from lsm_eval.progress import Progress
    from lsm_eval.results.schema import Manifest
    from lsm_eval.runner.judge_spec import JudgeSpec
    from lsm_eval.runner.prepared import PreparedTask
    from lsm_eval.runner.run import RunResult
    from lsm_eval.runner.scored import ScoredTask
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
@click.option("--redact", type=click.Choice(["none", "sensitive", "all"]), is_flag=False, flag_value="all",
              default="none", metavar="[none|sensitive|all]",
              help="Withhold texts from the record and keep their hashes; --redact alone means all.")  # fmt: skip
@click.option("--name", metavar="TEXT", help="What the record and the leaderboard call the model.")
@click.option("--strict", is_flag=True, help="Ask nothing unless every task can be asked.")
@click.option("--dry-run", is_flag=True, help="Say what the run would cost, and ask nothing.")
@gate_run_options
def run(tasks: tuple[str, ...], out: Path, store: str, dry_run: bool, **options: Any) -> None:
    """Ask a model the tasks, score the answers, and write a record to reports/MODEL/RUN.

    The same command again continues where it stopped: answers that are kept (--store) are not asked again. A task that
    cannot be asked is named and left out, and the command then ends with code 2. With code 5 the next request could not be paid for
    (--max-cost).

    With --gate exit codes are 0 pass, 1 regression, 2 a mistake in what was asked, 3 not enough data, 4 not comparable, and nothing is
    asked unless every task can be.
    """
    from lsm_eval.cli.progress import make_progress

    progress = make_progress()
    gate = read_gate(options, options["include"])
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
        _run_one(specs[0], progress, judge, gate, shared, dry_run=dry_run)
        return
    titles = [spec.options.adapter or "the base model, without an adapter" for spec in specs]
    code = run_rows(
        [
            (title, partial(_run_one, spec, progress, judge, gate, shared, dry_run=dry_run))
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
            _show_cost(tasks_asked)
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
        click.echo(one_line(f"lsm-eval: {str(error).removesuffix('.')}; {kept}."), err=True)
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
    _show_result(result)
    for problem in result.problems:
        click.echo(f"lsm-eval: {problem}", err=True)
    if gate is not None and result.gate is not None:
        click.echo("")
        show(result.gate, gate.annotations, gate.files)
        sys.exit(result.gate.exit_code)
    if result.problems:
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
    from lsm_eval.cli.cut_off import cut_off_line
    from lsm_eval.cli.table import estimate_cells, not_estimable, print_table
    from lsm_eval.metrics.scoring import NO_LIKELIHOOD
    from lsm_eval.results.summary import work_summary
    from lsm_eval.runner.at_start import samples_stopped_at_start
    from lsm_eval.runner.thoughts import samples_with_thoughts

    rows = [
        [task.prepared.name if at == 0 else "", *estimate_cells(metric, estimate)]
        for task in result.tasks
        for at, (metric, estimate) in enumerate(task.estimates)
    ]
    print_table(["task", "metric", "value", "95 % interval", "n", "missing"], rows, right=(2, 4, 5))
    for task in result.tasks:
        if task.failures:
            why = ", ".join(f"{count} {reason}" for reason, count in sorted(task.failures.items()))
            click.echo(f"{task.prepared.name}: missing because {why}.{_advice(task)}", err=True)
        for text in _bounds(task):
            click.echo(text, err=True)
        thinking = samples_with_thoughts(task.responses)
        if thinking:
            click.echo(
                f"{task.prepared.name}: thoughts of {thinking:,} of {len(task.responses):,} samples are not scored "
                "(--reasoning keep scores the whole text).",
                err=True,
            )
        stopped = samples_stopped_at_start(task.prepared.samples, task.responses)
        if stopped:
            click.echo(
                f"{task.prepared.name}: {stopped:,} of {len(task.responses):,} samples have an answer that a stop string "
                "ended at its start, with nothing or a heading left of it; they are scored as they are.",
                err=True,
            )
        if task.cut_off is not None:
            click.echo(cut_off_line(task), err=True)
        orders = [m.name for m, e in task.estimates if e.method == NO_LIKELIHOOD and "[" not in m.name]
        if orders:
            click.echo(
                f"{task.prepared.name}: no {', '.join(orders)}, because the row puts choices in order and has no "
                "likelihoods.",
                err=True,
            )
        for why, names in not_estimable(task.estimates).items():
            click.echo(f"{task.prepared.name}: {', '.join(names)} not estimable: {why}.", err=True)
        for variant, why in task.prepared.unchanged.items():
            click.echo(f"{task.prepared.name}: not asked as {variant}, because {why}.", err=True)
    _show_judging(result.manifest)
    for name, text in work_summary(result.manifest).items():
        click.echo(f"{name}: {text}")
    if result.manifest.redacted and result.store is not None:
        click.echo(
            f"The record withholds texts; the response store {result.store} holds the answers in full "
            "(--store none keeps none).",
            err=True,
        )
    click.echo(f"record: {result.record}")


def _advice(task: ScoredTask) -> str:
    """What to do about answers that ended inside a reasoning model's thoughts."""
    from lsm_eval.requests import Failure

    written = [
        response.written
        for response in task.responses
        if isinstance(response, Failure) and response.reason == "truncated"
    ]
    long = [one for one in written if one is not None and one.finish == "length"]
    if not long:
        return ""
    most = max((one.tokens for one in long if one.tokens is not None), default=None)
    number = "" if most is None else f"{most:,} "
    return (
        f" The thoughts of {len(long)} took all of the {number}new tokens that an answer may have: raise it with "
        "--max-tokens N."
    )


def _bounds(task: ScoredTask) -> list[str]:
    """Between what and what the numbers of written choices are, where some answers name none."""
    from lsm_eval.runner.choosing.read import bounds

    unread = task.failures.get("unread", 0)
    if not unread:
        return []
    found = []
    for metric, estimate in task.estimates:
        own = bounds([row.get(metric.name) for row in task.measurements], estimate.missing)
        if own is not None and getattr(metric, "proportion", False):
            found.append(
                f"{task.prepared.name}: {metric.name} is of the {estimate.n:,} answers that name a choice; with the "
                f"{estimate.missing:,} missing ones all wrong it is {own[0]:.2%}, with all right {own[1]:.2%}."
            )
    return found


def _show_judging(manifest: Manifest) -> None:
    judge = manifest.judge
    if judge is None:
        return
    for row in judge.metrics:
        unjudged = sum(row.could_not_judge.values())
        reasons = ", ".join(f"{count} {why}" for why, count in row.could_not_judge.items())
        why = f" ({reasons})" if reasons else ""
        click.echo(
            f"judge {judge.model.name}, {row.task}, {row.metric}: could not judge {unjudged:,} of {row.samples:,}{why}"
        )
