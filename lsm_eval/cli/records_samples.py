"""`lsm-eval records samples`: shows single samples of a record, such as those that a model got wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from lsm_eval.cli.completing import completing
from lsm_eval.errors import UserError

if TYPE_CHECKING:
    from lsm_eval.results.reader import Record
    from lsm_eval.results.schema import EstimateRow

_LONGEST = 1500
"""The most characters of a text; the middle of a longer one is left out, with a mark."""


@click.command("samples")
@click.argument("record", metavar="REC")
@click.argument("task", shell_complete=completing("tasks_of_record"))
@click.option("--wrong", is_flag=True, help="Only those whose score is not the best one.")
@click.option("--missing", is_flag=True, help="Only those without an answer.")
@click.option(
    "--truncated", is_flag=True, help="Only those cut to fit the model, or whose answer ran out of tokens."
)
@click.option(
    "--metric",
    metavar="NAME",
    shell_complete=completing("metrics_of_record"),
    help="The metric that says what is wrong; the task's first one by default.",
)
@click.option("--limit", type=click.IntRange(min=1), default=10, show_default=True, metavar="N",
              help="How many to show.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="As one JSON object, with whole texts.")
@click.option("--reveal", is_flag=True, help="Show the texts of a task that is marked sensitive, too.")
def samples(
    record: str,
    task: str,
    wrong: bool,
    missing: bool,
    truncated: bool,
    metric: str | None,
    limit: int,
    as_json: bool,
    reveal: bool,
) -> None:
    """Show samples of TASK in the record REC: what was asked, answered, and right.

    With several of --wrong, --missing and --truncated, samples that are any of these. REC is named as for `records show`.
    """
    from lsm_eval.comparison.find import find
    from lsm_eval.results.redaction import redact_row

    if reveal and as_json:
        raise click.UsageError(
            "--reveal is for the terminal: what --json writes is passed on, and never has such texts."
        )
    found = find(record)
    _check_task(found, task)
    hidden = found.tasks[task].sensitive and not reveal
    judging = _judging(found, task, metric, needed=wrong)
    matched = 0
    rows: list[tuple[dict[str, Any], list[str]]] = []
    for row in _rows(found, task):
        kinds = _kinds(row, judging)
        wanted = {
            name
            for name, chosen in (("wrong", wrong), ("missing", missing), ("truncated", truncated))
            if chosen
        }
        if wanted and not wanted & set(kinds):
            continue
        matched += 1
        if len(rows) < limit:
            rows.append((redact_row(row) if hidden else row, kinds))
    if as_json:
        from lsm_eval.cli.as_json import print_json
        from lsm_eval.json_text import json_text

        content = {
            "record": str(found.folder),
            "task": task,
            "metric": None if judging is None else judging.metric,
            "matched": matched,
            "samples": [{**row, "is": kinds} for row, kinds in rows],
        }
        print_json(json_text(content))
        return
    for row, kinds in rows:
        _show(row, kinds)
    more = "" if matched == len(rows) else f"; --limit N shows more than {limit}"
    click.echo(f"{len(rows):,} of {matched:,} such samples shown{more}.", err=True)
    if hidden and rows:
        click.echo(
            "The task is sensitive: hashes stand in place of its texts; --reveal shows them.", err=True
        )


def _check_task(record: Record, task: str) -> None:
    """Raise UserError if the record has no sample table of the task."""
    if task not in record.tasks:
        from difflib import get_close_matches

        near = get_close_matches(task, list(record.tasks), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(record.tasks)}."
        raise UserError(f"the record has no task {task!r}: {hint}")
    why = record.tasks[task].no_samples
    if why is not None and not record.has_samples(task):
        raise UserError(f"the record has no samples of {task}: {why.removesuffix('.')}; name another task.")


def _judging(record: Record, task: str, metric: str | None, *, needed: bool) -> EstimateRow | None:
    """The metric whose score says whether a sample is right or wrong; None if there is none and none is needed."""
    known = [
        row
        for row in record.by_task.get(task, ())
        if "[" not in row.metric and row.unit == "fraction" and row.higher_is_better is not None
    ]
    columns = next(_rows(record, task, 1), {})
    scored = [row for row in known if f"score.{row.metric}" in columns]
    if metric is not None:
        own = next((row for row in scored if row.metric == metric), None)
        if own is None:
            has = (
                f"it has {', '.join(row.metric for row in scored)}"
                if scored
                else "the task has none that does"
            )
            raise UserError(
                f"--metric {metric}: no score of that name says of a sample that it is wrong; {has}."
            )
        return own
    if needed and not scored and columns:
        raise UserError(
            f"no metric of {task} says of a single sample that it is wrong: leave --wrong out, and look at all of them."
        )
    return scored[0] if scored else None


def _rows(record: Record, task: str, limit: int = sys.maxsize) -> Iterator[dict[str, Any]]:
    for batch in record.sample_batches(task, limit):
        yield from batch


def _kinds(row: Mapping[str, Any], judging: EstimateRow | None) -> list[str]:
    """Which of `wrong`, `missing` and `truncated` a sample is."""
    found = []
    score = None if judging is None else row.get(f"score.{judging.metric}")
    if judging is not None and score is not None and row["failure"] is None:
        best = 1.0 if judging.higher_is_better else 0.0
        if score != best:
            found.append("wrong")
    if row["failure"] is not None:
        found.append("missing")
    if row["truncated"] or row["finish"] == "length":
        found.append("truncated")
    return found


def _show(row: Mapping[str, Any], kinds: Sequence[str]) -> None:
    click.echo(f"--- sample {_seen(str(row['sample']))}{': ' if kinds else ''}{', '.join(kinds)}")
    click.echo(f"asked:   {_seen(row['prompt'])}")
    choices, logprobs = row["choices"] or [], row["logprobs"] or []
    if row["request"] == "score":
        if choices and len(choices) == len(logprobs):
            likely = max(range(len(choices)), key=lambda at: logprobs[at])
            click.echo(f"likely:  {_seen(choices[likely])} (the likeliest of {len(choices)} choices)")
        click.echo(f"right:   {' | '.join(_seen(_choice(one, choices)) for one in row['target'] or [])}")
    elif row["request"] == "generate":
        click.echo(f"answer:  {_seen(row['completion'])}")
        if row["finish"] == "length":
            click.echo("         (it ran out of tokens)")
        click.echo(f"right:   {' | '.join(_seen(one) for one in row['target'] or [])}")
    if row["failure"] is not None:
        detail = f": {_seen(row['failure_detail'])}" if row["failure_detail"] else ""
        click.echo(f"missing: {_seen(row['failure'])}{detail}")
    scores = [f"{name.removeprefix('score.')} {value:.4g}" for name, value in row.items()
              if name.startswith("score.") and value is not None]  # fmt: skip
    if scores:
        click.echo(f"scores:  {_seen(', '.join(scores))}")


def _choice(index: str, choices: Sequence[str]) -> str:
    return choices[int(index)] if index.isdecimal() and int(index) < len(choices) else index


def _seen(text: str | None) -> str:
    """The text in one line, without anything that a terminal or a CI system would take for a command."""
    from lsm_eval.comparison.shown.escape import visible

    if text is None:
        return "-"
    half = _LONGEST // 2
    if len(text) > _LONGEST:
        text = f"{text[:half]} … {len(text) - 2 * half:,} characters … {text[-half:]}"
    return visible(text, 2 * _LONGEST)
