"""The command line: one file per command, imported when it is called."""

from __future__ import annotations

import atexit
import errno
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

import click

from lsm_eval import __version__
from lsm_eval.cli.exits import EXIT_INTERNAL, EXIT_INTERRUPTED, EXIT_USER
from lsm_eval.cli.streams import one_line, prepare_streams
from lsm_eval.cli.verbosity import verbosity_options
from lsm_eval.errors import UserError

_COMMANDS = {
    "run": ("lsm_eval.cli.run:run", "Ask a model the tasks, and write a record of the answers and numbers."),
    "merge": (
        "lsm_eval.cli.merge:merge",
        "Make the record of a run that was cut into shards (`run --shard`).",
    ),
    "list": (
        "lsm_eval.cli.listing:listing",
        "What there is: tasks, suites, models, metrics, detectors, perturbations.",
    ),
    "show": (
        "lsm_eval.cli.show:show",
        "What a task would ask (samples rendered, tokens counted), and what a profile measured.",
    ),
    "new": ("lsm_eval.cli.new:new", "Write a benchmark of your own: its task, its data, its page."),
    "check-tasks": (
        "lsm_eval.cli.check_tasks:check_tasks",
        "Whether task files can be asked: read, their data too, and every sample rendered.",
    ),
    "profile": (
        "lsm_eval.cli.profile:profile",
        "Measure how fast a model is: throughput, latency, memory, energy.",
    ),
    "compare": ("lsm_eval.cli.compare:compare", "Compare runs with a baseline, sample by sample."),
    "gate": (
        "lsm_eval.cli.gate:gate",
        "May a candidate take the baseline's place: pass, fail, not enough data.",
    ),
    "baseline": (
        "lsm_eval.cli.baseline:baseline",
        "Set the record that candidates are compared with, and keep the reason.",
    ),
    "leaderboard": ("lsm_eval.cli.leaderboard:leaderboard", "Build a static site from records."),
    "import": (
        "lsm_eval.cli.importing:importing",
        "Make records of result files of lm-eval, Inspect or Every Eval Ever.",
    ),
    "export": (
        "lsm_eval.cli.export:export",
        "Write records in other tools' formats: Every Eval Ever, the hub, lm-eval, CSV, OpenMetrics.",
    ),
    "records": (
        "lsm_eval.cli.records:records",
        "List, show, check and remove records, and look at their samples.",
    ),
    "store": (
        "lsm_eval.cli.store:store",
        "Show where answers are stored and for which models, and remove them.",
    ),
    "data": ("lsm_eval.cli.data:data", "Mirror the data of tasks for machines without a network."),
    "lm-eval": ("lsm_eval.cli.harness:harness", "lm-evaluation-harness's command, with --model lsm-eval."),
}

_COMPLETING = "_LSM_EVAL_COMPLETE"
"""The environment variable that a shell's completion script sets, named by click."""
_OTHER_NAMES = {"record": "records"}
"""Former names of commands, which still work."""


class _Lazy(click.Group):
    """A group that knows its commands' names and help lines, and imports a command only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = _OTHER_NAMES.get(cmd_name, cmd_name)
        if own not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[own][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Completes command names, without importing any command, and options."""
        from click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=text)
            for name, (_, text) in _COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = ctx.resilient_parsing or args[0].startswith(
            "-"
        )  # a shell that completes needs no error message
        if not known and args[0] not in {**_COMMANDS, **_OTHER_NAMES}:
            import difflib

            near = difflib.get_close_matches(args[0], _COMMANDS, n=1, cutoff=0.5)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lsm-eval")
@verbosity_options
def cli() -> None:
    """How good, how safe and how fast a large model is, and how sure one can be of it."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code; a user's mistake is one sentence on stderr.

    No traceback is shown, unless LSM_EVAL_DEBUG=1 is set: that of an internal error goes into a log file, which is named.
    """
    prepare_streams()
    with suppress(ValueError):  # only the main thread may
        signal.signal(signal.SIGTERM, _stop)
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        if any("\0" in argument for argument in given):
            raise UserError("an argument holds a NUL byte, which no name can: remove it.")
        if _COMPLETING in os.environ:
            from lsm_eval.cli.completion import prepare_completion

            prepare_completion()
        code: Any = cli.main(args=given, prog_name="lsm-eval", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(EXIT_USER)
    except (KeyboardInterrupt, click.Abort):
        click.echo("lsm-eval: stopped.", err=True)
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output (a pager, `head`) has closed it, which is not an error.
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 (this is where all of them end)
        _explain(error, ["lsm-eval", *given])
    sys.exit(code if isinstance(code, int) else 0)


def command() -> NoReturn:
    """`main` as a program: ends the process as soon as all output is written and everything is cleaned up.

    Threads of libraries may still run while Python ends. Arrow's have been seen to abort there (apache/arrow#34314), which made a
    successful run look like a crash.
    """
    try:
        main()
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 0 if left.code is None else 1
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, UserError):
            stream.flush()
    os._exit(code)


def explain(error: Exception) -> NoReturn:
    """Print one sentence about what went wrong with this command, and exit."""
    _explain(error, ["lsm-eval", *sys.argv[1:]])


def _explain(error: Exception, command: Sequence[str]) -> NoReturn:
    """Print one sentence about what went wrong, and exit."""
    from lsm_eval.faults import message as message_of
    from lsm_eval.faults import show_if_asked, write_log
    from lsm_eval.secrets import without_secrets

    show_if_asked(error)
    if isinstance(error, UserError):
        _fail(message_of(error, command))
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "lsm-eval"
        message = error.format_message()
        _fail(f"{message}{'' if message.endswith(('.', '?')) else '.'} See `{path} --help`.")
    if isinstance(error, click.ClickException):
        _fail(error.format_message())
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's, for a device
        _fail(
            "there is not enough memory: lower --batch-tokens or --limit, or take a smaller model or --dtype."
        )
    if isinstance(error, RecursionError):
        _fail(
            "something that was given (a file, a template, a value) is nested too deep to be worked on: make it flatter. "
            f"The traceback is in {write_log(error, command)}."
        )
    if isinstance(error, OSError):
        _fail(_of_system(error, command))
    click.echo(
        one_line(
            f"lsm-eval: an internal error ({type(error).__name__}: {without_secrets(str(error))}), which is a fault of lsm-eval's: please "
            f"report it with {write_log(error, command)}, where its traceback is."
        ),
        err=True,
    )
    sys.exit(EXIT_INTERNAL)


def _of_system(error: OSError, command: Sequence[str]) -> str:
    """What the operating system refused, and what to do."""
    from lsm_eval.faults import write_log

    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        where = f" ({error.filename})" if error.filename else ""
        return f"no room on the disk{where}: free some and run the same command again."
    if error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}; check the path and its rights, or name another place."
    first = next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
    return f"{first}: check names, rights and the network. The traceback is in {write_log(error, command)}."


def _fail(message: str) -> NoReturn:
    from lsm_eval.secrets import without_secrets

    click.echo(one_line(f"lsm-eval: {without_secrets(message)}"), err=True)
    sys.exit(EXIT_USER)


def _stop(number: int, frame: Any) -> NoReturn:
    """SIGTERM ends a run like Ctrl-C: running batches are dropped, stored answers stay intact."""
    raise KeyboardInterrupt
