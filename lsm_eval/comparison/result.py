"""What a comparison says, as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lsm_eval.comparison.flips import Flip
from lsm_eval.comparison.signature import Part
from lsm_eval.results.reader import Record

Verdict = Literal["better", "worse", "different", "same", "not shown", "not compared"]
"""`different`: shown to differ, in a metric of which neither direction is better. `same`: no pair differs at all. `not shown`:
what differs may be chance."""


@dataclass(frozen=True)
class Row:
    """One metric of one task in a baseline and a candidate."""

    task: str
    title: str
    metric: str
    unit: str
    higher_is_better: bool | None
    candidate: int
    """Which of the candidates, from 0."""
    baseline_value: float | None
    """Over the pairs, as `candidate_value`."""
    candidate_value: float | None
    difference: float | None
    """Candidate less baseline."""
    low: float | None
    high: float | None
    level: float
    p: float | None
    """Of no difference, two-sided."""
    p_adjusted: float | None
    """Holm's, over all numbers that the comparison tests."""
    method: str
    """Of interval and p; or `none` and why."""
    n: int
    """Pairs that both values rest on."""
    clusters: int | None
    discordant: int | None
    """Pairs whose scores differ; None where samples have none of their own."""
    missing: int
    """Samples of both runs that failed in one at least, or have no score there; in no pair."""
    only_baseline: int
    only_candidate: int
    other_prompt: int
    """Samples of both runs with another prompt; no pair."""
    verdict: Verdict
    why: str | None
    """Why the two are not compared."""
    no_interval: str | None
    """Why they are compared without an interval."""
    differing: tuple[Part, ...]
    """Parts of the signatures that differ."""


@dataclass(frozen=True)
class Comparison:
    """A baseline and its candidates."""

    baseline: Record
    candidates: Sequence[Record]
    rows: Sequence[Row]
    tested: int
    """Numbers that were tested together, for Holm's correction."""
    alone: Sequence[str]
    """Tasks that one of the runs lacks, in words."""
    notes: Sequence[str]
    """What else differs between the runs, in words."""
    flips: Sequence[Flip]

    @property
    def refused(self) -> list[Row]:
        """The rows that are not compared."""
        return [row for row in self.rows if row.verdict == "not compared"]
