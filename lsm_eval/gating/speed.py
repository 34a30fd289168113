"""Whether the candidate is slower, from alternating runs of both on one machine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from lsm_eval.comparison.shown.escape import visible
from lsm_eval.gating.policy import Passes, Speed
from lsm_eval.gating.question import Part
from lsm_eval.gating.result import Answer, Finding
from lsm_eval.gating.words import counted, percent
from lsm_eval.results.reader import Record, find_records
from lsm_eval.statistics.comparison.score import Side
from lsm_eval.statistics.comparison.speed import SpeedRatio, speed_p, speed_ratio

_UNITS = {"latency": "seconds"}
NAMES: dict[Passes, str] = {
    "score": "scored tokens per second",
    "prefill": "prompt tokens per second",
    "decode": "output tokens per second",
    "latency": "seconds per output token",
}
HARDWARE = ("machine", "cpu", "cores", "gpu", "threads")
"""Properties that must be the same for both runs."""


@dataclass(frozen=True)
class SpeedQuestion:
    """The question whether the candidate is slower (a `question.Question`)."""

    rule: Speed
    found: SpeedRatio
    """Candidate over baseline."""
    values: tuple[float | None, float | None]
    """The speeds of the newest runs."""
    why: str | None
    """Why there are no rounds."""
    weight: float

    @property
    def beyond(self) -> bool:
        """Whether the observed ratio is beyond the limit."""
        value = self.found.value
        return value is not None and (value > self.limit if self._latency else value < self.limit)

    @property
    def limit(self) -> float:
        """The allowed ratio of candidate to baseline."""
        return 1 + self.rule.slower if self._latency else max(1 - self.rule.slower, 1e-9)

    @cached_property
    def p_loss(self) -> float | None:
        """The p-value of not being slower at all."""
        return speed_p(self.found, 1.0, self._worse)

    @cached_property
    def p_margin(self) -> float | None:
        """The p-value of being as slow as the limit."""
        return speed_p(self.found, self.limit, "less" if self._latency else "greater")

    def finding(self, answer: Answer, part: Part) -> Finding:
        """See `question.Question.finding`. Loss, interval and margin are relative changes times the baseline's newest speed."""
        ratio, unit = self.found.value, self.values[0]
        ends = sorted(self._loss(end) for end in (self.found.low, self.found.high) if end is not None)
        low, high = ends if len(ends) == 2 else (None, None)
        return Finding(
            kind="speed",
            task="",
            title="",
            metric=NAMES[self.rule.of],
            unit=_UNITS.get(self.rule.of, "tokens per second"),
            higher_is_better=not self._latency,
            answer=answer,
            why=self._why(answer, part),
            baseline=self.values[0],
            candidate=self.values[1],
            loss=_times(None if ratio is None else self._loss(ratio), unit),
            low=_times(low, unit),
            high=_times(high, unit),
            level=self.found.level,
            p=None,
            margin=_times(self.rule.slower, unit),
            n=self.found.rounds,
            clusters=None,
            discordant=None,
            missing=self.found.missing,
            smallest_loss=None,
            wanted_n=_rounds(part)
            if answer == "not enough data" and self.found.rounds < _rounds(part)
            else None,
            method=self.found.method,
            sensitive=False,
        )

    @property
    def _latency(self) -> bool:
        return self.rule.of == "latency"

    @property
    def _worse(self) -> Side:
        return "greater" if self._latency else "less"

    def _loss(self, ratio: float) -> float:
        return ratio - 1 if self._latency else 1 - ratio

    def _why(self, answer: Answer, part: Part) -> str:
        if self.why:
            return self.why
        rounds = counted(self.found.rounds, "round")
        ratio = self.found.value
        change = f"{percent(abs(self._loss(ratio or 1.0)))} {'slower' if self._loss(ratio or 1.0) > 0 else 'faster'} over {rounds}"
        limit = f"{percent(self.rule.slower)} slower"
        if answer == "fail":
            return f"{change.capitalize()}: proven, and beyond the limit of {limit}."
        if answer == "pass":
            return f"{change.capitalize()}: {limit} is ruled out."
        fewest = _rounds(part)
        more = f"; take {fewest} or more" if self.found.rounds < fewest else ""
        return f"{change.capitalize()}: neither proven to be slower, nor is {limit} ruled out{more}."


def _times(share: float | None, value: float | None) -> float | None:
    return None if share is None or value is None else share * value


def _rounds(part: Part) -> int:
    """The least number of rounds that can prove anything: n rounds all agree by chance with probability 2⁻ⁿ."""
    return math.ceil(-math.log2(min(part.false_alarm, part.false_pass)))


def other_hardware(baseline: Record, candidate: Record) -> str | None:
    """A sentence if the speeds of two records cannot be compared; else None."""
    one, other = baseline.manifest, candidate.manifest
    apart = [
        f"{name}: {one.hardware.get(name, 'none')} against {other.hardware.get(name, 'none')}"
        for name in HARDWARE
        if one.hardware.get(name) != other.hardware.get(name)
    ]
    if one.model.device != other.model.device:
        apart.append(f"device: {one.model.device or 'none'} against {other.model.device or 'none'}")
    if not apart:
        return None
    return f"The policy limits speed, and the runs are of different hardware ({visible('; '.join(apart))}): run both on one machine."


def speed_question(rule: Speed, baseline: Record, candidate: Record) -> SpeedQuestion:
    """The question whether the candidate is slower, from the two records and all runs next to them with the same model, tasks and machine."""
    first, second = _runs(baseline, rule.of), _runs(candidate, rule.of)
    values = _value(baseline, rule.of), _value(candidate, rule.of)
    why = None
    if not first or not second:
        which = "baseline" if not first else "candidate"
        why = f"No run of the {which} measured it: run with --store none, so that nothing is answered from the store."
    elif not _take_turns(first, second):
        why = (
            f"The {counted(len(first), 'run')} of the baseline and {counted(len(second), 'run')} of the candidate did not take turns: "
            "run one and the other, again and again."
        )
    rounds = ([value for _, value in first], [value for _, value in second]) if why is None else ([], [])
    return SpeedQuestion(rule, speed_ratio(*rounds), values, why, rule.weight)


def _runs(record: Record, of: Passes) -> list[tuple[Record, float]]:
    """All comparable runs in the model's folder that measured a speed, oldest first."""
    found, _ = find_records(record.folder.parent)
    return [
        (one, value)
        for one in found
        if one.manifest.model.fingerprint == record.manifest.model.fingerprint
        and other_hardware(record, one) is None
        and set(one.tasks) == set(record.tasks)
        and (value := _value(one, of)) is not None
    ]


def _value(record: Record, of: Passes) -> float | None:
    work = record.manifest.work
    if work is None:
        return None
    if of == "latency":
        passes = work.decode
        return passes.seconds / passes.passes if passes and passes.seconds and passes.passes else None
    passes = {"score": work.score, "prefill": work.prefill, "decode": work.decode}[of]
    return (passes.tokens_per_second or None) if passes else None


def _take_turns(first: Sequence[tuple[Record, float]], second: Sequence[tuple[Record, float]]) -> bool:
    """Whether, in chronological order, each consecutive pair of runs has one of each kind."""
    runs = sorted([(one.created, 0) for one, _ in first] + [(one.created, 1) for one, _ in second])
    turns = [which for _, which in runs]
    return len(first) == len(second) and all(
        set(turns[at : at + 2]) == {0, 1} for at in range(0, len(turns), 2)
    )
