"""Options of the model that judges answers: which one, where it runs, and how it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lsm_eval.cli.completing import completing
from lsm_eval.cli.folder import Folder
from lsm_eval.cli.options import make_endpoint
from lsm_eval.errors import UserError

if TYPE_CHECKING:
    from lsm_eval.runner.judge_spec import JudgeSpec

F = TypeVar("F", bound=Callable[..., Any])
_ENDPOINT = ("base_urls", "api", "api_key_env", "api_key_file", "max_concurrency", "stream", "header_env")


def judge_run_options(function: F) -> F:
    """For `run`."""
    options = [
        click.option("--judge", metavar="MODEL", shell_complete=completing("models"),
                     help="A model (named as for --model) that judges answers, for the metrics that want one."),
        click.option("--judge-read", type=click.Choice(["auto", "likelihood", "text"]), default="auto", show_default=True,
                     help="Take the judge's likeliest answer, or what it writes; auto: what it writes only where it cannot "
                     "tell likelihoods."),
        click.option("--judge-base-url", "judge_base_urls", multiple=True, metavar="URL",
                     help="Of --judge openai:MODEL: where its server is; that of --model by default."),
        click.option("--judge-api", type=click.Choice(["auto", "chat", "completions", "responses"]), default="auto",
                     show_default=True, help="As --api, for the judge's server; the following likewise."),
        click.option("--judge-api-key-env", metavar="NAME",
                     help="The variable that holds its key; OPENAI_API_KEY by default."),
        click.option("--judge-api-key-file", type=Folder(), metavar="FILE", help="A file that holds its key."),
        click.option("--judge-header-env", multiple=True, metavar="NAME=VARIABLE",
                     help="A further header, whose value the variable holds; may be repeated."),
        click.option("--judge-max-concurrency", type=click.IntRange(min=1), metavar="N",
                     help="Requests under way at once, at most."),
        click.option("--judge-stream", type=click.Choice(["auto", "on", "off"]), default="auto", show_default=True,
                     help="As --stream, for the judge's server."),
        click.option("--judge-device", metavar="DEVICE", help="Of a local judge; as --device by default."),
        click.option("--judge-dtype", metavar="DTYPE", help="Of a local judge; as --dtype by default."),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def take_judge(options: dict[str, Any]) -> JudgeSpec | None:
    """The judge that the options name, which are taken out of them; None without one. Raises `UserError` for options of a
    judge that is not there."""
    from lsm_eval.runner.judge_spec import JudgeSpec, in_judges_words

    model = options.pop("judge")
    given = {name: options.pop(f"judge_{name}") for name in (*_ENDPOINT, "device", "dtype")}
    if model is None:
        named = [name for name, value in given.items() if value and value != "auto"]
        if named:
            name = named[0].removesuffix("s").replace("_", "-")
            raise UserError(
                f"--judge-{name} is about a judge, and there is none: name one with --judge MODEL."
            )
        return None
    device, dtype = given.pop("device"), given.pop("dtype")
    with in_judges_words(JudgeSpec(model, device="auto")):
        endpoint = make_endpoint(**given)
    judge = JudgeSpec(model, endpoint, device, dtype)
    if judge.remote and endpoint is None and not options["base_urls"]:
        raise UserError(
            f"--judge {model} needs the address of its server: add --judge-base-url URL, such as http://localhost:8000/v1."
        )
    return judge
