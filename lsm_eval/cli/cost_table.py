"""What a run would ask, as a table (`lsm-eval run --dry-run`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lsm_eval.runner.prepared import PreparedTask


def show_cost(tasks: list[PreparedTask]) -> None:
    """Requests, sequences and tokens of each task, and of all."""
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


def print_cost(
    model: str,
    tasks: Sequence[PreparedTask],
    time: str | None,
    lines: Sequence[str],
    left_out: Sequence[Any],
    looks: Sequence[Any],
) -> None:
    """Print the same as one line of JSON on standard output. `model` is the model that would be asked, `time` how long it takes, `lines` what
    the servers may cost, and `looks` are those of a gate."""
    from lsm_eval.cli.as_json import print_json
    from lsm_eval.json_text import json_text

    content = {
        "dry_run": True,
        "model": model,
        "tasks": [
            {
                "task": task.name,
                "requests": len(task.samples),
                "sequences": _sequences(task),
                "tokens": sum(cost.asked for cost in task.costs) if task.costs else None,
                "longest": max(cost.longest for cost in task.costs) if task.costs else None,
            }
            for task in tasks
        ],
        "time": time,
        "cost": list(lines),
        "left_out": [row.model_dump() for row in left_out],
        "looks": list(looks),
    }
    print_json(json_text(content, one_line=True))


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
