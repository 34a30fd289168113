"""Options of an offline profile, and its output."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from lsm_eval.cli.exits import EXIT_INTERRUPTED, EXIT_USER
from lsm_eval.errors import UserError
from lsm_eval.runner.option_values import MODEL

F = TypeVar("F", bound=Callable[..., Any])
_MOST = 1_000_000


def offline_options(function: F) -> F:
    """For `profile`."""
    options = [
        click.option("--batch", default="1,8", show_default=True, metavar="N,N",
                     help="Number of prompts that are answered together."),
        click.option("--prompt-tokens", default="64,256", show_default=True, metavar="N,N",
                     help="Lengths of prompts."),
        click.option("--output-tokens", default="16,64", show_default=True, metavar="N,N",
                     help="Lengths of answers; each prompt is also read by itself (prefill)."),
        click.option("--repeats", type=click.IntRange(min=5), default=5, show_default=True, metavar="N",
                     help="The fewest rounds in which each cell is measured; 5 or more."),
        click.option("--max-repeats", type=click.IntRange(min=5), metavar="N",
                     help="The most rounds, for cells whose interval is wider than 5 % either way; twice --repeats by default."),
        click.option("--energy", type=click.Choice(["counters", "zeus"]), default="counters", show_default=True,
                     help="What reads the counters of energy: lsm-eval (NVML, RAPL), or the package zeus."),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def lengths(text: str, option: str) -> tuple[int, ...]:
    """Integers separated by commas, without repetitions, in their order. Raises `UserError`."""
    found: list[int] = []
    for part in text.split(","):
        word = part.strip()
        if not word.isdecimal() or not 1 <= int(word) <= _MOST:
            raise UserError(
                f"{option} {text}: give whole numbers from 1 to {_MOST:,}, separated by commas, such as 1,8."
            )
        if int(word) not in found:
            found.append(int(word))
    return tuple(found)


def profile_offline(options: dict[str, Any]) -> None:
    """Profile a local model, and show the result. Exits with the exit code if it is not 0."""
    from lsm_eval.cli.profile_options import shared_spec
    from lsm_eval.cli.profile_table import show_profile
    from lsm_eval.cli.progress import make_progress
    from lsm_eval.profiling.offline.run import profile_model
    from lsm_eval.profiling.offline.spec import OfflineSpec, check_local

    offline = OfflineSpec(
        batches=lengths(options.pop("batch"), "--batch"),
        prompts=lengths(options.pop("prompt_tokens"), "--prompt-tokens"),
        outputs=lengths(options.pop("output_tokens"), "--output-tokens"),
        repeats=options.pop("repeats"),
        max_repeats=options.pop("max_repeats"),
        seed=options["seed"],
        energy=options.pop("energy"),
    )
    spec = shared_spec(options, out=options["out"], name=options["name"], command=["lsm-eval", *sys.argv[1:]])
    check_local(options.get("model", MODEL))
    made = profile_model(spec, offline, make_progress())
    show_profile(made, as_json=options["as_json"])
    if made.profile.stopped is not None:
        click.echo(f"lsm-eval: stopped: {made.profile.stopped}", err=True)
        sys.exit(EXIT_INTERRUPTED)
    if any(cell.missing is not None for cell in made.profile.cells):
        sys.exit(EXIT_USER)
