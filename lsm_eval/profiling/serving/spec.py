"""What a serving profile is asked to measure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.profiling.serving.arrivals import Arrivals
from lsm_eval.profiling.serving.objective import Objective
from lsm_eval.profiling.serving.traces import Format
from lsm_eval.results.profile_rows import Cache

DEFAULT_CONCURRENCY = (1, 4, 16)
DEFAULT_REQUESTS = 100
MOST_REQUESTS = 100_000
"""Of one measurement: their prompts are made beforehand."""
_MOST_TOKENS = 20_000_000
"""Of all prompts of one measurement together."""
MOST_CELLS = 100


@dataclass(frozen=True, slots=True)
class Step:
    """One measurement."""

    conditions: dict[str, Any]
    """As the record has them, and a cell's name is made of."""
    title: str
    prompt: int | None
    """Tokens of each prompt; None where a trace says."""
    output: int | None
    number: int
    concurrency: int | None = None
    rate: float | None = None


@dataclass(frozen=True)
class ServingSpec:
    """The options of a serving profile."""

    concurrency: tuple[int, ...] = ()
    rates: tuple[float, ...] = ()
    """Requests a second."""
    arrivals: Arrivals = field(default_factory=Arrivals)
    trace: Path | None = None
    trace_format: Format = "azure"
    speed: float = 1.0
    prompts: tuple[int, ...] = (256,)
    outputs: tuple[int, ...] = (64,)
    requests: int | None = None
    """Of each measurement; None for `DEFAULT_REQUESTS`, or as many as there is time for."""
    seconds: float | None = None
    objective: Objective | None = None
    find_rate: bool = False
    max_error_rate: float = 0.01
    cache: Cache = "unknown"
    flush: str | None = None
    timeout: float = 600.0
    """Seconds that one request may take."""
    seed: int = 0

    def check(self) -> None:
        """Raises `UserError` for options that do not go together."""
        if self.find_rate and self.objective is None:
            raise UserError(
                "--find-rate looks for the highest rate that meets an objective: add --objective, such as ttft=500ms,tpot=50ms."
            )
        if self.find_rate and (self.trace is not None or self.concurrency or len(self.rates) > 1):
            raise UserError(
                "--find-rate chooses the rates itself: leave out --concurrency and --trace, and give one --rate to begin at, or none."
            )
        if self.trace is not None and (self.concurrency or self.rates):
            raise UserError(
                "--trace says itself when requests come: leave out --concurrency and --rate; --speed replays it faster."
            )
        if self.cache == "prefix-warm" and self.flush is not None:
            raise UserError("--flush empties the cache that --cache warm fills: leave out one of the two.")
        if len(self.steps()) > MOST_CELLS:
            raise UserError(
                f"--concurrency, --rate, --prompt-tokens and --output-tokens make {len(self.steps()):,} measurements: give "
                f"fewer values, {MOST_CELLS} measurements at most."
            )

    def steps(self) -> list[Step]:
        """What is measured, in order; nothing where a rate is searched or a trace is replayed."""
        if self.find_rate or self.trace is not None:
            return []
        concurrency = self.concurrency or (() if self.rates else DEFAULT_CONCURRENCY)
        found = []
        for prompt in self.prompts:
            for output in self.outputs:
                found += [self._closed(one, prompt, output) for one in concurrency]
                found += [self.open(rate, prompt, output, self._number(prompt, rate)) for rate in self.rates]
        return found

    def _closed(self, concurrency: int, prompt: int, output: int) -> Step:
        conditions = {
            "phase": "serving", "loop": "closed", "concurrency": concurrency, "prompt_tokens": prompt, "output_tokens": output,
        }  # fmt: skip
        title = f"{concurrency:,} at a time, prompt {prompt:,}, output {output:,}"
        return Step(
            conditions,
            title,
            prompt,
            output,
            self._number(prompt, None, concurrency),
            concurrency=concurrency,
        )

    def open(self, rate: float, prompt: int, output: int, number: int) -> Step:
        """An open loop at one rate."""
        conditions = {
            "phase": "serving", "loop": "open", "arrivals": self.arrivals.words, "rate": float(f"{rate:.6g}"), "prompt_tokens": prompt,
            "output_tokens": output,
        }  # fmt: skip
        title = f"{rate:.4g} a second ({self.arrivals.words}), prompt {prompt:,}, output {output:,}"
        return Step(conditions, title, prompt, output, number, rate=rate)

    def _number(self, prompt: int, rate: float | None, concurrency: int = 1) -> int:
        """How many requests are made beforehand."""
        most = max(min(MOST_REQUESTS, _MOST_TOKENS // prompt), 1)
        if self.seconds is not None:
            by_time = most if rate is None else math.floor(self.seconds * rate) + 1
            return min(by_time, self.requests or most, most)
        return min(self.requests or max(DEFAULT_REQUESTS, 4 * concurrency), most)
