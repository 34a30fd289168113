"""The command that repeats a run, as a shell reads it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from lsm_eval.results.names import PYTHON_CALL
from lsm_eval.secrets import without_secrets


def is_call(words: Sequence[str]) -> bool:
    """Whether the command is a Python call, kept as one word, which no shell can repeat."""
    return len(words) == 1 and words[0].startswith(PYTHON_CALL) and words[0].isprintable()


def shell_command(words: Sequence[str]) -> str:
    """The words quoted for a POSIX shell, with `***` in place of anything that looks like a token or a password.

    Control characters are written as `$'\\x1b'` does, so that what is copied is what is seen, without line breaks that a
    terminal would take as the end of a command. A Python call is returned unchanged.
    """
    if is_call(words):
        return without_secrets(words[0])
    return " ".join(_quoted(without_secrets(word)) for word in words)


def _quoted(word: str) -> str:
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(_escaped(character) for character in word) + "'"


def _escaped(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable():
        return character
    # UTF-8 byte by byte, which bash, zsh and ksh read in any locale.
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))
