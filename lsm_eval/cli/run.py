"""`lsm-eval run`: asks a model, scores its answers, writes a record."""

from __future__ import annotations

import errno
import shlex
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lsm_eval.cli.adapters import run_rows
from lsm_eval.cli.completing import completing
from lsm_eval.cli.config import config_options, options_text, save
from lsm_eval.cli.cost_table import print_cost, show_cost
from lsm_eval.cli.exits import EXIT_BUDGET, EXIT_INTERRUPTED, EXIT_NOT_COMPARABLE, EXIT_USER
from lsm_eval.cli.folder import Folder
from lsm_eval.cli.gate_outputs import PRINTED, show
from lsm_eval.cli.given import command_of, spelled_out
from lsm_eval.cli.judge_options import judge_run_options
from lsm_eval.cli.options import choice, run_options
from lsm_eval.cli.run_gate import gate_plan, gate_run_options, read_gate, show_looks
from lsm_eval.cli.run_result import print_result, show_result
from lsm_eval.cli.several_models import model_rows
from lsm_eval.cli.shard import check_alone, shard_option, show_shard, whole_command
from lsm_eval.cli.streams import one_line
from lsm_eval.cli.time_estimate import time_line
from lsm_eval.cli.verbosity import verbosity_options
from lsm_eval.errors import BudgetSpent, NotComparable, UserError
from lsm_eval.runner.make_spec import make_spec, split_names, take_judge
from lsm_eval.runner.option_values import AUTO, OUT, REDACT

if TYPE_CHECKING:
    from lsm_eval.cli.run_gate import GateOptions
    from lsm_eval.exporting.loggers.log import Tracker
    from lsm_eval.models.base import Model
    from lsm_eval.models.shared_weights import SharedWeights
    from lsm_eval.progress import Progress
    from lsm_eval.runner.judge_spec import JudgeSpec
    from lsm_eval.runner.run import RunResult
    from lsm_eval.runner.shards.named import Shard
    from lsm_eval.runner.spec import RunSpec


@click.command("run")
@click.option("--tasks", "tasks", multiple=True, required=True, metavar="A,B,SUITE", shell_complete=completing("tasks"),
              help="Tasks and suites by name or glob, separated by commas.")  # fmt: skip
@run_options
@click.option("--out", type=Folder(), default=Path(OUT), show_default=True,
              help="Folder that records are written to.")  # fmt: skip
@click.option("--store", default=AUTO, metavar="auto|none|DIR",
              help="Where answers are stored, so that a later run need not ask again; auto is the user's cache.")  # fmt: skip
@judge_run_options
@click.option("--redact", type=choice("redact"), is_flag=False, flag_value="all",
              default=REDACT, metavar="[none|licence|sensitive|all]",
              help="Withhold texts from the record and keep their hashes; --redact alone means all.")  # fmt: skip
@click.option("--name", metavar="TEXT", help="The model's name in the record and on the leaderboard.")
@click.option("--strict", is_flag=True, help="Refuse to run unless every task can be asked.")
@click.option("--dry-run", is_flag=True, help="Show what the run would cost, without asking anything.")
@click.option("--log-to", type=choice("log_to"),
              help="Also log the numbers to an experiment tracker, without any text.")  # fmt: skip
@shard_option
@config_options
@gate_run_options
@verbosity_options
@click.pass_context
def run(
    ctx: click.Context,
    /,
    tasks: tuple[str, ...],
    out: Path,
    store: str,
    dry_run: bool,
    log_to: Tracker | None,
    save_config: Path | None,
    shard: Shard | None,
    **options: Any,
) -> None:
    """Ask a model the tasks, score the answers, and write a record to reports/MODEL/RUN.

    The same command again continues where it stopped: stored answers (--store) are not asked again. A task that
    cannot be asked is named and left out, and the command then exits with code 2. Code 5 means that the next request would exceed
    --max-cost.

    --json prints one JSON object a line for each record, and notes on standard error alone.

    With --gate exit codes are 0 pass, 1 regression, 2 a mistake in what was asked, 3 not enough data, 4 not comparable, and nothing is
    asked unless every task can be.
    """
    from lsm_eval.cli.progress import make_progress

    if shard is not None:
        check_alone({**options, "log_to": log_to, "dry_run": dry_run})
    if log_to is not None:
        from lsm_eval.exporting.loggers.log import check_tracker

        check_tracker(log_to)
    progress = make_progress()
    as_json = options["json_file"] == PRINTED
    if as_json:
        options["json_file"] = None
    gate = read_gate(options, options["include"], include_code=options["include_code"])
    if gate is not None:
        options["strict"] = True
    options["judge"] = judge = take_judge(options)
    models = options.pop("model")
    rows = model_rows(models, options.pop("adapter"), options.pop("name"), options)
    if gate is not None and len(rows) > 1:
        named = "--adapter" if len(models) == 1 else "--model"
        raise UserError(
            f"--gate judges one candidate, and {named} names several: name one, and run the command for each."
        )
    command = command_of(ctx) if spelled_out(ctx) else ["lsm-eval", *sys.argv[1:]]
    if shard is not None:
        command = whole_command(command)
    given = {**options, "out": out, "store": store, "command": command}
    specs = [
        make_spec(split_names(tasks), model=row.model, adapter=row.adapter, name=row.name, **given)
        for row in rows
    ]
    if save_config is not None:
        save(ctx, save_config)
    from lsm_eval.models.shared_weights import SharedWeights

    # The base model's memory is needed for the judge, or for another model.
    shared = SharedWeights() if len(specs) > 1 and len(models) == 1 and judge is None else None
    part = None if shard is None else (shard, options_text(ctx))
    wanted = _Wanted(dry_run, as_json, log_to, part)
    run_one = partial(_run_one, progress=progress, judge=judge, gate=gate, shared=shared, wanted=wanted)
    if len(specs) == 1:
        run_one(specs[0])
        return
    code = run_rows(
        [(row.title, partial(run_one, spec)) for row, spec in zip(rows, specs, strict=True)],
        titles_to_err=as_json,
    )
    if code:
        sys.exit(code)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What to do with a run and its result."""

    dry_run: bool
    as_json: bool
    log_to: Tracker | None
    shard: tuple[Shard, str] | None
    """A part of the run, and the run's options as text."""


def _run_one(
    spec: RunSpec,
    *,
    progress: Progress,
    judge: JudgeSpec | None,
    gate: GateOptions | None,
    shared: SharedWeights | None,
    wanted: _Wanted,
) -> None:
    """Ask one model, and show the result. Exits with the exit code if it is not 0."""
    from lsm_eval.models.base import Releasing, without_probe
    from lsm_eval.models.create import create
    from lsm_eval.models.shared_weights import Sharing
    from lsm_eval.runner.check_tasks import check_tasks
    from lsm_eval.runner.judge_spec import in_judges_words, judge_options
    from lsm_eval.runner.run import run as run_spec

    kept = f"all answers so far are kept in {spec.store}" if spec.store else "nothing is kept (--store none)"
    try:
        check_tasks(spec)  # a misspelt name is reported at once, not after a model has been downloaded
        model = create(spec.model, without_probe(spec.options) if wanted.dry_run else spec.options, progress)
        if shared is not None and isinstance(model, Sharing):
            model.share(shared)
        judging = None
        if judge is not None and (judge.remote or not wanted.dry_run):
            with in_judges_words(judge):
                judging = create(judge.model, judge_options(spec.options, judge), progress)
        if wanted.dry_run:
            _dry_run(spec, progress, model, judging, gate, wanted)
            return
        if wanted.shard is not None:
            _run_shard(spec, model, progress, *wanted.shard)
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
    if not wanted.as_json:
        show_result(result)
    if wanted.log_to is not None:
        _log(result, wanted.log_to)
    judged = None if gate is None else result.gate
    code = (EXIT_USER if result.problems else 0) if judged is None else judged.exit_code
    if wanted.as_json:
        print_result(result, code)
    for problem in result.problems:
        click.echo(f"lsm-eval: {problem}", err=True)
    if gate is not None and judged is not None:
        click.echo("", err=wanted.as_json)
        show(judged, gate.annotations, gate.files, err=wanted.as_json)
    if judged is not None or code:
        sys.exit(code)


def _run_shard(spec: RunSpec, model: Model, progress: Progress, shard: Shard, options: str) -> None:
    """Run one shard, and say where it is. Exits with code 2 if a task was left out."""
    from lsm_eval.runner.shards.run import run_shard

    result = run_shard(spec, model, progress, shard, options)
    show_shard(result)
    for problem in result.problems:
        click.echo(f"lsm-eval: {problem}", err=True)
    if result.problems:
        sys.exit(EXIT_USER)


def _dry_run(
    spec: RunSpec,
    progress: Progress,
    model: Model,
    judging: Model | None,
    gate: GateOptions | None,
    wanted: _Wanted,
) -> None:
    """Show what a run would ask. Exits with code 2 if a task cannot be asked."""
    from lsm_eval.runner.prepare import prepare_each
    from lsm_eval.runner.spending import find_spending, most_cost

    spending = find_spending(spec, model, judging)
    prepared = prepare_each(spec, model, progress)
    asked = prepared.tasks
    looks: list[dict[str, Any]] = []
    if gate is not None:
        asked, looks = gate_plan(gate, asked, spec, model, progress, judge=spec.judge is not None)
    time = time_line(spec, model, asked)
    lines = list(most_cost(spending, asked))
    if spec.judge is not None:
        lines.append("What the judge would be asked follows from the answers, and is not counted.")
    if wanted.as_json:
        print_cost(model.info.name, asked, time, lines, prepared.left_out.rows, looks)
    else:
        if looks:
            show_looks(looks)
        show_cost(asked)
        for line in [time, *lines] if time else lines:
            click.echo(line)
    if prepared.left_out.rows:
        sys.exit(EXIT_USER)


def _log(result: RunResult, tracker: Tracker) -> None:
    """Log to the tracker; if that fails, the record is complete, and the command exits with code 2."""
    from lsm_eval.exporting.loggers.log import log
    from lsm_eval.results.reader import read_record

    try:
        log(tracker, result.manifest, read_record(result.record).estimates)
    except UserError as error:
        result.problems.append(str(error))
