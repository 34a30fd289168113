"""Errors caused by what the user gave us, one clear sentence each."""

from __future__ import annotations

from collections.abc import Iterable


class UserError(Exception):
    """A mistake the user can correct: one sentence that says what is wrong, and what to do about it.

    The command line prints it to stderr without a traceback and exits with code 2.
    """


class CodeFault(UserError):
    """Code that is not lsm-eval's own (a plug-in, a data set's function) raised something; its traceback is this
    error's cause, and the command line keeps it in a log."""


class CodeRefused(UserError):
    """A task of the user's would run code, and the user has not said that it may."""


class NotComparable(UserError):
    """Two runs cannot be compared at all. The command line exits with code 4."""


class BudgetSpent(UserError):
    """The next request cannot be paid for (`--max-cost`); what was answered so far is kept. The command line exits with code 5."""


class Interrupted(Exception):
    """The user stopped the run (Ctrl-C); what was answered so far is kept."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """An error for an unknown `name`, which suggests the nearest of the `known` ones."""
    import difflib

    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"see `lsm-eval list {kind}s`."
    return UserError(f"unknown {kind} {name!r}: {hint}")
