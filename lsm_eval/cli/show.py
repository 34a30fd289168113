"""`lsm-eval show task`: samples and costs of a task before a run; `show profile`: the numbers of a profile."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lsm_eval.cli.as_json import print_json
from lsm_eval.cli.completing import completing
from lsm_eval.cli.exits import EXIT_USER
from lsm_eval.cli.folder import Folder
from lsm_eval.cli.options import run_options
from lsm_eval.json_text import json_text
from lsm_eval.results.redaction import withheld
from lsm_eval.runner.make_spec import make_spec

if TYPE_CHECKING:
    from lsm_eval.models.base import Cost, Model
    from lsm_eval.requests import Request
    from lsm_eval.runner.prepared import PreparedTask
    from lsm_eval.tasks.sample import Sample


@click.group("show")
def show() -> None:
    """Show what a task would ask, or what a profile measured."""


@show.command("profile")
@click.argument("record", type=Folder())
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def profile(record: Path, as_json: bool) -> None:
    """Show the profile in RECORD, a record's folder, or the newest one of a model's folder."""
    from lsm_eval.cli.profile_table import show_record

    show_record(record, as_json=as_json)


@show.command("task")
@click.argument("name", shell_complete=completing("tasks"))
@click.option("--samples", type=click.IntRange(min=1), default=3, show_default=True, metavar="N",
              help="How many samples to render.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@click.option("--reveal", is_flag=True, help="Show the texts of a task that is marked sensitive, too.")
@run_options
def task(name: str, samples: int, as_json: bool, reveal: bool, **options: Any) -> None:
    """Show the first samples of task NAME as the model would read them, and what a run would cost.

    For a task that is marked sensitive (harmful requests), hashes are shown instead of the texts, unless --reveal is given.
    """
    from lsm_eval.cli.progress import Notes, make_progress
    from lsm_eval.models.base import without_probe
    from lsm_eval.models.create import create
    from lsm_eval.runner.check_tasks import check_tasks
    from lsm_eval.runner.prepare import prepare_each

    overflow = options["overflow"]
    # A task that does not fit the model is worth seeing here, so overflow is shown, not refused.
    spec = make_spec(
        [name],
        command=["lsm-eval", *sys.argv[1:]],
        **{**options, "overflow": "skip" if overflow == "error" else overflow},
    )
    check_tasks(spec)
    model = create(spec.model, without_probe(spec.options), make_progress())
    prepared = prepare_each(spec, model, Notes())
    if as_json:
        found = [_summary(p, model, samples, reveal) for p in prepared.tasks]
        print_json(json_text(found))
    else:
        for one in prepared.tasks:
            _print(one, model, samples, reveal)
    if prepared.left_out.rows:
        sys.exit(EXIT_USER)


def _print(prepared: PreparedTask, model: Model, samples: int, reveal: bool) -> None:
    definition = prepared.loaded.task
    data = prepared.data
    drifted = "NOT the pinned content" if definition.dataset.sha256 is not None else "not pinned"
    pinned = "as pinned" if data.pinned else drifted
    click.echo(f"{definition.task} v{definition.version}: {definition.title}")
    click.echo(f"  area {definition.area}, licence {definition.licence}, source {definition.source}")
    click.echo(
        f"  data {data.name} {'/'.join(data.configs)} {data.split} from {data.source}, {len(data.rows):,} rows, {pinned}"
    )
    click.echo(f"  metrics {', '.join(metric.name for metric in prepared.metrics)}")
    click.echo(
        f"  {prepared.shots} shots, chat template {'on' if prepared.chat else 'off'}, model {model.info.name}"
    )
    if (page := prepared.loaded.folder / "README.md").is_file():
        click.echo(f"  page {page}")
    for text in definition.departures:
        click.echo(f"  departs from lm-evaluation-harness: {text}")
    if definition.sensitive:
        texts = "and stand below" if reveal else "withheld here; --reveal shows them"
        click.echo(f"  sensitive: the texts may be harmful or offensive, {texts}")
    if not definition.redistributable:
        click.echo("  its licence does not let others be shown the texts: pages show hashes")
    summary = _summary(prepared, model, samples, reveal)
    for shown in summary["shown"]:
        click.echo(f"\n--- sample {shown['id']}")
        click.echo(shown["prompt"])
        for continuation in shown["continuations"]:
            click.echo(f"  > {continuation!r}")
        for further in shown.get("further", ()):
            click.echo(further["prompt"])
            for continuation in further["continuations"]:
                click.echo(f"  > {continuation!r}")
        if "missing" in shown:
            click.echo(f"  not asked: {shown['missing']}")
        click.echo(f"  target {shown['target']}")
        if "tokens" in shown:
            click.echo(
                f"  {shown['tokens']:,} tokens, longest sequence {shown['longest']:,}, {shown['bos']} BOS, "
                f"{shown['truncated']} over the model's context"
            )
    click.echo(f"\n{summary['requests']:,} requests, {summary['sequences']:,} sequences", nl=False)
    if "tokens" in summary:
        click.echo(
            f", {summary['tokens']:,} tokens at most; longest {summary['longest']:,} of {model.info.context or 'any'}; "
            f"{summary['too_long']:,} do not fit; BOS {summary['bos']}"
        )
    else:
        click.echo("")


def _summary(prepared: PreparedTask, model: Model, samples: int, reveal: bool) -> dict[str, Any]:
    costs = prepared.costs
    hide = prepared.loaded.task.sensitive and not reveal
    found: dict[str, Any] = {
        "task": prepared.name,
        "requests": sum(len(s.requests) for s in prepared.samples),
        "sequences": sum(
            len(getattr(request, "continuations", (None,)))
            for s in prepared.samples
            for request in s.requests
        ),
        "shown": [
            _sample(sample, model, costs[at] if costs else None, hide=hide)
            for at, sample in enumerate(prepared.samples[:samples])
        ],
    }
    if costs:
        bos = sorted({cost.bos for cost in costs})
        found["tokens"] = sum(cost.asked for cost in costs)
        found["longest"] = max(cost.longest for cost in costs)
        found["too_long"] = sum(cost.truncated > 0 for cost in costs)
        found["bos"] = "-".join(str(count) for count in dict.fromkeys([bos[0], bos[-1]]))
    return found


def _refused(sample: Sample, model: Model) -> str | None:
    """Why the model's chat template refuses the messages; None if it accepts them."""
    from lsm_eval.models.base import Chatting

    if not isinstance(model, Chatting):
        return None
    return next((why for why in map(model.refusal, sample.requests) if why is not None), None)


def _sample(sample: Sample, model: Model, cost: Cost | None, *, hide: bool) -> dict[str, Any]:
    def text(thing: Any) -> Any:
        return withheld(thing) if hide and isinstance(thing, str) else thing

    def asked(request: Request) -> dict[str, Any]:
        continuations = getattr(request, "continuations", ())
        return {"prompt": text(model.render(request)), "continuations": [text(one) for one in continuations]}

    shown: dict[str, Any] = {
        "id": sample.id,
        **asked(sample.request),
        "target": [text(value) for value in sample.target],
        "cluster": text(sample.cluster),
    }
    if sample.further:
        shown["further"] = [asked(request) for request in sample.further]
    refused = _refused(sample, model)
    if sample.missing or refused:
        shown["missing"] = sample.missing or refused
    elif cost:
        shown |= {"tokens": cost.asked, "longest": cost.longest, "bos": cost.bos, "truncated": cost.truncated}
    return shown
