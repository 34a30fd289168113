"""A run's record for users of Python: its numbers and samples as pandas data frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lsm_eval.errors import UserError
from lsm_eval.results.reader import Record as Stored

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import pandas as pd

    from lsm_eval.results.schema import Manifest, TaskRow

_SHOWN = ("task", "metric", "value", "low", "high", "n", "missing")
_NUMBERS = {"value": "float64", "low": "float64", "high": "float64", "stderr": "float64", "level": "float64"}
_COUNTS = {"task_version": "int64", "missing": "int64", "ties": "int64", "n": "Int64", "clusters": "Int64"}


class Record:
    """A record on disk (docs/record.md). `lsm_eval.run` returns one, `lsm_eval.load` reads one."""

    __slots__ = ("_stored",)

    def __init__(self, stored: Stored) -> None:
        self._stored = stored

    @property
    def path(self) -> Path:
        """Its folder."""
        return self._stored.folder

    @property
    def manifest(self) -> Manifest:
        """How the numbers were made: `manifest.model.name`, `manifest.command`, `manifest.tokens`, …"""
        return self._stored.manifest

    @property
    def created(self) -> datetime:
        """When the run began, in UTC."""
        return self._stored.created

    @property
    def tasks(self) -> Mapping[str, TaskRow]:
        """How each task was asked, by its name."""
        return dict(self._stored.tasks)

    @property
    def left_out(self) -> Mapping[str, str]:
        """Tasks that were named and could not be asked, and why."""
        return {row.task: row.why for row in self.manifest.left_out}

    @property
    def estimates(self) -> pd.DataFrame:
        """One row a number: `task`, `metric`, `value`, the 95 % interval `low` to `high`, `n`, `missing`, `signature` and what more is in
        docs/record.md. The first row of a task is its main metric. Each call makes a new frame."""
        import pandas as pd

        from lsm_eval.results.schema import EstimateRow

        rows = [row.model_dump() for row in self._stored.estimates]
        columns = [
            name
            for name in EstimateRow.model_fields
            if name != "imported" or any(row["imported"] is not None for row in rows)
        ]
        return pd.DataFrame(rows, columns=columns).astype(_NUMBERS | _COUNTS)

    def samples(self, task: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """One row a sample of a task, or only the columns named: `prompt`, `completion`, `target`, `failure`, `score.<metric>` and what more
        is in docs/record.md. Raises `UserError` for a task that the record has no samples of."""
        if task not in self._stored.tasks:
            raise _no_task(task, list(self._stored.tasks), self.path)
        why = self._stored.tasks[task].no_samples
        if why is not None:
            raise UserError(f"{self.path} has no samples of {task}: {why}")
        table = self._stored.samples(task, columns)
        if columns is not None:
            if lacking := [name for name in columns if name not in table.column_names]:
                there = ", ".join(self._stored.samples(task).column_names)
                raise UserError(f"the samples of {task} have no column {lacking[0]!r}: there are {there}.")
            table = table.select(list(columns))
        found: pd.DataFrame = table.to_pandas()
        return found

    def __repr__(self) -> str:
        count = len(self._stored.tasks)
        tasks = f"{count} task{'' if count == 1 else 's'}"
        return f"<lsm_eval.Record of {self._model()}, {tasks}, {len(self._stored.estimates)} numbers, {self.path}>"

    def _repr_html_(self) -> str:
        """For a notebook."""
        from html import escape

        shown = self.estimates[list(_SHOWN)].to_html(index=False, na_rep="–", border=0, escape=True)
        out = "".join(
            f"<p>left out: {escape(task)}, because {escape(why)}</p>" for task, why in self.left_out.items()
        )
        return f"<p><b>{escape(self._model())}</b>, {escape(str(self.path))}</p>{shown}{out}"

    def _model(self) -> str:
        from lsm_eval.results.names import shown_name

        return shown_name(self.manifest.model)


def stored(record: Record | Stored) -> Stored:
    """The record as the rest of lsm-eval uses it."""
    return record._stored if isinstance(record, Record) else record


def _no_task(task: str, known: Sequence[str], path: Path) -> UserError:
    from difflib import get_close_matches

    near = get_close_matches(task, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known) or 'none'}."
    return UserError(f"{path} has no task {task!r}: {hint}")
