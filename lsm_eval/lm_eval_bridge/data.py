"""Where a task of the harness reads its data: the hub, or the mirror folder that the run names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lsm_eval.data.canonical import content_hash
from lsm_eval.data.load import Source, Table
from lsm_eval.data.mirror import find_in_mirror, mirror_path
from lsm_eval.errors import UserError

_FILES = ("json", "csv", "parquet", "text", "arrow")
"""Builders of `datasets` that read local files."""
_SPLITS = ("training_split", "validation_split", "test_split", "fewshot_split")


def from_mirror(name: str, config: Mapping[str, Any], mirror: Path, *, shots: int) -> dict[str, Any]:
    """Task keys that make the task read the mirror's files.

    The evaluated split must exist, and with `shots` the one for examples; others may be missing, since the harness
    requests splits that are never read. Raises `UserError`.
    """
    hub = config.get("dataset_path")
    if hub in _FILES:
        return {}
    if "class" in config or config.get("custom_dataset") or not hub:
        raise UserError(
            f"lm-eval:{name} reads its data by a Python function, so that --data-mirror cannot stand in for it: leave "
            "that out (LSM_EVAL_DATA_MIRROR), and fetch the data beforehand."
        )
    part = str(config.get("dataset_name") or "default")
    evaluated = config.get("test_split") or config.get("validation_split")
    if not evaluated:
        raise UserError(f"lm-eval:{name} names no split to evaluate on: correct its YAML file.")
    few = config.get("fewshot_config")
    few = dict(few) if isinstance(few, Mapping) else {}
    examples = few.get("split") or config.get("fewshot_split")
    if shots and "samples" not in few:
        examples = examples or config.get("training_split") or config.get("validation_split") or evaluated
    files = {evaluated: str(find_in_mirror(mirror, hub, part, evaluated))}
    if shots and examples:
        files[examples] = str(find_in_mirror(mirror, hub, part, examples))
    changes: dict[str, Any] = {}
    for key in _SPLITS:
        split = config.get(key)
        if split and split not in files:
            path = mirror / mirror_path(hub, part, split)
            if path.is_file():
                files[split] = str(path)
            else:
                changes[key] = None
    if few.get("split") and few["split"] not in files:
        changes["fewshot_config"] = {**few, "split": None}
    return {
        **changes,
        "dataset_path": "parquet",
        "dataset_name": None,
        "dataset_kwargs": {
            "data_files": {split: str(Path(file).absolute()) for split, file in files.items()}
        },
    }


def table(
    config: Mapping[str, Any], docs: Any, *, mirrored: bool, task_config: Callable[[str], Any]
) -> Table:
    """The evaluated documents as a data table; nothing is pinned, since the harness pins nothing."""
    path = str(config.get("dataset_path") or task_config("dataset_path") or "")
    source: Source = "mirror" if mirrored else "file" if path in _FILES else "hub" if path else "python"
    arguments = config.get("dataset_kwargs")
    revision = arguments.get("revision") if isinstance(arguments, Mapping) else None
    part = config.get("dataset_name")
    rows = [{"id": at} for at in range(len(docs))]
    return Table(
        rows=rows,
        ids=[str(at) for at in range(len(docs))],
        source=source,
        name=path or f"lm_eval:{config.get('task')}",
        configs=(str(part),) if part else (),
        split=str(config.get("test_split") or config.get("validation_split") or "test"),
        revision=str(revision) if revision else None,
        sha256=content_hash(_plain(doc) for doc in docs),
    )


def _plain(doc: Any) -> dict[str, Any]:
    row = dict(doc) if isinstance(doc, Mapping) else {"doc": doc}
    return {str(key): _value(value) for key, value in row.items()}


def _value(value: Any) -> Any:
    """A value with a canonical form, whatever types a task's own Python code put into its documents."""
    import datetime
    import decimal

    if isinstance(value, Mapping):
        return {str(key): _value(v) for key, v in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_value(v) for v in (sorted(value, key=repr) if isinstance(value, set) else value)]
    if value is None or isinstance(
        value, (str, int, float, bool, datetime.date, datetime.time, decimal.Decimal)
    ):
        return value
    return value.hex() if isinstance(value, bytes) else repr(value)
