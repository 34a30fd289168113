"""`lsm-eval profile`: measures how fast a model is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lsm_eval.cli.folder import Folder
from lsm_eval.cli.profile_offline import offline_options, profile_offline
from lsm_eval.cli.profile_options import shared_options
from lsm_eval.cli.profile_serving import SERVING, is_serving, profile_serving, serving_options
from lsm_eval.cli.verbosity import verbosity_options


@click.command("profile")
@shared_options
@offline_options
@serving_options
@click.option("--import", "imported", nargs=2, type=(click.Choice(["aiperf", "guidellm", "vllm"]), Folder()), metavar="TOOL FILE",
              help="Make a record of a file that aiperf, guidellm or vllm (bench serve) wrote, without measuring anything.")  # fmt: skip
@click.option("--name", metavar="TEXT", help="The model's name in the record and on the leaderboard.")
@click.option("--out", type=Folder(), default=Path("reports"), show_default=True,
              help="Folder that records are written to.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the profile as JSON.")
@verbosity_options
def profile(**options: Any) -> None:
    """Measure a model's throughput, latency, memory and energy, and write a record to reports/MODEL/RUN.

    A local model is given batches of made-up prompts of exact lengths, cell by cell (a batch size, a prompt length, an output length),
    all cells in each of at least five rounds. It measures the engine that `lsm-eval run` uses. After Ctrl-C the record is written with what was measured, and marked as stopped.

    With --concurrency, --rate, --trace or --find-rate, and always for a server (openai:MODEL --base-url URL), requests arrive one by one,
    and the time of each token is measured. The formulas are those of vLLM's `bench serve`. Failed requests are not retried; with
    more than --max-error-rate of them the command exits with code 5.
    """
    imported = options.pop("imported")
    if imported is not None:
        from lsm_eval.cli.profile_import import profile_import

        profile_import(imported[0], imported[1], options)
        return
    if is_serving(options):
        profile_serving(options)
        return
    for name in SERVING:
        options.pop(name)
    profile_offline(options)
