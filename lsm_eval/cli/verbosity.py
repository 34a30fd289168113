"""`--quiet` and `--verbose`: how much a command prints beside its results. Both may stand before or after the command's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

if TYPE_CHECKING:
    import logging

F = TypeVar("F", bound=Callable[..., Any])
Verbosity = Literal["quiet", "normal", "verbose"]
_KEY = "lsm_eval.verbosity"
_VERSIONS = ("torch", "transformers", "tokenizers", "numpy")
"""Packages beside lsm-eval itself whose versions are printed."""


def verbosity_options(function: F) -> F:
    """Options for commands that report what they are doing."""
    options = [
        click.option("-q", "--quiet", is_flag=True, expose_value=False, callback=_take,
                     help="No progress: results and problems only."),
        click.option("-v", "--verbose", is_flag=True, expose_value=False, callback=_take,
                     help="Also versions, what is read and from where, seconds a phase, and tries that failed."),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def verbosity() -> Verbosity:
    """The verbosity of the running command."""
    context = click.get_current_context(silent=True)
    found: Verbosity = "normal" if context is None else context.meta.get(_KEY, "normal")
    return found


def start_log() -> None:
    """Print what the packages log, until the command ends; versions first. Only for a verbose command."""
    context = click.get_current_context()
    if "lsm_eval.log" in context.meta:
        return
    import logging

    log = logging.getLogger("lsm_eval")
    handler, level = _handler(), log.level
    context.meta["lsm_eval.log"] = handler
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)

    def stop() -> None:
        log.removeHandler(handler)
        log.setLevel(level)

    context.find_root().call_on_close(stop)
    log.info("%s", ", ".join(_versions()))


def _take(context: click.Context, option: click.Parameter, value: bool) -> None:
    if not value:
        return
    chosen = option.name
    if context.meta.get(_KEY, chosen) != chosen:
        raise click.UsageError(
            "--quiet and --verbose ask for opposite things: leave out one of the two.", context
        )
    context.meta[_KEY] = chosen


def _handler() -> logging.Handler:
    import logging

    class ToStandardError(logging.Handler):
        """Prints one line per message, without secrets, to the current stderr, which a test may have replaced."""

        def emit(self, record: logging.LogRecord) -> None:
            from lsm_eval.cli.streams import one_line
            from lsm_eval.secrets import without_secrets

            click.echo(one_line(f"lsm-eval: {without_secrets(record.getMessage())}"), err=True)

    return ToStandardError()


def _versions() -> list[str]:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    from lsm_eval import __version__

    found = [f"lsm-eval {__version__}", f"Python {platform.python_version()}"]
    for name in _VERSIONS:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return [*found, platform.platform()]
