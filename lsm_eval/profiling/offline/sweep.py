"""Measures all cells, round by round, each round in a new random order, so that drift of the machine does not bias any cell."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from lsm_eval.models.base import Model
from lsm_eval.profiling.matmul import UNMEASURED, Machine
from lsm_eval.profiling.offline.measure import Batch, BatchRunner, NotMeasured
from lsm_eval.profiling.offline.reach import MachineMeter
from lsm_eval.profiling.offline.spec import Cell, OfflineSpec
from lsm_eval.progress import Progress
from lsm_eval.statistics.repeats import repeated_mean

DISTURBED = "it was faster than what the machine itself reached, measured again and again in the same minute"
_AGAIN = 2
"""How many batches of a cell are measured again because they were faster than the machine."""
_LEAST = 2
"""Least number of rounds for an interval."""


@dataclass(frozen=True, slots=True)
class MeasuredBatch:
    """One batch that was measured."""

    cell: Cell
    round: int
    """From 0; -1 for warming up."""
    order: int
    start: float
    """Seconds since the start of the sweep."""
    batch: Batch
    machine: Machine
    """The machine in the same minute; `UNMEASURED` if the model's operations are not known."""
    disturbed: str | None = None

    @property
    def counts(self) -> bool:
        """Whether it is used for the numbers."""
        return self.round >= 0 and self.disturbed is None


@dataclass
class SweepResult:
    """The measured batches, and the cells that could not be measured."""

    rows: list[MeasuredBatch] = field(default_factory=list)
    missing: dict[Cell, str] = field(default_factory=dict)
    stopped: str | None = None

    def of(self, cell: Cell) -> list[MeasuredBatch]:
        """The cell's rows that count, in chronological order."""
        return [row for row in self.rows if row.cell == cell and row.counts]


def sweep(
    model: Model,
    cells: Sequence[Cell],
    spec: OfflineSpec,
    bench: BatchRunner,
    reach: MachineMeter,
    progress: Progress,
) -> SweepResult:
    """Measure the cells of a loaded model. Ctrl-C ends it: the result has what was measured so far, and `stopped` says so; raises
    KeyboardInterrupt if no cell is complete by then. A cell that runs out of memory is missing in the result."""
    return _Sweeper(model, cells, spec, bench, reach, progress).run()


class _Sweeper:
    def __init__(
        self,
        model: Model,
        cells: Sequence[Cell],
        spec: OfflineSpec,
        bench: BatchRunner,
        reach: MachineMeter,
        progress: Progress,
    ) -> None:
        self._model, self._cells, self._spec = model, list(cells), spec
        self._bench, self._reach, self._progress = bench, reach, progress
        self._rng = random.Random(spec.seed)
        self._found = SweepResult()
        self._start = time.monotonic()
        self._order = 0
        self._beyond: Counter[Cell] = Counter()
        """How often a cell was faster than the machine even when that was measured again: its data fits into caches, or something
        disturbed the measurement."""

    def run(self) -> SweepResult:
        round_number = -1
        try:
            self._warm_up()
            for round_number in range(self._spec.most):
                due = self._due(round_number)
                if not due:
                    break
                self._rng.shuffle(due)
                with self._progress.phase(f"round {round_number + 1}", len(due)) as phase:
                    for cell in due:
                        self._one(cell, round_number)
                        phase.advance(1, cell.tokens)
        except KeyboardInterrupt:
            if not any(len(self._found.of(cell)) >= _LEAST for cell in self._cells):
                raise
            self._found.stopped = (
                f"Ctrl-C ended it in round {round_number + 1} of {self._spec.repeats} or more."
            )
        for cell in self._cells:
            if not self._found.of(cell):
                self._found.missing.setdefault(cell, "It was stopped before this was measured.")
        return self._found

    def _warm_up(self) -> None:
        """Run each cell once: this selects kernels, allocates memory, and shows how long the sweep will take."""
        first = self._cells[0]
        with self._progress.phase("warm up", len(self._cells)) as phase:
            try:
                self._bench.as_of_a_long_run(first, self._rng)
            except NotMeasured as error:
                self._found.missing.update(
                    dict.fromkeys(self._cells, f"{str(error)[:1].upper()}{str(error)[1:]}.")
                )
                return
            for cell in self._cells:
                self._one(cell, -1)
                if cell is first:
                    self._say(self._foreseen())
                phase.advance(1, cell.tokens)

    def _due(self, round_number: int) -> list[Cell]:
        """Cells that this round measures: all, and after `repeats` rounds those whose interval is too wide."""
        left = [cell for cell in self._cells if cell not in self._found.missing]
        if round_number < self._spec.repeats:
            return left
        return [
            cell
            for cell in left
            if repeated_mean([row.batch.seconds for row in self._found.of(cell)]).half_width
            > self._spec.within
        ]

    def _one(self, cell: Cell, round_number: int) -> None:
        if cell in self._found.missing:
            return
        try:
            requests = self._bench.prompts(cell, self._rng)
            while True:
                start = time.monotonic() - self._start
                batch = self._bench.measure(cell, requests)
                machine, beyond = self._beside(cell, batch)
                again = beyond and self._beyond[cell] < _AGAIN and round_number >= 0
                self._found.rows.append(
                    MeasuredBatch(
                        cell, round_number, self._order, start, batch, machine, DISTURBED if again else None
                    )
                )
                self._order += 1
                if not again:
                    return
                self._beyond[cell] += 1
                requests = self._bench.prompts(cell, self._rng)
        except NotMeasured as error:
            why = str(error)
            self._found.missing[cell] = f"{why[:1].upper()}{why[1:]}."
            self._progress.note(f"{cell.title}: not measured, because {why}.")

    def _beside(self, cell: Cell, batch: Batch) -> tuple[Machine, bool]:
        """The machine in the same minute, and whether the batch was faster nevertheless."""
        speeds = batch.speeds
        if speeds.flops is None and speeds.bytes is None:
            return UNMEASURED, False
        machine = self._reach.now() if self._beyond[cell] >= _AGAIN else self._reach.beside(speeds)
        return machine, speeds.beyond(machine)

    def _foreseen(self) -> float:
        """A rough estimate of the seconds that the sweep will take, from the first cell."""
        row = self._found.rows[-1] if self._found.rows else None
        if row is None:
            return 0.0
        batch = row.batch
        read = (batch.prefill_seconds or batch.seconds) / max(batch.prompt_tokens, 1)
        step = batch.decode_seconds or read
        once = sum(cell.batch * cell.prompt * read + cell.output * step for cell in self._cells)
        return once * (1 + self._spec.repeats)

    def _say(self, seconds: float) -> None:
        minutes = seconds / 60
        about = f"about {minutes:.0f} minutes" if minutes >= 1.5 else f"about {max(seconds, 1):.0f} seconds"
        self._progress.note(
            f"{len(self._cells):,} cells, {self._spec.repeats} rounds and one to warm up: {about}, and up to {self._spec.most} rounds of "
            "cells that vary; Ctrl-C ends it and writes what there is."
        )
