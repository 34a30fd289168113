"""Options of the judge model: which one, where it runs, and how its answers are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from lsm_eval.cli.completing import completing
from lsm_eval.cli.folder import Folder
from lsm_eval.cli.options import choice, number
from lsm_eval.runner.option_values import AUTO

F = TypeVar("F", bound=Callable[..., Any])


def judge_run_options(function: F) -> F:
    """For `run`."""
    options = [
        click.option("--judge", metavar="MODEL", shell_complete=completing("models"),
                     help="A model (named as for --model) that judges answers, for the metrics that need one."),
        click.option("--judge-read", type=choice("judge_read"), default=AUTO, show_default=True,
                     help="Take the judge's likeliest answer, or what it writes; auto: what it writes only if it "
                     "gives no likelihoods."),
        click.option("--judge-base-url", "judge_base_urls", multiple=True, metavar="URL",
                     help="Of --judge openai:MODEL: where its server is; that of --model by default."),
        click.option("--judge-api", type=choice("judge_api"), default=AUTO,
                     show_default=True, help="Like --api, for the judge's server; so are the following."),
        click.option("--judge-api-key-env", metavar="NAME",
                     help="The variable that holds its key; OPENAI_API_KEY by default."),
        click.option("--judge-api-key-file", type=Folder(), metavar="FILE", help="A file that holds its key."),
        click.option("--judge-header-env", multiple=True, metavar="NAME=VARIABLE",
                     help="A further header, whose value the variable holds; may be repeated."),
        click.option("--judge-max-concurrency", type=number("judge_max_concurrency"), metavar="N",
                     help="Requests under way at once, at most."),
        click.option("--judge-stream", type=choice("judge_stream"), default=AUTO, show_default=True,
                     help="As --stream, for the judge's server."),
        click.option("--judge-device", metavar="DEVICE", help="Of a local judge; as --device by default."),
        click.option("--judge-dtype", metavar="DTYPE", help="Of a local judge; as --dtype by default."),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function
