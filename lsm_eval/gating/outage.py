"""Failed and truncated samples, and whether they make two runs not comparable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from lsm_eval.comparison.pairs import Pairs
from lsm_eval.comparison.tables import Table
from lsm_eval.gating.policy import Outage

OWN = frozenset({"too_long", "unsupported", "truncated", "null", "refused", "unread"})
"""Failures caused by the sample and the model. If both runs have the same one, running again would not change it."""


@dataclass(frozen=True)
class FailedSamples:
    """Failures of two runs of one task, among the samples that both have."""

    pairs: Pairs

    @cached_property
    def reasons(self) -> list[tuple[str | None, str | None]]:
        """Why each sample failed in the first and the second run; None if it did not."""
        second = dict(zip(self.pairs.second.ids, failures(self.pairs.second), strict=True))
        first = zip(self.pairs.first.ids, failures(self.pairs.first), strict=True)
        return [(why, second[name]) for name, why in first if name in second]

    @cached_property
    def alike(self) -> int:
        """Number of samples that failed in both runs for the same reason of the sample itself."""
        return sum(one == other and one in OWN for one, other in self.reasons)

    @cached_property
    def lost(self) -> int:
        """Number of all other samples that failed in at least one run."""
        return sum(one is not None or other is not None for one, other in self.reasons) - self.alike

    @property
    def unable(self) -> bool:
        """Whether neither model supports the task, so that it says nothing about a change."""
        return all(one == other == "unsupported" for one, other in self.reasons)

    def why_not(self, limits: Outage) -> str | None:
        """A sentence if the runs cannot be compared on this task; else None."""
        task, both = self.pairs.first.task, len(self.reasons)
        if not both:
            return f"{task}: the two runs have no sample in common."
        if self.lost / both > limits.missing:
            return (
                f"{task}: {self.lost:,} of {both:,} samples ({100 * self.lost / both:.3g} %) failed in one run or both "
                f"({', '.join(self._counts())}), and {100 * limits.missing:.3g} % may: run them again."
            )
        if self.unable:
            return None
        if self.alike + self.lost == both:
            return (
                f"{task}: all {both:,} samples failed in one run or both ({', '.join(self._counts(alike=True))}), and none is left to "
                "compare: see why, and run them again."
            )
        if not len(self.pairs.rows):
            return (
                f"{task}: no sample of both runs has one prompt, so that there is no pair: compare runs of one task file, or "
                "name what is to differ with --across."
            )
        shares = (
            _cut_share(self.pairs.first, self.pairs.second),
            _cut_share(self.pairs.second, self.pairs.first),
        )
        if abs(shares[1] - shares[0]) > limits.truncated:
            return (
                f"{task}: {100 * shares[0]:.3g} % of the baseline's and {100 * shares[1]:.3g} % of the candidate's answers are "
                f"cut, and {100 * limits.truncated:.3g} % may differ: raise --max-tokens, or see why they run on."
            )
        return None

    def _counts(self, *, alike: bool = False) -> Iterator[str]:
        """Numbers of failures by reason in each run; `alike`: include those that failed in both for the same reason of the sample itself."""
        for which, at in (("baseline", 0), ("candidate", 1)):
            counts: dict[str, int] = {}
            for pair in self.reasons:
                if (why := pair[at]) is not None and (alike or not (pair[0] == pair[1] and why in OWN)):
                    counts[why] = counts.get(why, 0) + 1
            if counts:
                yield f"{which}: " + " and ".join(f"{count:,} {why}" for why, count in sorted(counts.items()))


def failures(table: Table) -> Sequence[str | None]:
    """Why each sample failed; None if it did not."""
    found: list[str | None] = table.columns["failure"].to_pylist()
    return found


def cut(table: Table) -> list[bool]:
    """Whether each sample's prompt or answer was truncated."""
    columns = table.columns
    rows = zip(columns["truncated"].to_pylist(), columns["finish"].to_pylist(), failures(table), strict=True)
    return [bool(tokens) or finish == "length" or why == "truncated" for tokens, finish, why in rows]


def _cut_share(table: Table, other: Table) -> float:
    """The share of truncated samples, among those that the other run has too."""
    both = set(other.ids)
    shared = [was_cut for name, was_cut in zip(table.ids, cut(table), strict=True) if name in both]
    return sum(shared) / max(len(shared), 1)
