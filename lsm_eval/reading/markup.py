"""Removes an answer's markup before it is read."""

from __future__ import annotations

import re
import unicodedata

_BOXED = re.compile(r"\\f?boxed\s*\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
_COMMAND = re.compile(r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathsf|operatorname)\s*\{([^{}]*)\}")
_STRUCK = re.compile(r"~~[^~\n]+~~")
_PAIRED = re.compile(r"<([A-Za-z])>([^<>]*)</\1>")
_TAG = re.compile(r"</?[A-Za-z][A-Za-z][^<>\n]{0,40}>")
_EMPHASIS = re.compile(r"[*`$]+|(?<!\w)_+|_+(?!\w)|^[ \t]*[#>]+", re.MULTILINE)


def plain(text: str) -> str:
    """The text after NFKC (full-width letters and brackets become plain ones), without LaTeX commands, tags and emphasis."""
    text = unicodedata.normalize("NFKC", text).replace("\u2019", "'").replace("\u2018", "'")
    text = _BOXED.sub(r" \1 ", text)
    for _ in range(2):  # \textbf{\text{B}}
        text = _COMMAND.sub(r"\1", text)
    text = _TAG.sub(" ", _PAIRED.sub(r" \2 ", _STRUCK.sub(" ", text)))
    return _EMPHASIS.sub("", text)


def boxed(text: str) -> str | None:
    r"""The content of the last `\boxed{…}`; None if there is none."""
    found = _BOXED.findall(unicodedata.normalize("NFKC", text))
    return found[-1] if found else None
