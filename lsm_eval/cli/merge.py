"""`lsm-eval merge`: shards of a run become its record."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lsm_eval.cli.exits import EXIT_NOT_COMPARABLE, EXIT_USER
from lsm_eval.cli.folder import Folder
from lsm_eval.cli.streams import one_line
from lsm_eval.cli.verbosity import verbosity_options
from lsm_eval.errors import NotComparable
from lsm_eval.runner.option_values import AUTO, OUT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lsm_eval.models.base import ModelOptions
    from lsm_eval.runner.run import RunResult
    from lsm_eval.runner.shards.folder import ShardManifest
    from lsm_eval.runner.spec import RunSpec

_CHECKPOINTS = ("builtin", "hf", "vllm")
"""Prefixes of models whose tokenizer is read without their device."""


@click.command("merge")
@click.argument("shards", nargs=-1, required=True, type=Folder(), metavar="SHARD...")
@click.option("--out", "-o", type=Folder(), default=Path(OUT), show_default=True,
              help="Folder that the record is written to.")  # fmt: skip
@verbosity_options
def merge(shards: tuple[Path, ...], out: Path) -> None:
    """Make the record of a run from its shards (`run --shard`), as one process would have written it.

    SHARD: folders of shards, or folders that hold them. Nothing is asked and no weights are loaded, but the tasks' data and the model's
    tokenizer are read again, with the options of the shards' run. Answers are scored here; speeds and their percentiles are of all shards' times.

    Refused with code 2 where a shard is missing or damaged, and with code 4 where shards are not of one run: other data, another
    model or version, another signature, or two answers to one request.
    """
    try:
        result = _merged(shards, out)
    except NotComparable as error:
        click.echo(one_line(f"lsm-eval: not comparable: {error}"), err=True)
        sys.exit(EXIT_NOT_COMPARABLE)
    from lsm_eval.cli.run_result import show_result

    show_result(result)
    for problem in result.problems:
        click.echo(f"lsm-eval: {problem}", err=True)
    if result.problems:
        sys.exit(EXIT_USER)


def _merged(named: Sequence[Path], out: Path) -> RunResult:
    from lsm_eval.cli.progress import make_progress
    from lsm_eval.models.create import create
    from lsm_eval.runner.check_tasks import check_tasks
    from lsm_eval.runner.run import run
    from lsm_eval.runner.shards.agreement import united
    from lsm_eval.runner.shards.folder import read_folder, shard_folders
    from lsm_eval.runner.shards.merged import MergedShards

    folders = [read_folder(place) for place in shard_folders(named)]
    shards = MergedShards(*united(folders))
    options = next(one.options for one in folders if one.manifest is shards.first)
    spec = _spec(options, out, shards.first.command)
    progress = make_progress()
    check_tasks(spec)
    model = create(spec.model, _on_this_machine(spec, shards.first), progress)
    return run(spec, model, progress, shards=shards)


def _spec(options: str, out: Path, command: Sequence[str]) -> RunSpec:
    """The run that the shards are of, from their options."""
    from lsm_eval.cli.run import run
    from lsm_eval.cli.run_gate import read_gate
    from lsm_eval.runner.make_spec import make_spec, split_names, take_judge

    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        file.write(options)
        file.flush()
        with run.make_context("lsm-eval run", ["--config", file.name]) as context:
            given = dict(context.params)
    for name in ("dry_run", "log_to", "save_config", "shard"):
        given.pop(name)
    read_gate(given, given["include"], include_code=given["include_code"])
    judge = take_judge(given)
    return make_spec(
        split_names(given.pop("tasks")), **{**given, "judge": judge, "out": out, "command": command}
    )


def _on_this_machine(spec: RunSpec, shard: ShardManifest) -> ModelOptions:
    """The model's options without its device, which may not be here: only the tokenizer and the configuration are read."""
    prefix, colon, _ = spec.model.partition(":")
    if shard.model.device is None or (colon and prefix not in _CHECKPOINTS):
        return spec.options
    return replace(spec.options, device="cpu", dtype=shard.model.dtype or AUTO, quantize=None)
