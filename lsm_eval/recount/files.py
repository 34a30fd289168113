"""Reads a record's files as they lie there: JSON as plain values, tables column by column."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KNOWN_VERSIONS = (1,)
MANIFEST, ESTIMATES, SAMPLES = "manifest.json", "estimates.json", "samples"
_LARGEST = 512 * 2**20
"""Bytes of a JSON file; a record's own are far below."""


@dataclass
class Found:
    """Sentences that gather while a record is read."""

    problems: list[str] = field(default_factory=list)

    def say(self, sentence: str) -> None:
        """Note a problem, once."""
        if sentence not in self.problems:
            self.problems.append(sentence)


@dataclass(frozen=True, slots=True)
class Table:
    """A task's samples: columns by name, each `rows` long."""

    rows: int
    columns: dict[str, list[Any]]

    def of(self, prefix: str) -> dict[str, list[Any]]:
        """Columns that begin with `prefix`, by the rest of their names."""
        return {
            name[len(prefix) :]: values for name, values in self.columns.items() if name.startswith(prefix)
        }


def read_json(path: Path, found: Found) -> Any:
    """The content; None, and a problem, where it cannot be read."""
    try:
        if path.stat().st_size > _LARGEST:
            found.say(f"{path.name} has more than {_LARGEST // 2**20} MiB, which no record has.")
            return None
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        found.say(f"{path.name} is missing.")
    except (OSError, ValueError, RecursionError) as error:
        found.say(f"{path.name} cannot be read ({_short(error)}).")
    return None


def table_file(task: str) -> str:
    """Name of a task's table: letters, digits, `.`, `_`, `-`, anything else as `--`."""
    return (re.sub(r"[^A-Za-z0-9._-]+", "--", task).strip(".-") or "unnamed") + ".parquet"


def read_table(path: Path, found: Found) -> Table | None:
    """The table without its texts (but for ids and words of the record's own); None, and a problem, where it cannot be
    read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    where = f"{SAMPLES}/{path.name}"
    try:
        # An open file: a path such as `s3:x` would be taken for an address.
        with path.open("rb") as file:
            reader = pq.ParquetFile(file)
            names = [name for name in reader.schema_arrow.names if _counted(name)]
            twice = {name for name in reader.schema_arrow.names if reader.schema_arrow.names.count(name) > 1}
            if twice:
                found.say(f"{where} has the column {min(twice)!r} twice.")
                return None
            columns = reader.read(columns=names).to_pydict()
            return Table(reader.metadata.num_rows, columns)
    except FileNotFoundError:
        found.say(f"{where} is missing.")
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        found.say(f"{where} cannot be read ({_short(error)}).")
    return None


_WORDS = frozenset(
    {"task", "sample", "index", "cluster", "request", "logprobs", "tokens", "finish", "truncated", "failure",
     "thoughts", "further"}
)  # fmt: skip


def _counted(name: str) -> bool:
    return name in _WORDS or name.startswith(("score.", "stats."))


def numbers(value: Any, at: str = "") -> Iterator[tuple[str, float]]:
    """Every number inside a JSON value, and where it stands."""
    if isinstance(value, bool):
        return
    if isinstance(value, (int, float)):
        yield at, value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from numbers(part, f"{at}.{key}" if at else str(key))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from numbers(part, f"{at}[{place}]")


def odd(value: Any) -> bool:
    """Whether it is a number that is not finite."""
    return isinstance(value, float) and not math.isfinite(value)


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:160].rstrip(".") or type(error).__name__
