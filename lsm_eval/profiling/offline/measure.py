"""Measurement of one batch."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass

from lsm_eval.errors import UserError
from lsm_eval.models.base import Model
from lsm_eval.profiling.energy import Energy
from lsm_eval.profiling.memory import Peak
from lsm_eval.profiling.offline.reach import Speeds
from lsm_eval.profiling.offline.spec import Cell
from lsm_eval.profiling.prompts import counted_by, made_up
from lsm_eval.requests import Failure, Generate, Generated

_TOGETHER = 0.99
"""Share of a batch that must be computed at the same time for the measurement to count as this batch size."""


class NotMeasured(Exception):
    """A cell cannot be measured; its text says why, in a sentence."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The measurements of one batch."""

    seconds: float
    """Wall time from the requests to the last answer, without one-time work of a run (the engine's checks of itself)."""
    prompt_tokens: int
    output_tokens: int
    prefill_seconds: float | None = None
    decode_seconds: float | None = None
    """Time in the engine's forward passes; None if the engine does not report it."""
    decode_tokens: int | None = None
    """Tokens generated in the decoding passes: without the first token of an answer if the prefill pass generates it."""
    prefill_flops: float | None = None
    decode_flops: float | None = None
    decode_bytes: float | None = None
    joules: float | None = None
    cpu_seconds: float = 0.0
    peak_memory: int | None = None
    peak_device_memory: int | None = None

    @property
    def speeds(self) -> Speeds:
        """The highest rates that it reached in prefill or decoding."""
        rates = [
            _rate(self.prefill_flops, self.prefill_seconds),
            _rate(self.decode_flops, self.decode_seconds),
        ]
        known = [rate for rate in rates if rate is not None]
        return Speeds(max(known) if known else None, _rate(self.decode_bytes, self.decode_seconds))


class BatchRunner:
    """Runs batches on a loaded model and measures them."""

    def __init__(self, model: Model, energy: Energy, *, plain: bool = False) -> None:
        """`plain`: measure only the time (`benchmarks/profile_overhead.py` compares the profiler with that)."""
        self._model, self._energy, self._plain = model, energy, plain
        self._device = model.info.device
        self._count = counted_by(model)

    def prompts(self, cell: Cell, rng: random.Random) -> list[Generate]:
        """New synthetic requests that were not used before."""
        texts = made_up(self._count, cell.batch, cell.prompt, rng)
        return [Generate(text, max_tokens=cell.output) for text in texts]

    def lengths(self, requests: list[Generate]) -> int:
        """Total number of tokens in their prompts."""
        return sum(self._count([request.prompt for request in requests]))

    def as_of_a_long_run(self, cell: Cell, rng: random.Random, tokens: int = 8192) -> None:
        """Answer one prompt as if it were part of a run of this many tokens: an engine that prepares for long runs (reorders weights,
        times kernels against each other) does so now."""
        requests = self.prompts(Cell(cell.phase, 1, cell.prompt, cell.output), rng)
        many = requests * max(tokens // max(cell.prompt + cell.output, 1), 1)
        self._answered(many, known=range(1, len(many)))

    def measure(self, cell: Cell, requests: list[Generate]) -> Batch:
        """Answer the requests and measure it. Raises `NotMeasured` if there is not enough memory, or the engine does not compute them
        together."""
        model = self._model
        prompt_tokens = self.lengths(requests)
        if self._plain:
            start = time.perf_counter()
            written = self._answered(requests)
            return Batch(time.perf_counter() - start, prompt_tokens, written)
        peak = Peak(self._device)
        before = dict(model.computed())
        joules = self._energy.joules()
        cpu, start = time.process_time(), time.perf_counter()
        written = self._answered(requests)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        after = self._energy.joules()
        counts = {name: value - before.get(name, 0.0) for name, value in model.computed().items()}
        _check_together(cell, counts)
        memory, device_memory = peak.read()
        return Batch(
            seconds=seconds - counts.get("check_seconds", 0.0),
            prompt_tokens=prompt_tokens,
            output_tokens=written,
            prefill_seconds=counts.get("prefill_seconds") if counts.get("prefill_passes") else None,
            decode_seconds=counts.get("decode_seconds") if counts.get("decode_passes") else None,
            decode_tokens=int(counts["decode_tokens"]) if counts.get("decode_passes") else None,
            prefill_flops=counts.get("prefill_flops") or None,
            decode_flops=counts.get("decode_flops") or None,
            decode_bytes=counts.get("decode_bytes") or None,
            joules=None if joules is None or after is None else after - joules,
            cpu_seconds=cpu,
            peak_memory=memory,
            peak_device_memory=device_memory,
        )

    def _answered(self, requests: list[Generate], known: range = range(0)) -> int:
        """Answer the requests; returns the number of new tokens."""
        from lsm_eval.inference.memory import out_of_memory, release

        written = 0
        why = None
        try:
            for answers in self._model.answer(requests, known):
                for answer in answers.values():
                    if isinstance(answer, Failure):
                        raise NotMeasured(f"the model does not answer such a prompt ({answer.detail})")
                    assert isinstance(answer, Generated)
                    if answer.tokens is None:
                        raise NotMeasured("the engine does not say how many tokens it wrote")
                    written += answer.tokens
        except UserError as error:
            if "not enough memory" not in str(error):
                raise
            why = str(error).partition(":")[0]
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            why = "there was not enough memory"
        if why is not None:
            if self._device is not None:
                release(self._device)
            raise NotMeasured(why)
        return written


def _check_together(cell: Cell, counts: Mapping[str, float]) -> None:
    """Raises `NotMeasured` if the engine split the batch."""
    passes, tokens = counts.get("decode_passes", 0), counts.get("decode_tokens", 0)
    if not passes or cell.batch == 1:
        return
    together = tokens / passes
    if together < _TOGETHER * cell.batch:
        raise NotMeasured(
            f"the engine computed {together:.3g} of the {cell.batch:,} prompts at a time: more have no room in its memory or slots"
        )


def _rate(part: float | None, seconds: float | None) -> float | None:
    return part / seconds if part is not None and seconds else None
