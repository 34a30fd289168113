"""Prints the result of a run: its numbers, and notes that a reader must know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lsm_eval.requests import Failure

if TYPE_CHECKING:
    from lsm_eval.results.schema import Manifest
    from lsm_eval.runner.run import RunResult
    from lsm_eval.runner.scored import ScoredTask


def show_result(result: RunResult) -> None:
    """Print numbers on standard output, and notes on them on standard error."""
    from lsm_eval.cli.table import estimate_cells, print_table
    from lsm_eval.results.summary import work_summary

    rows = [
        [task.prepared.name if at == 0 else "", *estimate_cells(metric, estimate)]
        for task in result.tasks
        for at, (metric, estimate) in enumerate(task.estimates)
    ]
    print_table(["task", "metric", "value", "95 % interval", "n", "missing"], rows, right=(2, 4, 5))
    _show_notes(result)
    _show_judging(result.manifest)
    for name, text in work_summary(result.manifest).items():
        click.echo(f"{name}: {text}")
    _show_withheld(result)
    click.echo(f"record: {result.record}")


def print_result(result: RunResult, exit_code: int) -> None:
    """Print the same as one line of JSON on standard output; notes are printed on standard error, too."""
    import json

    from lsm_eval.cli.as_json import print_json
    from lsm_eval.cli.record_json import record_object
    from lsm_eval.json_text import json_text
    from lsm_eval.results.reader import read_record

    _show_notes(result)
    _show_withheld(result)
    gate = None
    if result.gate is not None:
        from lsm_eval.gating.written.as_json import to_json

        gate = json.loads(to_json(result.gate))
    content = {
        **record_object(read_record(result.record)),
        "gate_result": gate,
        "problems": result.problems,
        "exit_code": exit_code,
    }
    print_json(json_text(content, one_line=True))


def _show_notes(result: RunResult) -> None:
    """Print notes on the numbers."""
    from lsm_eval.cli.cut_off import cut_off_line
    from lsm_eval.cli.table import not_estimable
    from lsm_eval.runner.at_start import samples_stopped_at_start
    from lsm_eval.runner.thoughts import samples_with_thoughts
    from lsm_eval.scoring.task import NO_LIKELIHOOD

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


def _show_withheld(result: RunResult) -> None:
    if result.manifest.redacted and result.store is not None:
        click.echo(
            f"The record withholds texts; the response store {result.store} holds the answers in full "
            "(--store none keeps none).",
            err=True,
        )


def _advice(task: ScoredTask) -> str:
    """What to do about answers that ended inside a reasoning model's thoughts."""

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
    """Bounds of the numbers of written choices, if some answers name no choice."""
    from lsm_eval.runner.written_choices.read import bounds

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
