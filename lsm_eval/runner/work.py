"""What a run computed and how long it took, in the record's schema."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from lsm_eval.inference.times import Found
from lsm_eval.models.base import Model
from lsm_eval.profiling.matmul import UNMEASURED, Machine, measure_beside
from lsm_eval.profiling.memory import peak_device_memory, peak_memory
from lsm_eval.progress import Phase as Shown
from lsm_eval.progress import Progress
from lsm_eval.results.work_rows import Passes, Phase, Work
from lsm_eval.runner.execute import Tally

_PURPOSES = ("score", "prefill", "decode")
_WORTH_SECONDS = 3.0  # of computing; for shorter runs measuring the machine is not worth its time
_ASKING = ("score", "perplexity", "generate")
_LOAD = "load model"
_SLOW_PRODUCT = (
    "the one measured beside the run was slower than the run itself, and so says not what the machine can do"
)
_SLOW_MEMORY = "more a second than was measured: the model stays in the processor's cache, or something disturbed the measurement"


class PhaseTimer:
    """Progress that also measures how long each phase took, and the total time."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._start = time.perf_counter()
        self.seconds: dict[str, float] = {}
        self._under_way: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str, total: int | None = None) -> Iterator[Shown]:
        """A phase that is shown and timed."""
        with self.silently(name), self._progress.phase(name, total) as phase:
            yield phase

    @contextmanager
    def silently(self, name: str) -> Iterator[None]:
        """A phase that is timed only."""
        self._under_way[name] = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - self._under_way.pop(name)

    def note(self, text: str) -> None:
        """See `Progress`."""
        self._progress.note(text)

    def now(self) -> tuple[dict[str, float], float]:
        """Seconds of each phase, including running ones, and in total."""
        end = time.perf_counter()
        found = dict(self.seconds)
        for name, start in self._under_way.items():
            found[name] = found.get(name, 0.0) + end - start
        return found, end - self._start


@dataclass(frozen=True)
class RunUsage:
    """What a run used, known after the last answer."""

    tallies: Sequence[Tally]
    counts: Mapping[str, float]
    """The increase of `Model.computed` in this run; empty if the model does not count, or computed nothing."""
    counted: bool
    """Whether the model counts tokens at all (`Model.cost`)."""
    stored: bool
    """Whether a store was used."""
    machine: Machine = UNMEASURED
    peak: int | None = None
    device_peak: int | None = None
    times: Found = field(default_factory=dict)
    """The times that the model measured for its requests."""


def computed_since(before: Mapping[str, float], model: Model) -> dict[str, float]:
    """What `model` computed since `before`, an earlier value of its `computed()`."""
    return {name: value - before.get(name, 0) for name, value in model.computed().items()}


def measure_machine(usage: RunUsage, model: Model, timed: PhaseTimer) -> RunUsage:
    """`asked` with the peak memory and, if the run computed long enough, the measured speed of the machine."""
    info = model.info
    # The peak first, since measuring needs memory, too.
    peak, device_peak = peak_memory(), peak_device_memory(info.device)
    computing = sum(usage.counts.get(f"{purpose}_seconds", 0.0) for purpose in _PURPOSES)
    known = any(f"{purpose}_flops" in usage.counts for purpose in _PURPOSES)
    machine = usage.machine
    if known and info.device and info.dtype and computing >= _WORTH_SECONDS:
        with timed.silently("measure"):
            machine = measure_beside(
                info.device, info.dtype, max(_speed(usage, one) or 0.0 for one in _PURPOSES)
            )
    return replace(usage, machine=machine, peak=peak, device_peak=device_peak)


def phases(seconds: Mapping[str, float], usage: RunUsage, whole: float) -> list[Phase]:
    """Where the time went, each second once: the phases add up to `whole`.

    While the model is asked, its own counts split the time into tokenization, planning, scoring and decoding; for a model
    that does not count these, the kinds of requests are used instead.
    """
    left = dict(seconds)
    found: dict[str, float] = {}
    for name, into in (
        ("data", "data"),
        ("fingerprint", "fingerprint"),
        ("tokenise", "tokenise"),
        (_LOAD, "load"),
    ):
        if name in left:
            found[into] = left.pop(name)
    inside = {name: left.pop(name) for name in _ASKING if name in left}
    counts = usage.counts
    own = {
        "tokenise": counts.get("encode_seconds", 0.0),
        "plan": counts.get("plan_seconds", 0.0),
        "check": counts.get("check_seconds", 0.0),
        **{purpose: counts.get(f"{purpose}_seconds", 0.0) for purpose in _PURPOSES},
    }
    if not any(own.values()) and any(tally.computed for tally in usage.tallies):
        own = inside
    for name, value in own.items():
        if value:
            found[name] = found.get(name, 0.0) + value
    found.update({name: value for name, value in left.items() if name not in found})
    # Looking up and storing answers, and everything between two phases.
    found["other"] = max(whole - sum(found.values()), 0.0)
    return [Phase(name=name, seconds=round(value, 3)) for name, value in found.items()]


def describe(usage: RunUsage, whole: float) -> Work:
    """The computation of the run; `whole` is its wall time until now."""
    counts, tallies = usage.counts, usage.tallies
    passes = {purpose: _passes(purpose, usage) for purpose in _PURPOSES}
    there = [one for one in passes.values() if one is not None]
    if any(tally.tokens_generated for tally in tallies) and not (passes["prefill"] or passes["decode"]):
        there = []  # a model that counts only its scoring does not know what it computed
    nothing = not any(tally.computed for tally in tallies)
    computed = sum(one.tokens for one in there) if there else 0 if nothing and usage.counted else None
    tokens_asked = sum(tally.tokens_asked for tally in tallies) if usage.counted else None
    from_store = sum(tally.tokens_from_store for tally in tallies) if usage.counted else None
    positions = sum(one.tokens + one.padding for one in there)
    score = passes["score"]
    plan = counts.get("plan_seconds")
    return Work(
        seconds=round(whole, 3),
        tokens_asked=tokens_asked,
        tokens_from_store=from_store if usage.stored else None,
        tokens_computed=computed,
        tokens_ratio=(
            _share(tokens_asked - from_store, computed)
            if tokens_asked is not None and from_store is not None
            else None
        ),
        tokens_unique=_count(counts, "unique_tokens") if score else None,
        padding_share=_share(sum(one.padding for one in there), positions),
        rows_computed=score.rows if score else None,
        rows_needed=_count(counts, "rows_needed") if score else None,
        store_asked=sum(tally.unique for tally in tallies) if usage.stored else None,
        store_hits=sum(tally.from_store for tally in tallies) if usage.stored else None,
        score=score,
        prefill=passes["prefill"],
        decode=passes["decode"],
        planner_share=_share(plan, whole),
        matmul_flops_per_second=usage.machine.flops_per_second,
        memory_bytes_per_second=usage.machine.bytes_per_second,
        peak_memory_bytes=usage.peak,
        peak_device_memory_bytes=usage.device_peak,
    )


def _passes(purpose: str, usage: RunUsage) -> Passes | None:
    counts = usage.counts
    if not counts.get(f"{purpose}_passes"):
        return None
    seconds = counts.get(f"{purpose}_seconds") or None
    tokens = int(counts.get(f"{purpose}_tokens", 0))
    flops, read = counts.get(f"{purpose}_flops"), counts.get(f"{purpose}_bytes")
    speed = _speed(usage, purpose)
    product, product_why = _possible(_share(speed, usage.machine.flops_per_second), _SLOW_PRODUCT)
    memory, memory_why = _possible(
        _share(_share(read, seconds), usage.machine.bytes_per_second), _SLOW_MEMORY
    )
    return Passes(
        tokens=tokens,
        padding=int(counts.get(f"{purpose}_padding", 0)),
        pairs=int(counts.get(f"{purpose}_pairs", 0)),
        rows=int(counts.get(f"{purpose}_rows", 0)),
        passes=int(counts[f"{purpose}_passes"]),
        seconds=seconds,
        tokens_per_second=_share(tokens, seconds),
        flops=flops,
        flops_per_second=speed,
        matmul_share=product,
        matmul_share_unknown=product_why,
        read_bytes=read,
        bandwidth_share=memory,
        bandwidth_share_unknown=memory_why,
    )


def _speed(usage: RunUsage, purpose: str) -> float | None:
    """Operations per second of the passes for one purpose."""
    counts = usage.counts
    return _share(counts.get(f"{purpose}_flops"), counts.get(f"{purpose}_seconds"))


def _possible(share: float | None, why: str) -> tuple[float | None, str | None]:
    """A share of the machine's speed; None with the reason if it would be above 1."""
    return (None, why) if share is not None and share > 1 else (share, None)


def _share(part: float | None, whole: float | None) -> float | None:
    """`part / whole`; None if either is unknown or `whole` is 0."""
    return part / whole if part is not None and whole else None


def _count(counts: Mapping[str, float], name: str) -> int | None:
    """A count that is above 0 whenever anything was scored, so that 0 means that it was not counted."""
    return int(counts.get(name, 0)) or None
