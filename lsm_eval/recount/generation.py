"""Checks a run's generation settings against the signatures of the tasks that generate text."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lsm_eval.recount.files import MANIFEST, Problems
from lsm_eval.recount.shapes import is_number, is_text, shown

if TYPE_CHECKING:
    from lsm_eval.recount.table import Table

_BY_TEMPLATE = ("chat", "none")
"""The stop strings in signatures if the run names none and a chat drops those of the task."""
_HIDDEN = "***"
"""Replaces a secret, so that the hash of the original text is unknown."""
_HASH = re.compile(r"[0-9a-f]{12}")


def check_settings(
    name: str,
    parts: Mapping[str, list[str]],
    task: Mapping[str, Any],
    settings: Mapping[str, Any],
    table: Table | None,
    problems: Problems,
) -> None:
    """Checks the signature of a task that generates text and has no choices. `parts`: of the signature, by the name before the colon."""
    for key, test in _TYPES.items():
        value = settings.get(key)
        if value is not None and not test(value):
            problems.add(f"{name}: {MANIFEST} says of {key} {shown(value)}, which is not valid.")
            return
    _system(name, parts.get("system", []), task, settings.get("system"), problems)
    _stop(name, parts.get("stop", []), task, settings.get("stop"), problems)
    for key, plain in (("temperature", 0), ("top_p", 1)):
        own, value = parts.get(key, []), settings.get(key)
        # The part is also absent if the task itself already draws answers with this setting.
        if not own and value is not None and (value == plain or _may_draw(table)):
            continue
        _same(name, key, own, None if value is None else f"{value:g}", problems)


def _system(name: str, own: list[str], task: Mapping[str, Any], text: str | None, problems: Problems) -> None:
    """Checks the hash of the run's system message and how it was folded into the prompt; without one, how the task's own was."""
    folded = task.get("system") or None
    if text is None:
        _same(name, "system", own, folded, problems)
        return
    end = f"/{folded}" if folded else ""
    if _HIDDEN not in text:
        _same(name, "system", own, f"{_hash(text)}{end}", problems)
    elif len(own) != 1 or not own[0].endswith(end) or not _HASH.fullmatch(own[0].removesuffix(end)):
        _same(name, "system", own, f"a hash{end}", problems)


def _stop(
    name: str, own: list[str], task: Mapping[str, Any], stop: list[str] | None, problems: Problems
) -> None:
    if stop is None and task.get("chat") and len(own) == 1 and own[0] in _BY_TEMPLATE:
        return
    _same(name, "stop", own, None if stop is None else _hash(*stop), problems)


def _same(name: str, key: str, own: list[str], right: Any, problems: Problems) -> None:
    if own != ([] if right is None else [right]):
        problems.add(
            f"{name}: its signature says {shown(own[0]) if own else 'nothing'} of {key}, and by {MANIFEST} it would say "
            f"{'nothing' if right is None else shown(right)}."
        )


def _may_draw(table: Table | None) -> bool:
    """Whether the task may itself draw several answers to each prompt: then each sample that did not fail has further requests."""
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
