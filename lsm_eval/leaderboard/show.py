"""Formats values for pages: numbers with units, untrusted text without invisible characters, file names from names."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape

from lsm_eval.results.schema import EstimateRow
from lsm_eval.statistics.estimate import NOT_ESTIMABLE

DASH = "–"

# Characters that draw nothing, or that change how their neighbours are drawn: controls (but tab and line
# feed), bidirectional marks and overrides, zero-width and tag characters, lone surrogates, non-characters.
# Joiners (U+200C, U+200D) stay: Persian, Indic scripts and emoji need them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufdd0-\ufdef"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_BASE_SLUG = re.compile(r"[^a-z0-9]+")
_BREAKS = re.compile(r"(?<=[_/:@-])")


@dataclass(frozen=True, slots=True)
class Bar:
    """An interval drawn on a track from 0 to 100."""

    point: float
    low: float
    width: float


LONGEST = 5_000
"""The most characters of one text, so that no record can make a page endless."""


def visible(text: str) -> str:
    """`text` with every invisible character written out as ⟨U+202E⟩; not yet escaped for HTML."""
    if text.isascii() and text.isprintable():
        return text  # most texts; a page has thousands
    return _UNSEEN.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)


def shown(text: str) -> str:
    """`visible`, cut to `LONGEST` characters, as pages show a text. Data that a script reads is never cut like this."""
    return visible(clip(text, LONGEST))


@lru_cache(1 << 14, typed=True)  # escaped text and plain text are cached separately
def breakable(text: str) -> Markup:
    """A name, escaped, that a browser may break after `_ / : @ -`."""
    return Markup("<wbr>").join(escape(visible(part)) for part in _BREAKS.split(clip(text, LONGEST)))


def clip(text: str, limit: int) -> str:
    """At most `limit` characters of `text`, with a note on how many there were."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]} … [cut: {limit} of {len(text)} characters shown]"


def value(number: float | None, unit: str) -> str:
    """A value as papers write it: a fraction as a percentage with 1 decimal, points with 1, perplexity with 2."""
    if number is None or math.isnan(number):
        return DASH
    if unit == "fraction":
        return f"{plain(number, unit)}%"
    return plain(number, unit)


def plain(number: float, unit: str) -> str:
    """`value` without the percent sign."""
    if math.isinf(number):
        return "∞" if number > 0 else "−∞"
    if unit == "fraction":
        text = f"{100 * number:.1f}"
    elif unit == "points":
        text = f"{number:.1f}"
    elif unit == "perplexity":
        text = f"{number:.2f}"
    elif unit in ("bits", "nats"):
        text = f"{number:.3f}"
    else:
        text = f"{number:.4g}"
    # −0.0 is a rounding artefact; a real minus sign lines up with the digits.
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−", 1)


def interval(row: EstimateRow) -> str:
    """`[21.2, 27.0]` in the value's unit; empty if there is none."""
    if row.low is None or row.high is None or math.isnan(row.low) or math.isnan(row.high):
        return ""
    return f"[{plain(row.low, row.unit)}, {plain(row.high, row.unit)}]"


def level(row: EstimateRow) -> str:
    """The interval's level, `95%`."""
    return f"{100 * row.level:.4g}%"


def direction(higher_is_better: bool | None) -> str:
    """In words."""
    if higher_is_better is None:
        return "neither direction is better"
    return "higher is better" if higher_is_better else "lower is better"


def unit_label(unit: str) -> str:
    """The unit as a column's heading shows it."""
    return {"fraction": "%", "points": "points, 0 to 100", "other": ""}.get(unit, unit)


def bar(row: EstimateRow) -> Bar | None:
    """Value and interval on a track from 0 to 100, for bounded units."""
    scale = {"fraction": 100.0, "points": 1.0}.get(row.unit)
    if scale is None or not measured(row):
        return None
    ends = [row.value if end is None or not math.isfinite(end) else end for end in (row.low, row.high)]
    point, low, high = (min(max(scale * float(number or 0.0), 0.0), 100.0) for number in (row.value, *ends))
    return Bar(round(point, 3), round(low, 3), round(max(high - low, 0.0), 3))


def measured(row: EstimateRow) -> bool:
    """Whether the row has a number at all."""
    return row.value is not None and math.isfinite(row.value)


def missing_reason(row: EstimateRow, failures: dict[str, int]) -> str:
    """Why a row has no number."""
    if row.value is not None:
        return "the value is not a finite number"
    if row.n == 0 and row.method.startswith("none (no likelihoods"):
        return "the row puts choices in order and has no likelihoods"
    if row.method.startswith(NOT_ESTIMABLE):
        return row.method.removeprefix("none (").removesuffix(")")
    if row.n == 0 and row.missing:
        kinds = ", ".join(f"{count} {name}" for name, count in sorted(failures.items()))
        return f"all {row.missing} samples failed" + (f" ({kinds})" if kinds else "")
    if row.n == 0:
        return "no sample counts in this metric"
    return f"undefined over its {row.n} samples"


def plural(count: int, one: str, many: str) -> str:
    """`1 sample`, `1,200 samples`."""
    return f"{count:,} {one if count == 1 else many}"


def moment(time: datetime) -> str:
    """A UTC time for people, `2025-02-02 03:04 UTC`."""
    return f"{time:%Y-%m-%d %H:%M} UTC"


def compact(thing: Any) -> str:
    """A setting's value in one line: text as it is, everything else as JSON with sorted keys."""
    return (
        thing
        if isinstance(thing, str)
        else json.dumps(thing, sort_keys=True, ensure_ascii=False, default=str)
    )


def slugs(names: Iterable[str]) -> dict[str, str]:
    """A file name (without suffix) for each name: lower-case letters, digits and `-`, unique even where a
    file system ignores case, and the same whatever order the names come in."""
    unique = sorted(set(names))
    base = {name: _BASE_SLUG.sub("-", name.lower())[:60].strip("-") or "x" for name in unique}
    count = Counter(base.values())
    # A hash goes on every name that shares its slug with another, that Windows reserves, or that looks like
    # a hashed one; so two names can only collide if their hashes do.
    return {
        name: slug if count[slug] == 1 and not _special(slug) else f"{slug}-{_digest(name)}"
        for name, slug in base.items()
    }


def _special(slug: str) -> bool:
    return bool(re.fullmatch(r"con|prn|aux|nul|(com|lpt)[0-9]|.*-[0-9a-f]{16}", slug))


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
