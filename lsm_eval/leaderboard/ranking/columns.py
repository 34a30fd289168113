"""The ranks of one column, among models with comparable numbers, from the samples that each pair of them answered."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lsm_eval.leaderboard.board import Board, ModelEntry, Number
from lsm_eval.leaderboard.ranking.scores import Scores
from lsm_eval.leaderboard.show import measured
from lsm_eval.statistics.ranking.level import NullDraws, null_draws
from lsm_eval.statistics.ranking.pairwise import PairwiseDifferences, pair_indices, pairwise_differences
from lsm_eval.statistics.ranking.ranks import Ranks, ranked

NO_DIRECTION = "neither direction is better"
ALONE = "no other model's number compares with it"
NO_MODEL = "it asks no model"


@dataclass(frozen=True, slots=True)
class RankInterval:
    """The rank of one model in one column."""

    rank: int
    """By value alone; 1 is the best."""
    low: int
    """The best rank that is not ruled out."""
    high: int
    """The worst rank that is not ruled out."""
    of: int
    """Number of models that are ranked together."""
    mark: str = ""
    """The mark (`Number.mark`) of the numbers that it is ranked with; empty for those of most of the column."""

    @property
    def text(self) -> str:
        """`3`, or `1–4`."""
        return str(self.low) if self.low == self.high else f"{self.low}–{self.high}"


@dataclass(frozen=True, slots=True)
class ColumnRanking:
    """The ranks of one column; models by their slugs."""

    places: dict[str, RankInterval]
    unknown: dict[str, str]
    """Why a model that has a number has no rank."""
    top: tuple[str, ...] = ()
    """The tied top: models that no other is shown to be better than, best value first, of those comparable with most of the
    column."""
    told: int = 0
    """Number of models that are shown to be better than the next in order."""
    neighbours: int = 0
    """Number of models that have a next one in order."""
    level: float = 0.95
    method: str = "none"
    slugs: tuple[str, ...] = ()
    """The models that are comparable with most of the column."""
    better: NDArray[np.bool_] | None = None
    """[slugs, slugs]: whether the row is shown to be better than the column; at level 97.5 % in `stricter`."""
    stricter: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class ComparableGroup:
    """Models with comparable numbers, and their differences."""

    mark: str
    slugs: tuple[str, ...]
    higher_is_better: bool
    apart: PairwiseDifferences
    alone: NullDraws | None
    """The differences expected by chance alone."""

    def of(self, places: NDArray[np.intp]) -> tuple[PairwiseDifferences, NullDraws | None]:
        """The same for the models at these positions only, in ascending order."""
        if len(places) == len(self.slugs):
            return self.apart, self.alone
        at = pair_indices(places, len(self.slugs))
        return self.apart.of(places, at), None if self.alone is None else self.alone.of(places, at)


def rank_column(board: Board, scores: Scores, metric: str) -> tuple[ColumnRanking, list[ComparableGroup]]:
    """The column's ranks, and the groups that they were computed from."""
    groups, unknown = _groups(board, scores, metric)
    made = [_together(scores, metric, mark, numbers) for mark, numbers in groups]
    places: dict[str, RankInterval] = {}
    main: tuple[ComparableGroup, Ranks] | None = None
    for group in made:
        found = ranked(group.apart, group.alone, higher_is_better=group.higher_is_better)
        places.update(places_of(group, found))
        if group.mark == "":
            main = group, found
    return of_places(places, unknown, main), made


def of_places(
    places: dict[str, RankInterval], unknown: dict[str, str], main: tuple[ComparableGroup, Ranks] | None
) -> ColumnRanking:
    """The column's ranking from the places of all groups; `main` is the group that gives the tied top and the neighbours."""
    if main is None:
        return ColumnRanking(places, unknown)
    group, found = main
    decided, neighbours = found.neighbours
    return ColumnRanking(
        places,
        unknown,
        tuple(group.slugs[at] for at in found.top),
        decided,
        neighbours,
        found.level,
        found.method,
        group.slugs,
        found.better,
        found.stricter,
    )


def _groups(
    board: Board, scores: Scores, metric: str
) -> tuple[list[tuple[str, list[tuple[ModelEntry, Number]]]], dict[str, str]]:
    """Groups of two or more models with comparable numbers, by mark; and why other models have no rank."""
    groups: dict[str, list[tuple[ModelEntry, Number]]] = defaultdict(list)
    unknown: dict[str, str] = {}
    known, why = scores.values.get(metric, {}), scores.unknown.get(metric, {})
    for model in board.models:
        number = model.numbers.get((scores.task, metric))
        if number is None or not measured(number.row):
            continue
        if model.no_model:
            unknown[model.slug] = NO_MODEL
        elif number.row.higher_is_better is None:
            unknown[model.slug] = NO_DIRECTION
        elif model.slug not in known:
            unknown[model.slug] = why.get(model.slug, "")
        else:
            groups[number.mark].append((model, number))
    found = []
    for mark, numbers in sorted(groups.items()):
        if len(numbers) > 1:
            found.append((mark, numbers))
        else:
            unknown[numbers[0][0].slug] = ALONE
    return found, unknown


def _together(
    scores: Scores, metric: str, mark: str, numbers: Sequence[tuple[ModelEntry, Number]]
) -> ComparableGroup:
    slugs = tuple(model.slug for model, _ in numbers)
    found = pairwise_differences(
        scores.matrix(metric, slugs), scores.clusters if scores.clustered else None, scores.weights
    )
    # Each task needs its own random draws, since areas add them up.
    seed = zlib.crc32(f"{scores.task}:{metric}".encode())
    alone = None if found.many else null_draws(found.residuals, seed)
    # The group is passed between processes, and the answers would be half of it.
    found = replace(found, _answers=None)
    return ComparableGroup(mark, slugs, bool(numbers[0][1].row.higher_is_better), found, alone)


def places_of(group: ComparableGroup, found: Ranks) -> dict[str, RankInterval]:
    """The rank intervals by slug, for the models that have a rank."""
    known = int((found.ranks > 0).sum())
    return {
        slug: RankInterval(int(found.ranks[at]), int(found.low[at]), int(found.high[at]), known, group.mark)
        for at, slug in enumerate(group.slugs)
        if found.ranks[at] > 0
    }
