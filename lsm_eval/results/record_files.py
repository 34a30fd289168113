"""Reads the files of a record, and says in one sentence what is wrong with one."""

from __future__ import annotations

import codecs
import json
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from lsm_eval.errors import UserError
from lsm_eval.results.schema import SAMPLE_COLUMNS, SCHEMA_VERSION
from lsm_eval.results.writer import ESTIMATES

_OWN_KEYS = frozenset({"run", "created", "command", "model", "tasks", "versions"})


def is_record(path: Path) -> bool:
    """Whether a `manifest.json` is a record's, whole or broken: by the files beside it, or by its content."""
    if (path.parent / ESTIMATES).exists():
        return True
    try:
        content = read_json(path)
    except UserError:
        return False
    # Manifests of other tools have schema versions too.
    return isinstance(content, dict) and "schema_version" in content and len(_OWN_KEYS & content.keys()) > 2


def check_columns(path: Path, schema: Any) -> None:
    """Raise `UserError` if a sample table (`pyarrow.Schema`) lacks columns of the record schema."""
    fields = {field.name: _kind(str(field.type)) for field in schema}
    for name, meaning in SAMPLE_COLUMNS.items():
        wanted = meaning.split(":")[0].split(" ")[0]
        if fields.get(name) not in (wanted, "null", "list<null>"):
            found = f"is {fields[name]}" if name in fields else "is missing"
            raise UserError(
                f"{path} is no sample table of schema {SCHEMA_VERSION}: column {name!r} {found}, "
                f"not {wanted}; write it again with `lsm-eval run`."
            )


def read_json(path: Path) -> Any:
    """The JSON content of a record's file. Raises `UserError` if it is missing or broken."""
    if path.exists() and not path.is_file():
        # Reading a device or a pipe may never end.
        raise broken_file(path, "it is no file")
    try:
        content = path.read_bytes()
        with suppress(ValueError):
            return from_json(content.removeprefix(codecs.BOM_UTF8))
        # Unusual or invalid JSON goes to the standard library, whose error says what is wrong.
        return json.loads(content.decode("utf-8-sig"))
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing: restore the record, or remove its folder.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise broken_file(path, error) from error


def utc(text: str) -> datetime:
    """An ISO 8601 time, in UTC; a time without a zone is taken as UTC."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


@lru_cache(256)
def _kind(arrow: str) -> str:
    """An Arrow type's name without harmless variants such as large_string and `list<element: int64>`."""
    inner = arrow.removeprefix("large_").removesuffix(">")
    if inner.startswith("list<"):
        return f"list<{_kind(inner[5:].split(': ')[-1].removesuffix(' not null'))}>"
    return inner


def first_problem(error: ValidationError) -> str:
    """The first of the problems that the schema found."""
    problem = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, problem['loc'])) or 'it'}: {problem['msg']}"


def broken_file(path: Path, why: object) -> UserError:
    """The error for a record's file that is broken."""
    reason = " ".join(str(why).split())[:300]
    return UserError(f"{path} is broken ({reason}): restore the record, or remove its folder.")
