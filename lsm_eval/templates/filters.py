"""Text filters for the templates of all task files, besides Jinja's own (`FILTERS`): plain functions of a string."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from lsm_eval.templates import bounds


def regex_replace(text: str, pattern: str, replacement: str) -> str:
    """`text` with every match of `pattern` replaced, as `re.sub` does."""
    return str(_within_time("sub", pattern, replacement, text))


def regex_search(text: str, pattern: str, group: int | str = 0) -> str:
    """The first match of `pattern` in `text`, or one of its groups; empty if there is none."""
    found = _within_time("search", pattern, text)
    return (found.group(group) or "") if found else ""


def _within_time(method: str, pattern: str, *texts: str) -> Any:
    """Calls `re`'s function of that name. If the package `regex` is installed (transformers needs it), which can be
    stopped, raises `bounds.TooMuch` for a pattern such as `(a+)+$` that may take practically for ever."""
    try:
        import regex
    except ImportError:
        return getattr(re, method)(pattern, *texts)
    re.compile(pattern)  # `regex` accepts more than `re`, and task files are written for `re`
    try:
        return getattr(regex, method)(pattern, *texts, timeout=bounds.SECONDS)
    except TimeoutError as error:
        raise bounds.TooMuch(
            f"the regular expression {pattern[:60]!r} takes longer than {bounds.SECONDS:.0f} s"
        ) from error


FILTERS: Mapping[str, Callable[..., Any]] = {
    "regex_replace": regex_replace,
    "regex_search": regex_search,
}
"""Filters by their name in templates."""
