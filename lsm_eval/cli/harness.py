"""`lsm-eval lm-eval`: lm-evaluation-harness's own command, with the additional model `lsm-eval`."""

from __future__ import annotations

import sys

import click

from lsm_eval.cli.exits import EXIT_INTERRUPTED, EXIT_USER
from lsm_eval.errors import UserError


@click.command(
    "lm-eval",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def harness(arguments: tuple[str, ...]) -> None:
    """Run lm-evaluation-harness's own command line, with our engine as its model `lsm-eval`.

    lsm-eval lm-eval --model lsm-eval --model_args pretrained=ORG/NAME --tasks hellaswag
    """
    from lsm_eval.lm_eval_bridge import register

    register()
    from lm_eval.__main__ import cli_evaluate

    from lsm_eval.plugins import fault

    # The harness reads the process's own arguments.
    sys.argv = ["lsm-eval lm-eval", *arguments]
    try:
        cli_evaluate()
    except (UserError, OSError, MemoryError, click.ClickException):
        raise
    except SystemExit as left:
        # Its exit codes differ from ours: 1 is the gate's.
        if left.code and left.code not in (EXIT_USER, EXIT_INTERRUPTED):
            raise UserError(f"lm-evaluation-harness stopped ({left.code}): see what it says above.") from left
        raise
    except Exception as error:
        raise fault(error, "lm-evaluation-harness", "correct its arguments, or report it there") from error
