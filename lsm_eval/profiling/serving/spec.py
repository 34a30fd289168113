"""Options of a serving profile."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.profiling.serving.arrivals import Arrivals
from lsm_eval.profiling.serving.objective import Objective
from lsm_eval.profiling.serving.search import LOOKS, first_number
from lsm_eval.profiling.serving.traces import Format
from lsm_eval.results.profile_rows import Cache

DEFAULT_CONCURRENCY = (1, 4, 16)
DEFAULT_REQUESTS = 100
MOST_REQUESTS = 100_000
"""Largest number in one measurement, since its prompts are made in advance."""
_MOST_TOKENS = 20_000_000
"""Largest total of prompt tokens in one measurement."""
_QUICKEST_SECONDS = 0.05
"""Shortest assumed time of a request, for the number of prompts made in advance for a closed loop with a time limit."""
MOST_CELLS = 100


@dataclass(frozen=True, slots=True)
class Step:
    """One measurement."""

    conditions: dict[str, Any]
    """The conditions as stored in the record; they also give the cell's name."""
    title: str
    prompt: int | None
    """Tokens of each prompt; None if a trace determines them."""
    output: int | None
    number: int
    concurrency: int | None = None
    rate: float | None = None
    draw: int = 0
    """Number of the arrival pattern: repeated looks at one rate use different ones."""


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
    """Number in each measurement; None for `DEFAULT_REQUESTS`, or as many as time allows."""
    seconds: float | None = None
    objective: Objective | None = None
    find_rate: bool = False
    max_error_rate: float = 0.01
    cache: Cache = "unknown"
    flush: str | None = None
    timeout: float = 600.0
    """Time limit of one request, in seconds."""
    seed: int = 0

    def check(self) -> None:
        """Raises `UserError` for incompatible options."""
        if self.find_rate and self.objective is None:
            raise UserError(
                "--find-rate looks for the highest rate that meets an objective: add --objective, such as ttft=500ms,tpot=50ms."
            )
        if self.find_rate and (self.trace is not None or self.concurrency or len(self.rates) > 1):
            raise UserError(
                "--find-rate chooses the rates itself: leave out --concurrency and --trace, and give one --rate to begin at, or none."
            )
        if self.find_rate and self.requests is not None:
            raise UserError(
                "--find-rate decides itself how many requests tell enough: leave out --requests; --seconds makes each probe longer."
            )
        if self.find_rate and (len(self.prompts) > 1 or len(self.outputs) > 1):
            raise UserError(
                "--find-rate looks for one rate: give one --prompt-tokens and one --output-tokens."
            )
        if self.find_rate and self.objective is not None:
            most = first_number(self.objective.share) * 2 ** (LOOKS - 1)
            if most > MOST_REQUESTS:
                raise UserError(
                    f"--objective {self.objective.words}: up to {most:,} requests a rate may be needed to show such a share, and "
                    f"{MOST_REQUESTS:,} is the most: ask for a lower one."
                )
        if self.trace is not None and (self.concurrency or self.rates):
            raise UserError(
                "--trace says itself when requests come: leave out --concurrency and --rate; --speed replays it faster."
            )
        if self.cache == "prefix-warm" and self.flush is not None:
            raise UserError("--flush empties the cache that --cache warm fills: leave out one of the two.")
        if self.trace is None and not self.find_rate:
            self._check_requests()
        if len(self.steps()) > MOST_CELLS:
            raise UserError(
                f"--concurrency, --rate, --prompt-tokens and --output-tokens make {len(self.steps()):,} measurements: give "
                f"fewer values, {MOST_CELLS} measurements at most."
            )

    def _check_requests(self) -> None:
        """Raises `UserError` if the requests do not suffice for the requested concurrency, or are too many."""
        longest, places = max(self.prompts), max(self.concurrency, default=1)
        most = max(min(MOST_REQUESTS, _MOST_TOKENS // longest), 1)
        if self.requests is not None and self.requests < places:
            raise UserError(
                f"--requests {self.requests:,} cannot keep {places:,} under way at a time: give --requests {4 * places:,} or more, or a lower "
                "--concurrency."
            )
        by_rate = [math.floor(self.seconds * rate) + 1 for rate in self.rates] if self.seconds else []
        wanted = max([self.requests or 0, places, *by_rate])
        if self.requests is not None:
            wanted = max(min(wanted, self.requests), places)
        if wanted > most:
            raise UserError(
                f"{wanted:,} requests of {longest:,} tokens in one measurement are more than are made beforehand ({most:,} of this length): "
                "give fewer --requests, less --seconds or a lower --rate."
            )

    def steps(self) -> list[Step]:
        """The measurements, in order; empty if a rate is searched or a trace is replayed."""
        if self.find_rate or self.trace is not None:
            return []
        concurrency = self.concurrency
        if not concurrency and not self.rates:
            concurrency = tuple(one for one in DEFAULT_CONCURRENCY if one <= (self.requests or one))
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

    def open(self, rate: float, prompt: int, output: int, number: int, draw: int = 0) -> Step:
        """An open loop at one rate."""
        conditions = {
            "phase": "serving", "loop": "open", "arrivals": self.arrivals.words, "rate": float(f"{rate:.6g}"), "prompt_tokens": prompt,
            "output_tokens": output,
        }  # fmt: skip
        title = f"{rate:.4g} a second ({self.arrivals.words}), prompt {prompt:,}, output {output:,}"
        return Step(conditions, title, prompt, output, number, rate=rate, draw=draw)

    def _number(self, prompt: int, rate: float | None, concurrency: int = 1) -> int:
        """The number of requests made in advance."""
        most = max(min(MOST_REQUESTS, _MOST_TOKENS // prompt), 1)
        if self.seconds is not None:
            most_of_loop = math.ceil(self.seconds * concurrency / _QUICKEST_SECONDS)
            by_time = most_of_loop if rate is None else math.floor(self.seconds * rate) + 1
            return min(by_time, self.requests or most, most)
        return min(self.requests or max(DEFAULT_REQUESTS, 4 * concurrency), most)
