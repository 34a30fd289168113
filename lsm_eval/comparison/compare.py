"""Compares one or more runs with a baseline, metric by metric."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from lsm_eval.comparison import signature
from lsm_eval.comparison.aggregates import Aggregates
from lsm_eval.comparison.answer_differences import choices_mismatch, ran_out
from lsm_eval.comparison.difference import OTHER_PROMPTS, Difference, difference
from lsm_eval.comparison.flips import Flip, flips
from lsm_eval.comparison.pairs import Pairs, match
from lsm_eval.comparison.record_problem import record_problem
from lsm_eval.comparison.releases import RELEASE, engine, engines_agree
from lsm_eval.comparison.result import Comparison, Row, Verdict
from lsm_eval.comparison.tables import Table, read
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow
from lsm_eval.statistics.comparison.multiple import holm

LEVEL = 0.95


def compare(
    baseline: Record,
    candidates: Sequence[Record],
    *,
    across: Collection[str] = (),
    groups: bool = False,
    most_flips: int = 0,
    include: Sequence[Path] = (),
    include_code: bool = False,
    level: float = LEVEL,
) -> Comparison:
    """Compares each candidate with the baseline, over the samples that both have.

    `across`: parts of signatures, besides the model, that may differ. `groups`: compare the numbers of groups (`acc[Age]`) too.
    `most_flips`: largest number of changed samples to list, by the first metric of each task. `include`: folders with the task files of the
    records, unless they are packaged; `include_code`: whether their Python files may run. A record that fails the recount (`recount`) is not
    compared. Raises UserError if a name in `across` is not a part of any signature, or if a record is broken."""
    signature.check_across(across, _signatures([baseline, *candidates]))
    reader = _Comparer(baseline, across, groups, most_flips, Aggregates(include, include_code), level)
    for at, candidate in enumerate(candidates):
        reader.count_again(at, candidate)
    rows = [row for at, candidate in enumerate(candidates) for row in reader.rows(at, candidate)]
    rows, tested = _with_verdicts(rows)
    return Comparison(
        baseline,
        candidates,
        rows,
        tested,
        list(dict.fromkeys(line for one in candidates for line in _alone(baseline, one))),
        list(
            dict.fromkeys(
                [
                    *reader.problems.values(),
                    *(line for one in candidates for line in ran_out(baseline, one)),
                    *(line for one in candidates for line in notes(baseline, one)),
                ]
            )
        ),
        reader.flips,
    )


@dataclass
class _Comparer:
    baseline: Record
    across: Collection[str]
    groups: bool
    most_flips: int
    aggregates: Aggregates
    level: float
    flips: list[Flip] = field(default_factory=list)
    problems: dict[int | None, str] = field(default_factory=dict)
    """The problems that a recount found in records, by the candidate's index; None is the baseline."""
    _tables: dict[str, Table] = field(default_factory=dict)
    _counted: set[str] = field(default_factory=set)
    """Tasks of the baseline that have been recounted."""
    _shown: set[tuple[str, int]] = field(default_factory=set)
    """Tasks and candidates whose changed samples, by the first metric with scores, are in `flips`."""

    def count_again(self, at: int, candidate: Record) -> None:
        """Recounts the tasks that both runs have, and notes in `problems` what does not agree."""
        both = set(self.baseline.tasks) & set(candidate.tasks)
        new = both - self._counted
        self._counted |= both
        if new and None not in self.problems and (why := record_problem(self.baseline, "baseline", new)):
            self.problems[None] = why
        if why := record_problem(candidate, "candidate", both):
            self.problems[at] = why

    def rows(self, at: int, candidate: Record) -> Iterator[Row]:
        """One row for each metric that both runs have, in the order of the baseline."""
        theirs = {(row.task, row.metric): row for row in candidate.estimates}
        last: tuple[str, bool] | None = None
        pairs: Pairs | None = None
        for own in self.baseline.estimates:
            other = theirs.get((own.task, own.metric))
            if other is None or ("[" in own.metric and not self.groups):
                continue
            parts = signature.differing(own.signature, other.signature)
            if why := self._refusal(own, at, candidate, parts):
                yield _row(own, other, at, parts, self.level, why=why)
                continue
            by_id = signature.by_id_alone(parts, self.across)
            if last != (own.task, by_id) or pairs is None:
                last, pairs = (own.task, by_id), self._pairs(own.task, candidate, by_id=by_id)
            yield self._compared(own, other, at, parts, pairs)

    def _refusal(
        self, own: EstimateRow, at: int, candidate: Record, parts: Sequence[signature.Part]
    ) -> str | None:
        for place, which in ((None, "baseline"), (at, "candidate")):
            if place in self.problems:
                return f"the {which} is not what it says"
        same_engine = engines_agree(self.baseline, candidate)
        across = {*self.across, RELEASE} if same_engine else self.across
        if refused := signature.refused(parts, across):
            differing = [str(part) for part in refused]
            if not same_engine and any(part.name == RELEASE for part in refused):
                differing.append(f"engine ({engine(self.baseline)} against {engine(candidate)})")
            return f"{' and '.join(differing)} differ{'s' if len(differing) == 1 else ''}"
        for record, which in ((self.baseline, "baseline"), (candidate, "candidate")):
            if record.manifest.profile is not None:
                return (
                    f"the {which} is a profile, whose speeds have no pairs of samples: compare the intervals"
                )
            if not record.has_samples(own.task):
                return f"the {which} has no samples of its own, only numbers"
        return None

    def _pairs(self, task: str, candidate: Record, *, by_id: bool) -> Pairs:
        if task not in self._tables:
            self._tables = {task: read(self.baseline, task)}
        return match(self._tables[task], read(candidate, task), by_id_alone=by_id)

    def _compared(
        self, own: EstimateRow, other: EstimateRow, at: int, parts: tuple[signature.Part, ...], pairs: Pairs
    ) -> Row:
        found = difference(own, pairs, self.aggregates, self.level)
        seed = next((part for part in parts if part.name == "seed"), None)
        if found.why == OTHER_PROMPTS and seed is not None:
            found = replace(
                found, why=f"{found.why}, and {seed} differs: --across seed compares them all the same"
            )
        made = _row(own, other, at, parts, self.level, pairs=pairs, found=found)
        if found.scores is not None and self.most_flips and (own.task, at) not in self._shown:
            self._shown.add((own.task, at))
            self.flips += flips(
                at, pairs, own.metric, *found.scores, self.most_flips, higher_is_better=own.higher_is_better
            )
        return made


def _row(
    own: EstimateRow,
    other: EstimateRow,
    at: int,
    parts: tuple[signature.Part, ...],
    level: float,
    *,
    why: str | None = None,
    pairs: Pairs | None = None,
    found: Difference | None = None,
) -> Row:
    why = why or (found.why if found else None)
    made = found.found if found else None
    return Row(
        task=own.task,
        title=own.title,
        metric=own.metric,
        unit=own.unit,
        higher_is_better=own.higher_is_better,
        candidate=at,
        baseline_value=own.value if found is None or why else found.first,
        candidate_value=other.value if found is None or why else found.second,
        difference=made.value if made else None,
        low=made.low if made else None,
        high=made.high if made else None,
        level=level,
        p=made.p if made else None,
        p_adjusted=None,
        method=made.method if made else "none",
        n=found.n if found else 0,
        clusters=made.clusters if made else None,
        discordant=made.discordant if made else None,
        missing=(pairs.missing if pairs else 0) + (found.unscored if found else 0),
        only_baseline=pairs.only_first if pairs else 0,
        only_candidate=pairs.only_second if pairs else 0,
        other_prompt=pairs.other_prompt if pairs else 0,
        verdict="not compared" if why else "not shown",
        why=why,
        no_interval=made.reason if made else None,
        differing=parts,
    )


def _with_verdicts(rows: Sequence[Row]) -> tuple[list[Row], int]:
    """The rows with Holm's p-values and verdicts; and how many were tested."""
    tested = [row for row in rows if row.p is not None]
    adjusted = iter(holm(np.array([row.p for row in tested], float)).tolist()) if tested else iter(())
    found = []
    for row in rows:
        p = None if row.p is None else next(adjusted)
        found.append(replace(row, p_adjusted=p, verdict=_verdict(row, p)))
    return found, len(tested)


def _verdict(row: Row, p: float | None) -> Verdict:
    if row.why:
        return "not compared"
    if row.discordant == 0:
        return "same"
    if p is None or p >= 1 - row.level or not row.difference:
        return "not shown"
    if row.higher_is_better is None:
        return "different"
    return "better" if (row.difference > 0) == row.higher_is_better else "worse"


def _signatures(records: Sequence[Record]) -> dict[str, str]:
    return {row.signature: row.signature for record in records for row in record.estimates}


def _alone(baseline: Record, candidate: Record) -> Iterator[str]:
    ours, theirs = set(baseline.tasks), set(candidate.tasks)
    for which, names in (("baseline", ours - theirs), ("candidate", theirs - ours)):
        if names:
            yield f"Only the {which} has {', '.join(sorted(names))}."
    for name in sorted(ours & theirs):
        both = baseline.tasks[name], candidate.tasks[name]
        if why := choices_mismatch(name, *both, names=("baseline", "candidate")):
            yield why


def notes(baseline: Record, candidate: Record) -> Iterator[str]:
    """Differences that are in no signature and may affect the numbers, one sentence each."""
    one, other = baseline.manifest, candidate.manifest
    for name in sorted({*one.versions, *other.versions}):
        first, second = one.versions.get(name), other.versions.get(name)
        if first != second:
            yield f"Version of {name}: {first or 'none'} in the baseline, {second or 'none'} in the candidate."
    for name in ("dtype", "device"):
        first, second = getattr(one.model, name), getattr(other.model, name)
        if first != second:
            yield f"{name.capitalize()}: {first or 'none'} in the baseline, {second or 'none'} in the candidate."
    first, second = (_engine(run.model.details) for run in (one, other))
    if first is not None and second is not None and first != second:
        yield f"Engine of the baseline: {first}; of the candidate: {second}."


def _engine(details: Mapping[str, str]) -> str | None:
    """The engine that scored; None if nothing was scored, or if all answers came from the response store."""
    found = details.get("engine", "none")
    unused = found.startswith("not used") or (found == "none" and "generation" in details)
    return None if unused else found
