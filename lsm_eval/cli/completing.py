"""Shell completions by name, imported only when a shell asks for one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def completing(what: str) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """The function `what` of `lsm_eval.cli.completion`, for a parameter's `shell_complete`."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from lsm_eval.cli import completion

        found: list[CompletionItem] = getattr(completion, what)(context, parameter, incomplete)
        return found

    return complete
