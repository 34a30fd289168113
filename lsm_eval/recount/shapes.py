"""The expected types of a record's values; values of other types are reported, and not used."""

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
    """Whether it is a text."""
    return isinstance(value, str)


def is_count(value: Any) -> bool:
    """Whether it is an integer of 0 or more within 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST


def is_whole(value: Any) -> bool:
    """Whether it is an integer within 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST


def is_version(value: Any) -> bool:
    """Whether it is an integer of any size."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether it is a number, finite or not."""
    return isinstance(value, float) or is_whole(value)


def is_flag(value: Any) -> bool:
    """Whether it is a Boolean."""
    return isinstance(value, bool)


def is_level(value: Any) -> bool:
    """Whether it is a number between 0 and 1."""
    return is_number(value) and 0 < value < 1


def is_unit(value: Any) -> bool:
    """Whether it is a unit of the schema."""
    return isinstance(value, str) and value in UNITS


def is_counts(value: Any) -> bool:
    """Whether it is an object of counts."""
    return isinstance(value, dict) and all(is_count(count) for count in value.values())


def or_null(test: Test) -> Test:
    """A test that also accepts null."""
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


def first_fault(
    row: Mapping[str, Any], needed: Mapping[str, Test], optional: Mapping[str, Test] | None = None
) -> str | None:
    """A text on the first value that is missing or has a wrong type; None if there is none."""
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
    """A value's representation, shortened."""
    text = f"a whole number of {value.bit_length()} bits" if _huge(value) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _huge(value: Any) -> bool:
    return isinstance(value, int) and abs(value) >= _LARGEST
