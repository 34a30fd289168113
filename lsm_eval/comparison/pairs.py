"""Pairs the samples of two runs by id and prompt, never by position."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lsm_eval.comparison.tables import FloatArray, Table
from lsm_eval.statistics.basis import cluster_numbers


@dataclass(frozen=True)
class Pairs:
    """The samples of one task that two runs both have."""

    first: Table
    second: Table
    rows: NDArray[np.intp]
    """Row indices in both tables [n, 2], in the order of the first; samples that failed in either run are left out."""
    only_first: int
    only_second: int
    """Samples that only the second run has; `only_first`: that only the first run has."""
    other_prompt: int
    """Samples that both have, with different prompts; they are no pairs."""
    missing: int
    """Samples that both have and that failed in at least one run."""
    missing_first: int
    missing_second: int

    @cached_property
    def clusters(self) -> list[str | None]:
        """Cluster of each pair: the first run's; if the second run has different clusters, the clusters of both are merged (`joined`)."""
        first, second = (
            [table.clusters[row] for row in rows]
            for table, rows in zip((self.first, self.second), self.rows.T, strict=True)
        )
        return first if first == second else merge_clusters(first, second)

    @cached_property
    def groups(self) -> NDArray[np.intp]:
        """Integer label of each pair's cluster [n]."""
        return cluster_numbers(self.clusters)[0]

    @property
    def sensitive(self) -> bool:
        """Whether texts of the task may be harmful according to either run."""
        tasks = [table.record.tasks[table.task] for table in (self.first, self.second)]
        return any(task.sensitive or task.area == "safety" for task in tasks)

    def weights(self, run: Literal[0, 1]) -> FloatArray:
        """Weight of each pair's sample [n] in the first run (0) or the second (1)."""
        table = self.first if run == 0 else self.second
        return table.weights[self.rows[:, run]]


def match(first: Table, second: Table, *, by_id_alone: bool = False) -> Pairs:
    """The pairs of two tables of one task. `by_id_alone`: ignore prompts, which differ between the runs by intention."""
    place = {name: row for row, name in enumerate(second.ids)}
    both = [(row, place[name]) for row, name in enumerate(first.ids) if name in place]
    same = both if by_id_alone else [(a, b) for a, b in both if _same_prompt(first, a, second, b)]
    rows = np.array(same, np.intp).reshape(-1, 2)
    lost_first, lost_second = first.failed[rows[:, 0]], second.failed[rows[:, 1]]
    lost = lost_first | lost_second
    return Pairs(
        first,
        second,
        rows[~lost],
        len(first.ids) - len(both),
        len(second.ids) - len(both),
        len(both) - len(same),
        int(lost.sum()),
        int(lost_first.sum()),
        int(lost_second.sum()),
    )


def _same_prompt(first: Table, a: int, second: Table, b: int) -> bool:
    """Whether both prompts are the same; compared before the chat template if both records keep that hash."""
    one, other = first.asked[a], second.asked[b]
    if one is not None and other is not None:
        return one == other
    return first.prompts[a] == second.prompts[b]


def merge_clusters(first: Sequence[str | None], second: Sequence[str | None]) -> list[str | None]:
    """Merges two clusterings of the same samples: two samples share a cluster if a chain of clusters of either one connects them."""
    of = list(range(len(first)))

    def root(at: int) -> int:
        while of[at] != at:
            of[at] = of[of[at]]
            at = of[at]
        return at

    for names in (first, second):
        seen: dict[str, int] = {}
        for at, name in enumerate(names):
            if name is not None:
                of[root(at)] = root(seen.setdefault(name, at))
    roots = [root(at) for at in range(len(of))]
    alone = Counter(roots)
    return [None if alone[one] == 1 else str(one) for one in roots]
