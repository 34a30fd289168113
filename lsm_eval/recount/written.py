"""What a run says of how texts are written, against the signatures of the tasks that have texts written."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lsm_eval.recount.files import MANIFEST, Found
from lsm_eval.recount.shapes import is_number, is_text, shown

if TYPE_CHECKING:
    from lsm_eval.recount.table import Table

_BY_TEMPLATE = ("chat", "none")
"""What signatures say of stop strings where the run names none, and a chat leaves out those of the task."""
_HIDDEN = "***"
"""Stands for a secret, so that the hash of the text that was given is not known."""
_HASH = re.compile(r"[0-9a-f]{12}")


def against_settings(
    name: str,
    parts: Mapping[str, list[str]],
    task: Mapping[str, Any],
    settings: Mapping[str, Any],
    table: Table | None,
    found: Found,
) -> None:
    """`parts` of a signature by what stands before their colon; of a task that has texts written, and not choices."""
    for key, test in _TYPES.items():
        value = settings.get(key)
        if value is not None and not test(value):
            found.say(f"{name}: {MANIFEST} says of {key} {shown(value)}, which it cannot be.")
            return
    _system(name, parts.get("system", []), task, settings.get("system"), found)
    _stop(name, parts.get("stop", []), task, settings.get("stop"), found)
    for key, plain in (("temperature", 0), ("top_p", 1)):
        own, value = parts.get(key, []), settings.get(key)
        # The part is absent, too, where the task's own draws are such by themselves.
        if not own and value is not None and (value == plain or _may_draw(table)):
            continue
        _same(name, key, own, None if value is None else f"{value:g}", found)


def _system(name: str, own: list[str], task: Mapping[str, Any], text: str | None, found: Found) -> None:
    """A hash of the run's message, and whether it was folded; where there is none, whether the task's own was."""
    folded = task.get("system") or None
    if text is None:
        _same(name, "system", own, folded, found)
        return
    end = f"/{folded}" if folded else ""
    if _HIDDEN not in text:
        _same(name, "system", own, f"{_hash(text)}{end}", found)
    elif len(own) != 1 or not own[0].endswith(end) or not _HASH.fullmatch(own[0].removesuffix(end)):
        _same(name, "system", own, f"a hash{end}", found)


def _stop(name: str, own: list[str], task: Mapping[str, Any], stop: list[str] | None, found: Found) -> None:
    if stop is None and task.get("chat") and len(own) == 1 and own[0] in _BY_TEMPLATE:
        return
    _same(name, "stop", own, None if stop is None else _hash(*stop), found)


def _same(name: str, key: str, own: list[str], right: Any, found: Found) -> None:
    if own != ([] if right is None else [right]):
        found.say(
            f"{name}: its signature says {shown(own[0]) if own else 'nothing'} of {key}, and by {MANIFEST} it would say "
            f"{'nothing' if right is None else shown(right)}."
        )


def _may_draw(table: Table | None) -> bool:
    """Whether the task may draw several answers to each prompt by itself: each sample that was asked has further requests then."""
    if table is None:
        return True
    further = table.values("further") if table.has("further") else [None] * table.rows
    pairs = zip(further, table.values("failure"), strict=True)
    return all(more is not None or failure is not None for more, failure in pairs)


def _is_stop(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(is_text, value))


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "system": is_text,
    "stop": _is_stop,
    "temperature": is_number,
    "top_p": is_number,
}


def _hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()[:12]
