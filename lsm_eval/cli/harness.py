"""`lsm-eval lm-eval`: lm-evaluation-harness's own command, in which `--model lsm-eval` is known."""

from __future__ import annotations

import sys

import click


@click.command(
    "lm-eval",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def harness(arguments: tuple[str, ...]) -> None:
    """Run lm-evaluation-harness's command line as it is, with our engine as its model `lsm-eval`.

    lsm-eval lm-eval --model lsm-eval --model_args pretrained=ORG/NAME --tasks hellaswag
    """
    from lsm_eval.lm_eval_bridge import register

    register()
    from lm_eval.__main__ import cli_evaluate

    # The harness reads the process's own arguments.
    sys.argv = ["lsm-eval lm-eval", *arguments]
    cli_evaluate()
