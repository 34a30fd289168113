"""A record's main facts and all its numbers as one object, for `run --json` and `records show --json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lsm_eval.secrets import without_secrets

if TYPE_CHECKING:
    from lsm_eval.results.reader import Record
    from lsm_eval.results.schema import TaskRow

SCHEMA_VERSION = 1


def record_object(record: Record) -> dict[str, Any]:
    """The object described in `docs/terminal.md`, without any text of a sample."""
    from lsm_eval.results.names import shown_name

    manifest = record.manifest
    return {
        "schema_version": SCHEMA_VERSION,
        "record": without_secrets(str(record.folder)),
        "run": manifest.run,
        "created": manifest.created,
        "command": manifest.command,
        "model": {"shown_name": shown_name(manifest.model), **manifest.model.model_dump()},
        "tasks": [_task(task) for task in manifest.tasks],
        "estimates": [row.model_dump() for row in record.estimates],
        "left_out": [row.model_dump() for row in manifest.left_out],
        "absent": [row.model_dump() for row in manifest.absent],
        "gate": None if manifest.gate is None else manifest.gate.model_dump(),
        "judge": None if manifest.judge is None else manifest.judge.model_dump(),
        "cost": None if manifest.cost is None else manifest.cost.model_dump(),
        "imported": None if manifest.imported is None else manifest.imported.model_dump(),
        "profile": manifest.profile is not None,
        "redacted": manifest.redacted,
        "seed": manifest.seed,
        "settings": manifest.settings,
        "versions": manifest.versions,
        "requests": manifest.requests,
        "tokens": manifest.tokens,
        "seconds": None if manifest.work is None else manifest.work.seconds,
    }


def _task(task: TaskRow) -> dict[str, Any]:
    """How a task was asked, without the long texts of its file."""
    return task.model_dump(exclude={"description", "departures", "references"})
