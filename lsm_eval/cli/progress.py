"""Progress on a terminal (one bar per phase) and in a log (a line from time to time)."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from lsm_eval.cli.streams import one_line
from lsm_eval.cli.verbosity import start_log, verbosity
from lsm_eval.progress import Phase, Progress, Silent

_EVERY = 10.0  # seconds between two lines of a log


def make_progress() -> Progress:
    """Bars if stderr is a terminal, lines otherwise and with --verbose, only notes with --quiet."""
    wanted = verbosity()
    if wanted == "quiet":
        return Notes()
    if wanted == "verbose":
        start_log()
        return Lines()
    return Bars() if sys.stderr.isatty() else Lines()


class Lines:
    """One line when a phase is done, and every ten seconds while it is not."""

    @contextmanager
    def phase(self, name: str, total: int | None = None) -> Iterator[Phase]:
        under_way = _Counting(name, total)
        yield under_way
        under_way.finish()

    def note(self, text: str) -> None:
        click.echo(one_line(f"lsm-eval: {text}"), err=True)


class Notes(Silent):
    """Prints only notes."""

    def note(self, text: str) -> None:
        click.echo(one_line(f"lsm-eval: {text}"), err=True)


class _Counting:
    def __init__(self, name: str, total: int | None) -> None:
        self._name, self._total = name, total
        self._samples = self._tokens = 0
        self._start = self._said = time.monotonic()

    def advance(self, samples: int, tokens: int = 0) -> None:
        self._samples += samples
        self._tokens += tokens
        now = time.monotonic()
        if now - self._said >= _EVERY:
            self._said = now
            seconds = now - self._start
            left = ""
            if self._total and self._samples:
                rest = seconds * (self._total - self._samples) / self._samples
                left = f", {_clock(rest)} left"
            click.echo(f"{self._name}: {self._count()}{self._speed(seconds)}{left}", err=True)

    def finish(self) -> None:
        seconds = time.monotonic() - self._start
        click.echo(f"{self._name}: {self._count()}{self._speed(seconds)}, {seconds:.1f} s", err=True)

    def _count(self) -> str:
        if self._total is None:
            return "done"
        return f"{self._samples:,} of {self._total:,}"

    def _speed(self, seconds: float) -> str:
        return f", {self._tokens / seconds:,.0f} tokens/s" if self._tokens and seconds > 0 else ""


class Bars:
    """One bar per phase, with samples, tokens per second and the remaining time."""

    @contextmanager
    def phase(self, name: str, total: int | None = None) -> Iterator[Phase]:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as RichProgress

        console = Console(stderr=True)
        if total is None:
            columns = [SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()]
        else:
            columns = [
                TextColumn("{task.description:<12}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[speed]:>16}"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
            ]
        with RichProgress(*columns, console=console, transient=False) as bars:
            bar = bars.add_task(name, total=total, speed="")
            start = time.monotonic()
            tokens = 0

            class _Bar:
                def advance(self, samples: int, new: int = 0) -> None:
                    nonlocal tokens
                    tokens += new
                    seconds = time.monotonic() - start
                    speed = f"{tokens / seconds:,.0f} tokens/s" if tokens and seconds > 0 else ""
                    bars.update(bar, advance=samples, speed=speed)

            yield _Bar()
            if total is None:
                bars.update(bar, total=1, completed=1)

    def note(self, text: str) -> None:
        click.echo(one_line(f"lsm-eval: {text}"), err=True)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
