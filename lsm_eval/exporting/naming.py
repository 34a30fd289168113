"""Names of models in other tools, and names that every file system accepts."""

from __future__ import annotations

import re

from lsm_eval.errors import UserError
from lsm_eval.results.model_rows import ModelRow
from lsm_eval.results.names import shown_name

_HUB = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
_KIND = re.compile(r"([a-z][a-z0-9-]*):(.+)", re.DOTALL)
_UNFIT = re.compile(r'[<>:"/\\|?*\s\x00-\x1f\x7f]+')
_RESERVED = frozenset({"con", "prn", "aux", "nul", "data", "unknown"}) | {
    f"{device}{number}" for device in ("com", "lpt") for number in range(1, 10)
}
_LONGEST = 100


def model_id(model: ModelRow, given: str | None = None) -> str:
    """`ORGANISATION/NAME`: the `given` one, or that in the record's name; a model without an organisation gets `builtin` or
    `local`.

    Raises `UserError` if `given` is not such a name.
    """
    if given is not None:
        if not _HUB.fullmatch(given):
            raise UserError(
                f"--model-id {given!r} is no name of a model on a hub: write ORGANISATION/NAME, such as Qwen/Qwen3-8B."
            )
        return given
    name = shown_name(model)
    kind, own = match.groups() if (match := _KIND.fullmatch(name)) else ("", name)
    if _HUB.fullmatch(own):
        return own
    return f"{'builtin' if kind == 'builtin' else 'local'}/{component(own)}"


def component(name: str) -> str:
    """`name` as one part of a path on any system: without separators, not a device's name, never empty."""
    plain = _UNFIT.sub("_", name)[:_LONGEST].strip("._ ") or "unnamed"
    return f"_{plain}" if plain.partition(".")[0].lower() in _RESERVED else plain
