"""The result of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lsm_eval.comparison.flips import Flip
from lsm_eval.comparison.signature import Part
from lsm_eval.results.reader import Record

Verdict = Literal["better", "worse", "different", "same", "not shown", "not compared"]
"""`different`: a significant difference in a metric without a better direction. `same`: no pair differs. `not shown`: the difference is not
significant."""


@dataclass(frozen=True)
class Row:
    """One metric of one task in a baseline and a candidate."""

    task: str
    title: str
    metric: str
    unit: str
    higher_is_better: bool | None
    candidate: int
    """Index of the candidate, from 0."""
    baseline_value: float | None
    """Value over the pairs, like `candidate_value`."""
    candidate_value: float | None
    difference: float | None
    """Candidate minus baseline."""
    low: float | None
    high: float | None
    level: float
    p: float | None
    """Two-sided p-value of no difference."""
    p_adjusted: float | None
    """Holm's adjusted p-value, over all numbers that the comparison tests."""
    method: str
    """Method of the interval and p; or `none`."""
    n: int
    """Number of pairs for both values."""
    clusters: int | None
    discordant: int | None
    """Number of pairs whose scores differ; None if it is not known."""
    missing: int
    """Number of samples of both runs that failed or have no score in at least one; they are in no pair."""
    only_baseline: int
    only_candidate: int
    other_prompt: int
    """Number of samples of both runs with different prompts; they are in no pair."""
    verdict: Verdict
    why: str | None
    """Why the two numbers are not compared."""
    no_interval: str | None
    """Why the difference has no interval."""
    differing: tuple[Part, ...]
    """Parts of the signatures that differ."""


@dataclass(frozen=True)
class Comparison:
    """A baseline and its candidates."""

    baseline: Record
    candidates: Sequence[Record]
    rows: Sequence[Row]
    tested: int
    """Number of tests in Holm's correction."""
    alone: Sequence[str]
    """Sentences on tasks that one of the runs lacks, or in which choices were answered differently."""
    notes: Sequence[str]
    """Sentences on other differences between the runs."""
    flips: Sequence[Flip]

    @property
    def refused(self) -> list[Row]:
        """The rows that are not compared."""
        return [row for row in self.rows if row.verdict == "not compared"]
