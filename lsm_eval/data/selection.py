"""Selects and names the rows of a data set that a task uses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lsm_eval.well_formed import well_formed

if TYPE_CHECKING:
    from lsm_eval.data.schema import Dataset

Row = dict[str, Any]
Keep = Callable[[Mapping[str, Any]], bool]


class Selection:
    """The rows that `where` and `ids` leave, with their names."""

    def __init__(
        self, dataset: Dataset, keep: Keep | None, wanted: Mapping[str, int] | None, several: bool
    ) -> None:
        self.by_config: dict[str, list[Row]] = {}
        self.rows: list[Row] = []
        self._names: list[tuple[str, int]] = []
        self._columns = dataset.columns
        self._drops = (
            dataset.id_column is not None
            and dataset.id_column not in dataset.columns
            and not dataset.reshape  # its rows are used as they are
        )
        self._id_column = dataset.id_column
        self._keep = keep
        self._wanted = wanted
        self._several = several
        self._found: set[str] = set()

    def add(self, config: str, rows: Sequence[Row]) -> None:
        """Select from one config's rows (used columns and id column)."""
        prefix = f"{config}/" if self._several else ""
        chosen: list[tuple[int, str, Row, Row]] = []
        for number, row in enumerate(rows):
            value = row[self._id_column] if self._id_column else None
            name = prefix + str(number if value is None else value)
            if self._wanted is not None and name not in self._wanted:
                continue
            content = {column: row[column] for column in self._columns} if self._drops else row
            seen = {**content, "config": config} if self._several else content
            if self._keep is None or self._keep(seen):
                chosen.append((number, name, content, seen))
        if self._wanted is not None:
            order = self._wanted
            chosen.sort(key=lambda item: order[item[1]])
            self._found.update(name for _, name, _, _ in chosen)
        self.by_config[config] = [content for _, _, content, _ in chosen]
        self.rows += [seen for _, _, _, seen in chosen]
        # A mirror may hold only the rows of `ids`; numbers within the selection are the same everywhere.
        numbers = range(len(chosen)) if self._wanted is not None else (number for number, *_ in chosen)
        self._names += [
            (well_formed(name), number) for (_, name, _, _), number in zip(chosen, numbers, strict=True)
        ]

    def missing(self) -> str | None:
        """The first of the wanted ids that no row has."""
        return next((name for name in self._wanted or () if name not in self._found), None)

    def unique_ids(self) -> list[str]:
        times = Counter(name for name, _ in self._names)
        return [name if times[name] == 1 else f"{name}#{number}" for name, number in self._names]
