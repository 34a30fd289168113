"""The types that values of a record have: what is none of them is said, and not counted with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Test = Callable[[Any], bool]
UNITS = frozenset(
    {
        "fraction", "points", "perplexity", "bits", "nats", "other", "tokens/s", "requests/s", "s", "bytes", "FLOP/s",
        "bytes/s", "J/token", "J/request", "J/1000 requests", "W", "tokens", "requests",
    }
)  # fmt: skip
_LARGEST = 2**63


def is_text(value: Any) -> bool:
    """A text."""
    return isinstance(value, str)


def is_count(value: Any) -> bool:
    """A whole number, 0 or more, that 64 bits hold."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST


def is_whole(value: Any) -> bool:
    """A whole number that 64 bits hold."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST


def is_version(value: Any) -> bool:
    """A whole number of any size."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """A number; whether it is finite is another question."""
    return isinstance(value, float) or is_whole(value)


def is_flag(value: Any) -> bool:
    """True or false."""
    return isinstance(value, bool)


def is_level(value: Any) -> bool:
    """A share between 0 and 1."""
    return is_number(value) and 0 < value < 1


def is_unit(value: Any) -> bool:
    """A unit of the schema's."""
    return isinstance(value, str) and value in UNITS


def is_counts(value: Any) -> bool:
    """Counts by name."""
    return isinstance(value, dict) and all(is_count(count) for count in value.values())


def or_null(test: Test) -> Test:
    """What the test takes, or null."""
    return lambda value: value is None or test(value)


ESTIMATE: Mapping[str, Test] = {
    "task": is_text, "task_version": is_version, "title": is_text, "area": is_text, "metric": is_text, "unit": is_unit,
    "higher_is_better": or_null(is_flag), "value": or_null(is_number), "low": or_null(is_number),
    "high": or_null(is_number), "stderr": or_null(is_number), "method": is_text, "level": is_level,
    "n": or_null(is_count), "missing": is_count, "ties": is_count, "clusters": or_null(is_count),
    "metric_signature": is_text, "signature": is_text,
}  # fmt: skip
TASK: Mapping[str, Test] = {
    "version": is_version, "title": is_text, "area": is_text, "licence": is_text, "source": is_text,
    "dataset": lambda value: isinstance(value, dict), "request": is_text, "shots": or_null(is_count),
    "sampler": is_text, "chat": or_null(is_flag), "limit": or_null(is_count), "samples": or_null(is_count),
}  # fmt: skip
TASK_OPTIONAL: Mapping[str, Test] = {
    "failures": is_counts, "thoughts": is_count, "redacted": is_flag, "sensitive": is_flag, "redistributable": is_flag,
    "no_samples": or_null(is_text), "cut_off": or_null(lambda value: isinstance(value, dict)),
}  # fmt: skip
DATASET: Mapping[str, Test] = {
    "source": is_text, "name": is_text, "split": is_text, "rows": or_null(is_count), "sha256": is_text,
    "pinned": is_flag,
}  # fmt: skip


def faulty(
    row: Mapping[str, Any], needed: Mapping[str, Test], optional: Mapping[str, Test] | None = None
) -> str | None:
    """The first value that is missing or of another type, in words; None where all are what they should be."""
    for key, test in needed.items():
        if key not in row:
            return f"{key} is missing"
        if not test(row[key]):
            return f"{key} is {shown(row[key])}"
    for key, test in (optional or {}).items():
        if key in row and not test(row[key]):
            return f"{key} is {shown(row[key])}"
    return None


def shown(value: Any) -> str:
    """A value, short."""
    text = f"a whole number of {value.bit_length()} bits" if _huge(value) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _huge(value: Any) -> bool:
    return isinstance(value, int) and abs(value) >= _LARGEST
