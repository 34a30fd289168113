"""References of the keys of task files and records, made from the classes that check them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from lsm_eval.results.profile_rows import REPEAT_COLUMNS, REQUEST_COLUMNS
from lsm_eval.results.schema import OPTIONAL_COLUMNS, SAMPLE_COLUMNS, SCHEMA_VERSION, EstimateRow, Manifest
from lsm_eval.tasks.schema import Suite, Task
from website.attribute_docs import attribute_docs
from website.markdown import docstring, escaped

_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "null",
}
_BOUNDS = {
    "minimum": "at least {}", "exclusiveMinimum": "above {}", "maximum": "at most {}", "exclusiveMaximum": "below {}",
}  # fmt: skip


def task_schema() -> str:
    """The reference of task files and suites."""
    return (
        "# Task schema\n\nEvery key that a task file or a suite may have, made from the classes that check them "
        "(`lsm_eval/tasks/schema.py`). [Task files](../tasks.md) says how to write one. Any other key is an error.\n\n"
        "Texts marked *template* are Jinja over the row's columns; one that is a single expression yields that expression's value.\n"
        + _sections([Task, Suite], "must be given")
    )


def record_schema() -> str:
    """The reference of a record's files."""
    columns = {
        "samples/TASK.parquet": ("A row a sample; `score.METRIC` and `stats.METRIC` follow.", SAMPLE_COLUMNS),
        "Columns that are there where they are needed": ("Of the same tables.", OPTIONAL_COLUMNS),
        "profile/requests.parquet": ("Of a profile of a server: a row a request.", REQUEST_COLUMNS),
        "profile/repeats.parquet": ("Of a profile in this process: a row a batch.", REPEAT_COLUMNS),
    }
    return (
        f"# Record schema\n\nWhat stands in the files of a record, schema version {SCHEMA_VERSION}, made from the classes that write them "
        "(`lsm_eval/results/`). [The record of a run](../record.md) says what it means.\n\n`manifest.json` is a Manifest; "
        "`estimates.json` a list, each an EstimateRow. A key whose type allows null may be null; one with a default is not there in some records.\n"
        + _sections([Manifest, EstimateRow], "always there")
        + "".join(_columns(name, *told) for name, told in columns.items())
    )


def _columns(name: str, told: str, columns: Mapping[str, str]) -> str:
    rows = ""
    for column, text in columns.items():
        kind, _, meaning = text.partition(": ")
        rows += f"| `{column}` | {escaped(kind)} | {escaped(meaning)} |\n"
    return f"\n## {name}\n\n{told}\n\n| column | type | |\n| --- | --- | --- |\n{rows}"


def _sections(kinds: list[type[BaseModel]], given: str) -> str:
    """A section per class: those of the list, each followed by the classes in it. `given`: text for keys without a default."""
    todo, done, text = list(kinds), list[type[BaseModel]](), ""
    while todo:
        kind = todo.pop(0)
        if kind not in done:
            done.append(kind)
            text += _section(kind, given)
            todo = [*_within(kind), *todo]
    return text


def _within(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for field in kind.model_fields.values():
        yield from _models(field.annotation)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _section(kind: type[BaseModel], given: str) -> str:
    schema = kind.model_json_schema()
    keys = schema.get("properties") or schema["$defs"][kind.__name__]["properties"]
    docs = attribute_docs(kind)
    rows = ""
    for name, field in kind.model_fields.items():
        about = f"*{_kind(keys[name])}{_default(field, given)}.* {docstring(docs.get(name, ''))}"
        rows += f"`{name}`\n:   {about.strip()}\n\n"
    return f"\n## {kind.__name__}\n\n{docstring(_first_lines(kind))}\n\n{rows}"


def _first_lines(kind: type) -> str:
    return " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split())


def _default(field: FieldInfo, given: str) -> str:
    """A key's default, in words that follow its type."""
    if field.is_required():
        return f"; {given}"
    value = field.default
    if value is None:
        return ""
    if isinstance(value, BaseModel) or value in ((), {}, [], ""):
        return "; empty by default"
    if isinstance(value, tuple | list):
        value = ", ".join(map(str, value))
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return (
        f"; by default `{shown!r}`"
        if isinstance(value, str) and not value.strip()
        else f"; by default `{shown}`"
    )


def _kind(schema: Mapping[str, Any]) -> str:
    """A type in words, made from its JSON schema."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(_kind, schema["anyOf"])))
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    kind = schema.get("type")
    if kind == "array":
        within = schema.get("items")
        return f"list of {_kind(within)}" if within else "list"
    if kind == "object":
        within = schema.get("additionalProperties")
        return f"mapping to {_kind(within)}" if isinstance(within, dict) and within else "mapping"
    bounds = [words.format(schema[name]) for name, words in _BOUNDS.items() if name in schema]
    return ", ".join([_KINDS.get(str(kind), "any value"), *bounds])
