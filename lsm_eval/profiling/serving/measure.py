"""Runs loads and makes the cells of a record: single measurements, a replayed trace, or the search for the highest rate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lsm_eval.errors import UserError
from lsm_eval.profiling.cells import cell_name
from lsm_eval.profiling.serving import formulas
from lsm_eval.profiling.serving.arrivals import schedule
from lsm_eval.profiling.serving.load import Load, PlannedRequest, ServingTarget
from lsm_eval.profiling.serving.mismatch import mismatches
from lsm_eval.profiling.serving.numbers import numbers
from lsm_eval.profiling.serving.prompts import replayed
from lsm_eval.profiling.serving.search import LEVEL, WITHIN, Probe, RateBracket, find_rate, rule
from lsm_eval.profiling.serving.spec import ServingSpec, Step
from lsm_eval.profiling.serving.stamps import Chunk, TimedRequest
from lsm_eval.profiling.serving.traces import Trace
from lsm_eval.results.profile_rows import REQUEST_COLUMNS, CellRow, SearchRow

_SECONDS = 1e-9
_ALIKE, _FEWEST_ALIKE = 0.5, 30
_FIRST_RATE_REQUESTS = 5  # one at a time, from whose time the search's first rate is taken


@dataclass(slots=True)
class ServingResults:
    """The results so far."""

    cells: list[CellRow] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    """Rows with `REQUEST_COLUMNS`."""
    search: SearchRow | None = None
    requests: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    output_tokens: int = 0
    notes: list[str] = field(default_factory=list)
    """Notes for the reader, one sentence each."""

    @property
    def error_rate(self) -> float:
        """Share of all requests that were not answered completely."""
        return self.failed / self.requests if self.requests else 0.0


class ServingProfiler:
    """Profiles one target, step by step."""

    def __init__(
        self,
        served: ServingTarget,
        spec: ServingSpec,
        done: ServingResults,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._served, self._spec, self._done, self._say = served, spec, done, say
        self._number = 0

    def all(self, trace: Trace | None) -> None:
        """Run everything that the options request."""
        if trace is not None:
            self._trace(trace)
        elif self._spec.find_rate:
            self._search()
        for step in self._spec.steps():
            self.step(step)

    def step(self, step: Step, *, listed: bool = True) -> tuple[CellRow, list[TimedRequest]]:
        """One measurement."""
        assert step.prompt is not None
        assert step.output is not None
        wanted = self._wanted([step.prompt] * step.number, [step.output] * step.number)
        times = None
        if step.rate is not None:
            # The pattern depends only on the seed and is rescaled: no rate has a more favourable one.
            times = schedule(self._spec.arrivals, step.rate, step.number, self._spec.seed, step.draw)
        load = Load(
            wanted, step.concurrency, times, step.rate, None if times is not None else self._spec.seconds,
            self._spec.cache,
        )  # fmt: skip
        return self._measured(load, step.conditions, step.title, listed=listed)

    def _wanted(self, prompts: Sequence[int], outputs: Sequence[int]) -> list[PlannedRequest]:
        texts = self._served.prompts(self._spec.seed, prompts, self._number)
        self._number += len(texts)
        return [
            PlannedRequest(text, prompt, output)
            for text, prompt, output in zip(texts, prompts, outputs, strict=True)
        ]

    def _measured(
        self, load: Load, conditions: dict[str, Any], title: str, *, listed: bool
    ) -> tuple[CellRow, list[TimedRequest]]:
        self._say(title)
        found = self._served.run(load)
        done, requests = self._done, found.requests
        name = self._name(conditions)
        failures: dict[str, int] = {}
        for one in requests:
            done.requests += 1
            done.prompt_tokens += one.prompt_tokens or 0
            done.output_tokens += one.output_tokens or 0
            if not one.whole:
                done.failed += 1
                failures[one.failure or "empty"] = failures.get(one.failure or "empty", 0) + 1
            done.rows.append(request_row(one, name, found.begun))
        if load.seconds is not None and len(requests) == len(load.requests):
            done.notes.append(
                f"{title}: all {len(requests):,} prompts that had been made were asked before --seconds were over."
            )
        if listed:
            new = self._spec.cache == "unknown" and conditions["loop"] != "trace"
            done.notes += [f"{title}: {said}" for said in mismatches(requests, new=new)]
        for failure, count in failures.items():
            said = _said(requests, failure)
            done.notes.append(f"{title}: {count:,} failed ({failure}){': ' if said else ''}{said}.")
        if (alike := likeness(requests)) is not None and alike > _ALIKE:
            done.notes.append(
                f"{title}: requests that came one after another took alike (correlation {alike:.2f} of their times to first token), as in a queue "
                "that grows and empties: the intervals take each for itself, and are narrower than they should be."
            )
        rates = formulas.throughput(requests, found.begun)
        whole = sum(one.whole for one in requests)
        cell = CellRow(
            name=name,
            title=title,
            conditions=conditions,
            metrics=numbers(requests, found.begun, self._spec.objective) if whole else [],
            listed=listed,
            n=whole,
            failures=failures,
            seconds=rates.seconds,
            missing=None if whole else _no_answer(requests, failures),
            check=found.check,
        )
        done.cells.append(cell)
        return cell, requests

    def _name(self, conditions: dict[str, Any]) -> str:
        name = found = cell_name(conditions)
        taken = {cell.name for cell in self._done.cells}
        number = 2
        while found in taken:
            found, number = f"{name}_{number}", number + 1
        return found

    def _trace(self, trace: Trace) -> None:
        served, seed = self._served, self._spec.seed
        texts = [replayed(seed, at, one, served.scale) for at, one in enumerate(trace.requests)]
        wanted = [
            PlannedRequest(text, one.prompt_tokens, one.output_tokens)
            for text, one in zip(texts, trace.requests, strict=True)
        ]
        times = trace.schedule
        rate = (len(times) - 1) / (times[-1] * _SECONDS) if times[-1] else None
        conditions = {
            "phase": "serving", "loop": "trace", "trace": trace.format, "file": trace.sha256[:12], "speed": trace.speed,
            "requests": len(trace.requests),
        }  # fmt: skip
        title = f"{trace.name}, {trace.speed:g} times as fast, {len(trace.requests):,} requests"
        self._measured(
            Load(wanted, None, times, rate, None, self._spec.cache), conditions, title, listed=True
        )

    def _search(self) -> None:
        spec, done = self._spec, self._done
        objective = spec.objective
        assert objective is not None
        prompt, output = spec.prompts[0], spec.outputs[0]
        steps: list[str] = []
        looks: Counter[float] = Counter()

        def ask(rate: float, number: int) -> Probe:
            if spec.seconds is not None:
                number = max(number, int(spec.seconds * rate) + 1)
            step = spec.open(rate, prompt, output, number, draw=looks[rate])
            looks[rate] += 1
            cell, requests = self.step(step, listed=False)
            steps.append(cell.name)
            kept = [formulas.keeps_to(one, objective.seconds) for one in requests]
            if None in kept:
                raise UserError(
                    f"--objective {objective.words}: {self._served.name} does not count tokens, so that the time per output token is unknown: leave "
                    "tpot out of the objective."
                )
            bound = cell.check is not None and cell.check.client_bound
            return Probe(sum(bool(one) for one in kept), len(requests), bound)

        start = spec.rates[0] if spec.rates else self._first_rate(prompt, output)
        found = find_rate(ask, objective.share, start)
        done.search = SearchRow(
            rule=rule(objective.share, WITHIN),
            attainment=objective.share,
            level=LEVEL,
            rate=found.met,
            low=found.met,
            high=found.missed,
            steps=steps,
            why=found.why,
        )
        self._say(searched(found))

    def _first_rate(self, prompt: int, output: int) -> float:
        """The rate to start the search with: that of requests sent one after another."""
        load = Load(
            self._wanted([prompt] * _FIRST_RATE_REQUESTS, [output] * _FIRST_RATE_REQUESTS), concurrency=1
        )
        found = self._served.run(load)
        rate = formulas.throughput(found.requests, found.begun).requests
        return float(f"{rate:.3g}") if rate else 1.0


def likeness(requests: Sequence[TimedRequest]) -> float | None:
    """The correlation of the times to first token of consecutive requests, in the order of their start; None for few requests, or if
    all times are equal."""
    times = [formulas.ttft(one) for one in sorted(requests, key=lambda one: one.started) if one.whole]
    if len(times) < _FEWEST_ALIKE or len(set(times[1:])) < 2 or len(set(times[:-1])) < 2:
        return None
    return float(np.corrcoef(times[:-1], times[1:])[0, 1])


def searched(found: RateBracket) -> str:
    """The result of a search, in a sentence."""
    if found.met is None:
        return f"No rate was found that meets the objective: {found.why}."
    missed = "no rate was found that misses it" if found.missed is None else f"missed at {found.missed:.4g}"
    return f"The objective is met at {found.met:.4g} requests a second, and {missed}."


def _no_answer(requests: Sequence[TimedRequest], failures: dict[str, int]) -> str:
    if not requests:
        return "No request was sent."
    most = max(failures, key=lambda name: failures[name])
    said = _said(requests, most)
    return f"None of {len(requests):,} requests was answered whole ({most}{': ' if said else ''}{said})."


def _said(requests: Sequence[TimedRequest], failure: str) -> str:
    """The detail of the first failure of a class."""
    return next((one.detail for one in requests if one.failure == failure and one.detail), "").rstrip(".")


def request_row(one: TimedRequest, cell: str, begun: int) -> dict[str, Any]:
    """A request as a row of a record; times are seconds from the measurement's start."""

    def seconds(at: int | None) -> float | None:
        return None if at is None else (at - begun) * _SECONDS

    written = one.written  # no number uses what came before the first token
    known = bool(written) and all(chunk.tokens is not None for chunk in written)
    row = {
        "cell": cell,
        "index": one.index,
        "warm_up": False,
        "scheduled": seconds(one.scheduled),
        "sent": seconds(one.started),
        "ended": seconds(one.ended),
        "chunk_times": [(chunk.at - begun) * _SECONDS for chunk in written],
        "chunk_tokens": [chunk.tokens for chunk in written] if known else [],
        "chunk_thoughts": [chunk.thought for chunk in written],
        "prompt_tokens": one.prompt_tokens,
        "cached_tokens": one.cached_tokens,
        "output_tokens": one.output_tokens,
        "reasoning_tokens": one.reasoning_tokens,
        "asked_prompt_tokens": one.asked_prompt_tokens,
        "asked_output_tokens": one.asked_output_tokens,
        "counted_by": one.counted_by,
        "failure": one.failure,
        "server": one.server,
    }
    return {name: row[name] for name in REQUEST_COLUMNS}


def from_row(row: dict[str, Any]) -> TimedRequest:
    """A request from a row of a record, with everything the numbers need: `numbers` gives the record's values again."""

    def moment(name: str) -> int | None:
        value = row.get(name)
        return None if value is None else round(value / _SECONDS)

    counts = list(row["chunk_tokens"]) or [None] * len(row["chunk_times"])
    chunks = [
        Chunk(round(at / _SECONDS), None if count is None else int(count), thought=bool(thought))
        for at, count, thought in zip(row["chunk_times"], counts, row["chunk_thoughts"], strict=True)
    ]
    return TimedRequest(
        int(row["index"]), moment("sent") or 0, moment("scheduled"), ended=moment("ended"), chunks=chunks,
        prompt_tokens=row["prompt_tokens"], cached_tokens=row["cached_tokens"], output_tokens=row["output_tokens"],
        reasoning_tokens=row["reasoning_tokens"], asked_prompt_tokens=row["asked_prompt_tokens"],
        asked_output_tokens=row["asked_output_tokens"], counted_by=row["counted_by"], failure=row["failure"], server=row["server"],
    )  # fmt: skip
