"""Options of a serving profile, and its output."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from lsm_eval.cli.exits import EXIT_ERROR_RATE, EXIT_INTERRUPTED
from lsm_eval.cli.profile_offline import lengths
from lsm_eval.errors import UserError

F = TypeVar("F", bound=Callable[..., Any])
_DEFAULT_PROMPTS, _DEFAULT_OUTPUTS = "256", "64"
SERVING = (
    "concurrency", "rate", "arrivals", "trace", "trace_format", "speed", "requests", "seconds", "objective", "find_rate",
    "max_error_rate", "cache", "flush", "timeout",
)  # fmt: skip
_CHOOSING = ("concurrency", "rate", "trace", "find_rate")
"""Options that make it a serving profile, whatever the model."""
_OFFLINE_ONLY = ("batch", "repeats", "max_repeats", "energy")
_CACHES = {"cold": "cold", "warm": "prefix-warm", "unknown": "unknown"}


def serving_options(function: F) -> F:
    """For `profile`."""
    options = [
        click.option("--concurrency", metavar="N,N",
                     help="Serving, closed loop: concurrent requests; 1,4,16 by default for a server."),
        click.option("--rate", metavar="R,R", help="Serving, open loop: requests per second, sent whether or not earlier ones are answered."),
        click.option("--arrivals", metavar="constant|poisson|gamma:SHAPE", help="Distribution of arrivals; poisson by default."),
        click.option("--trace", type=click.Path(path_type=Path), metavar="FILE", help="Replay a trace of a real service."),
        click.option("--trace-format", type=click.Choice(["azure", "mooncake"]), help="Format of the trace; azure by default."),
        click.option("--speed", type=float, metavar="X", help="Replay the trace this many times as fast; 1 by default."),
        click.option("--requests", type=click.IntRange(min=1), metavar="N", help="Of each measurement; 100 by default."),
        click.option("--seconds", type=float, metavar="S", help="Begin no request after this many seconds."),
        click.option("--objective", metavar="ttft=500ms,tpot=50ms,e2e=2s,share=95%",
                     help="Limits that each request must meet, and the share that must meet them."),
        click.option("--find-rate", is_flag=True, help="Find the highest rate that meets the objective."),
        click.option("--max-error-rate", metavar="SHARE", help="Exit with code 5 if more requests fail; 1% by default."),
        click.option("--cache", type=click.Choice(list(_CACHES)),
                     help="State of the server's prompt cache: cold empties it before (--flush), warm sends every prompt once before."),
        click.option("--flush", metavar="vllm|sglang|URL", help="How the server's cache is emptied."),
        click.option("--timeout", type=float, metavar="S", help="Seconds that one request may take; 600 by default."),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def is_serving(options: dict[str, Any]) -> bool:
    """Whether the options ask for a serving profile. Raises `UserError` for options of both kinds of profile."""
    chosen = [name for name in _CHOOSING if options[name]]
    if chosen or str(options["model"]).startswith("openai:"):
        wrong = [name for name in _OFFLINE_ONLY if _given(name)]
        if wrong:
            why = f"--{chosen[0].replace('_', '-')}" if chosen else "a model behind a server"
            raise UserError(
                f"--{wrong[0].replace('_', '-')} is for batches of a local model, and {why} makes this a profile of how it "
                "serves: leave out one of the two."
            )
        return True
    wrong = [name for name in SERVING if options[name]]
    if wrong:
        raise UserError(
            f"--{wrong[0].replace('_', '-')} is for a profile of how a model serves: add --concurrency, --rate, --trace or --find-rate."
        )
    return False


def profile_serving(options: dict[str, Any]) -> None:
    """Profile how a model serves, and show the result. Exits with the exit code if it is not 0."""
    from lsm_eval.cli.profile_options import shared_spec
    from lsm_eval.cli.profile_table import show_profile
    from lsm_eval.cli.progress import make_progress
    from lsm_eval.profiling.serving.run import profile_served

    serving = _spec(options)
    serving.check()
    for name in ("max_concurrency", "max_cost", "prices"):
        if options.get(name) is not None:
            raise UserError(
                f"--{name.replace('_', '-')} has no meaning for a serving profile, which sends what it is told to: use --concurrency, "
                "--requests or --seconds."
            )
    spec = shared_spec(options, out=options["out"], name=options["name"], command=["lsm-eval", *sys.argv[1:]])
    found = profile_served(spec, serving, make_progress())
    show_profile(found.made, as_json=options["as_json"])
    if found.made.profile.stopped is not None:
        click.echo(f"lsm-eval: stopped: {found.made.profile.stopped}", err=True)
        sys.exit(EXIT_INTERRUPTED)
    if found.error_rate > serving.max_error_rate:
        sys.exit(EXIT_ERROR_RATE)


def _spec(options: dict[str, Any]) -> Any:
    from lsm_eval.profiling.serving.arrivals import Arrivals, read_arrivals
    from lsm_eval.profiling.serving.cache import check_flush
    from lsm_eval.profiling.serving.objective import read_objective, read_share
    from lsm_eval.profiling.serving.spec import ServingSpec

    if options["arrivals"] and not (options["rate"] or options["find_rate"]):
        raise UserError("--arrivals is for requests that come at a --rate: add that, or leave it out.")
    for name in ("trace_format", "speed"):
        if options[name] is not None and options["trace"] is None:
            raise UserError(f"--{name.replace('_', '-')} is for a --trace: add that, or leave it out.")
    if options["trace"] is not None:
        for name in ("prompt_tokens", "output_tokens"):
            if _given(name):
                raise UserError(
                    f"--{name.replace('_', '-')}: a --trace has lengths of its own: leave out one of the two."
                )
    prompts = options["prompt_tokens"] if _given("prompt_tokens") else _DEFAULT_PROMPTS
    outputs = options["output_tokens"] if _given("output_tokens") else _DEFAULT_OUTPUTS
    return ServingSpec(
        concurrency=lengths(options["concurrency"], "--concurrency") if options["concurrency"] else (),
        rates=_rates(options["rate"]) if options["rate"] else (),
        arrivals=read_arrivals(options["arrivals"]) if options["arrivals"] else Arrivals(),
        trace=options["trace"],
        trace_format=options["trace_format"] or "azure",
        speed=1.0 if options["speed"] is None else options["speed"],
        prompts=lengths(prompts, "--prompt-tokens"),
        outputs=lengths(outputs, "--output-tokens"),
        requests=options["requests"],
        seconds=_positive(options["seconds"], "--seconds"),
        objective=read_objective(options["objective"]) if options["objective"] else None,
        find_rate=options["find_rate"],
        max_error_rate=read_share(options["max_error_rate"] or "1%", "--max-error-rate"),
        cache=_CACHES[options["cache"] or "unknown"],  # type: ignore[arg-type]
        flush=check_flush(options["flush"]) if options["flush"] else None,
        timeout=_positive(options["timeout"], "--timeout") or 600.0,
        seed=options["seed"],
    )


def _rates(text: str) -> tuple[float, ...]:
    found: list[float] = []
    for part in text.split(","):
        try:
            rate = float(part)
        except ValueError:
            rate = math.nan
        if not 0 < rate < 1e6:
            raise UserError(
                f"--rate {text}: give requests a second, above 0, separated by commas, such as 0.5,2."
            )
        if rate not in found:
            found.append(rate)
    return tuple(found)


def _positive(value: float | None, option: str) -> float | None:
    if value is not None and not 0 < value < 1e7:
        raise UserError(f"{option} {value:g}: give a number of seconds above 0.")
    return value


def _given(name: str) -> bool:
    """Whether the user gave the option."""
    context = click.get_current_context(silent=True)
    source = None if context is None else context.get_parameter_source(name)
    return source is not None and source not in (
        click.core.ParameterSource.DEFAULT,
        click.core.ParameterSource.DEFAULT_MAP,
    )
