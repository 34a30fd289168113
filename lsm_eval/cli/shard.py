"""`lsm-eval run --shard`: a part of a run, for `lsm-eval merge`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lsm_eval.errors import UserError
from lsm_eval.runner.shards.named import Shard, read_shard

if TYPE_CHECKING:
    from lsm_eval.runner.shards.run import ShardResult

F = TypeVar("F", bound=Callable[..., Any])

_REFUSED = {
    "judge": "a judge is asked about answers, and no shard has all of them; leave one of the two out",
    "gate": "a gate ends a run by its answers, and no shard has all of them; hold the merged record against the policy (`lsm-eval gate`)",
    "dry_run": "it shows the whole run; leave --shard out",
    "json_file": "a shard has no numbers; leave it out",
    "log_to": "a shard has no numbers; leave it out",
    "base_urls": "a shard is for a model that computes in its own process; name several servers instead",
    "max_cost": "it counts what one process spends; leave one of the two out",
}
"""Options that a shard cannot have, and why."""


def shard_option(function: F) -> F:
    """The option, for `run`."""
    return click.option(
        "--shard", metavar="I/N|auto|auto/N", callback=_read,
        help="Answer only part I of N of the questions, for `lsm-eval merge`. auto takes both from a SLURM array, auto/N takes I from "
        "Kubernetes' JOB_COMPLETION_INDEX.",
    )(function)  # fmt: skip


def _read(context: click.Context, option: click.Parameter, value: str | None) -> Shard | None:
    return None if value is None else read_shard(value, os.environ)


def check_alone(options: Mapping[str, Any]) -> None:
    """Raise `UserError` for options that a shard cannot have, before anything is asked."""
    for name, why in _REFUSED.items():
        if options[name]:
            raise UserError(
                f"--shard does not go with --{name.removesuffix('s').removesuffix('_file').replace('_', '-')}: {why}."
            )
    for name in ("model", "adapter"):
        if len(options[name]) > 1:
            raise UserError(
                f"--shard does not go with several --{name}: a shard is a part of one run; run the command for each."
            )


def whole_command(words: Sequence[str]) -> list[str]:
    """The command without `--shard`, which is that of the whole run."""
    found: list[str] = []
    left = iter(words)
    for word in left:
        if word == "--shard":
            next(left, None)
        elif not word.startswith("--shard="):
            found.append(word)
    return found


def show_shard(result: ShardResult) -> None:
    """Print what was written, and what comes next."""
    click.echo(f"shard {result.shard}: {result.answers:,} of {result.requests:,} requests")
    click.echo(f"when all {result.shard.count} are there: lsm-eval merge {result.folder.parent}")
    click.echo(f"shard: {result.folder}")
