"""Continuous batching: sequences leave the batch when they end, and others take their place."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lsm_eval.errors import UserError
from lsm_eval.inference.generating.budget import watch
from lsm_eval.inference.generating.capacity import Capacity
from lsm_eval.inference.generating.drawing import choose
from lsm_eval.inference.generating.packed import PackedLinears
from lsm_eval.inference.generating.prompts import Continuation, Prompt
from lsm_eval.inference.generating.sequences import Sequence, arrange, by_trunk
from lsm_eval.inference.generating.slot_attention import slot_attention
from lsm_eval.inference.generating.slots import SlotCache
from lsm_eval.inference.generating.stops import finish, holds
from lsm_eval.inference.generating.trunks import Run, Trunk
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.memory import out_of_memory, release
from lsm_eval.inference.runtime import Runtime
from lsm_eval.inference.scoring.plain import layer_count, only_rows
from lsm_eval.inference.settle import settle

if TYPE_CHECKING:
    import torch

_LEAST_CHUNK = 16


class ContinuousLoop:
    """Continues prompts with a decoder-only transformer whose attention can be replaced."""

    def __init__(
        self,
        model: Any,
        runtime: Runtime,
        ledger: Ledger,
        capacity: Capacity,
        packed: PackedLinears | None = None,
        observe: Callable[[int, torch.Tensor], None] | None = None,
    ) -> None:
        """`observe` is called with each sequence's number and its logits [vocabulary] before a token is chosen."""
        self._model, self._runtime, self._ledger = model, runtime, ledger
        self._capacity, self._packed, self._observe = capacity, packed, observe
        self._ends = frozenset(runtime.ends)
        self._waiting: deque[Sequence] = deque()
        self._active: list[Sequence] = []
        self._longest = 0
        self._cache = SlotCache(runtime.device)
        self._trunks: dict[Trunk, None] = {}
        self._groups: dict[Trunk, list[int]] = {}

    def run(self, prompts: Mapping[int, Prompt]) -> Iterator[dict[int, Continuation]]:
        """Continuations by request, as sequences end. If memory runs out, the slots are halved, and nothing is lost.

        Raises `UserError` if not even one sequence fits.
        """
        with self._ledger.planning():
            runtime = self._runtime
            self._waiting = deque(arrange(prompts, runtime.decode, self._capacity.group, runtime.written))
            for sequence in self._waiting:
                sequence.budget = watch(sequence.prompt, runtime)
        self._active = []
        self._longest = max((sequence.reserved for sequence in self._waiting), default=0)
        self._reset()
        while self._waiting or self._active:
            done: dict[int, Continuation] | None = None
            try:
                # The model's attention is replaced only while this runs, never while a caller has control.
                with self._changed():
                    done = self._until_some_end()
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
            if done is None:
                self._shrink()
            elif done:
                yield done
        self._reset()

    # What happens in what order

    def _until_some_end(self) -> dict[int, Continuation]:
        done: dict[int, Continuation] = {}
        while not done and (self._waiting or self._active):
            self._admit()
            done = self._step()
        return done

    def _admit(self) -> None:
        """Fill free slots, several at a time, as a pass costs the same for one token as for many."""
        capacity = self._capacity
        free = capacity.slots - len(self._active)
        if self._active and free < min(len(self._waiting), max(capacity.slots // 8, 1)):
            return
        entered: list[tuple[int, Sequence]] = []
        while self._waiting and len(self._active) < capacity.slots and self._fits(self._waiting[0]):
            entered.append((len(self._active), self._waiting[0]))
            self._active.append(self._waiting.popleft())
            self._trunks |= dict.fromkeys(entered[-1][1].path())
        if not entered:
            return
        began = time.perf_counter()
        for _, sequence in entered:
            sequence.began = sequence.began or began  # if it is read again, the first time counts
        self._groups = by_trunk(self._active)
        slots = min(capacity.slots, len(self._active) + len(self._waiting))
        longest = max(sequence.reserved for sequence in self._active)
        if slots * self._longest <= capacity.tokens:
            longest = self._longest  # reserved at once, as growing step by step copies the cache
        self._cache.reserve(slots, longest)
        self._read([_trunk_run(trunk) for trunk in self._trunks if trunk.computed < len(trunk.tokens)])
        for slot, sequence in entered:
            sequence.length = self._cache.copy(sequence.copied, slot)
        own = [(slot, sequence, sequence.tokens()) for slot, sequence in entered]
        self._read(
            [
                Run(slot, sequence.trunk, sequence.start, sequence.length, tokens[sequence.length : -1])
                for slot, sequence, tokens in own
            ]
        )
        for _, sequence, tokens in own:
            sequence.length = len(tokens) - 1

    def _read(self, runs: list[Run]) -> None:
        """Read the tokens of `runs` into the cache, in passes of at most `Capacity.chunk` tokens."""
        batch: list[Run] = []
        room = self._capacity.chunk
        for run in runs:
            while run.tokens:
                part = replace(run, tokens=run.tokens[:room])
                batch.append(part)
                room -= len(part.tokens)
                run = replace(run, done=run.done + len(part.tokens), tokens=run.tokens[len(part.tokens) :])
                if not room:
                    # A trunk that is read in part ends its pass, so that whatever is below it comes later.
                    self._read_pass(batch)
                    batch, room = [], self._capacity.chunk
        if batch:
            self._read_pass(batch)

    def _read_pass(self, runs: list[Run]) -> None:
        import torch

        start = time.perf_counter()
        self._cache.read(runs)
        # No logits are needed here: the prompt's last token is read in the first step.
        with only_rows(self._model, torch.zeros(0, dtype=torch.long, device=self._runtime.device)):
            self._forward([token for run in runs for token in run.tokens])
        for run in runs:
            if isinstance(run.target, Trunk):
                run.target.computed = run.done + len(run.tokens)
        work = self._ledger.prefill
        sizes = [(run.start + run.done, len(run.tokens)) for run in runs]
        work.tokens += sum(size for _, size in sizes)
        work.pairs += self._layers * sum(size * before + size * (size + 1) // 2 for before, size in sizes)
        work.passes += 1
        settle(self._runtime.device)  # otherwise this work would be counted as decoding
        work.seconds += time.perf_counter() - start

    def _step(self) -> dict[int, Continuation]:
        """One token for each sequence. Returns those that have ended."""
        start = time.perf_counter()
        active = self._active
        lengths = [sequence.length for sequence in active]
        self._cache.write([sequence.trunk for sequence in active], lengths, self._groups)
        last = [sequence.new[-1] if sequence.new else sequence.prompt.tokens[-1] for sequence in active]
        logits = self._forward(last).float()
        bad: list[bool] = logits.isnan().any(dim=-1).tolist()
        if self._observe is not None:
            for sequence, row in zip(active, logits, strict=True):
                self._observe(sequence.number, row)
        uniforms = [
            sequence.stream.uniform(len(sequence.new)) if sequence.prompt.temperature > 0 else 0.0
            for sequence in active
        ]
        tokens = choose(logits, [sequence.prompt for sequence in active], uniforms)
        ended = []
        for slot, (sequence, token) in enumerate(zip(active, tokens, strict=True)):
            sequence.length += 1
            if sequence.budget is not None:
                token = sequence.budget.next(sequence.new, token)
            sequence.new.append(token)
            if bad[slot] or self._is_over(sequence, token):
                ended.append(slot)
        runtime = self._runtime
        done = {
            active[slot].number: finish(
                active[slot].prompt, active[slot].new, bad[slot], self._ends, runtime.decode, runtime.written
            )
            for slot in ended
        }
        if ended:
            now = time.perf_counter()
            self._ledger.sequences.extend(now - active[slot].began for slot in ended)
        for slot in ended:
            if bad[slot]:
                self._cache.wipe(slot)
        self._leave(ended)
        work = self._ledger.decode
        work.tokens += len(tokens)
        work.pairs += self._layers * sum(
            sequence_start + length + 1
            for sequence_start, length in zip(self._cache.starts, lengths, strict=True)
        )
        work.rows += len(tokens)
        work.passes += 1
        work.seconds += time.perf_counter() - start
        return done

    def _is_over(self, sequence: Sequence, token: int) -> bool:
        if token in self._ends or len(sequence.new) >= sequence.prompt.max_tokens:
            return True
        if sequence.budget is not None and sequence.budget.over(sequence.new):
            return True
        if not sequence.watch.push(token):
            return False
        # The watch decodes a few tokens only; the whole text decides.
        return holds(sequence.prompt, sequence.new, self._runtime.decode, self._runtime.written)

    def _leave(self, slots: list[int]) -> None:
        """Take sequences out; the last ones move into their slots, so that slots in use stay contiguous."""
        for slot in reversed(slots):
            gone, last = self._active[slot], self._active.pop()
            if last is not gone:
                self._cache.move(len(self._active), slot, last.length)
                self._active[slot] = last
            for trunk in gone.path():
                trunk.waiting -= 1
                if not trunk.waiting:
                    trunk.clear()
                    del self._trunks[trunk]
        if slots:
            self._groups = by_trunk(self._active)

    # Memory

    def _fits(self, sequence: Sequence) -> bool:
        if not self._active:
            return True
        longest = max(sequence.reserved, *(other.reserved for other in self._active))
        shared = sum(len(trunk.tokens) for trunk in {**self._trunks, **dict.fromkeys(sequence.path())})
        return shared + (len(self._active) + 1) * longest <= self._capacity.tokens

    def _shrink(self) -> None:
        """After memory ran out: read everything again, with half the slots and half the chunk."""
        self._waiting.extendleft(reversed(self._active))
        count = max(len(self._active), 1)
        self._active = []
        for sequence in self._waiting:
            for trunk in sequence.path():
                trunk.clear()
        self._reset()
        release(self._runtime.device)
        if count == 1 and self._capacity.chunk <= _LEAST_CHUNK:
            raise UserError(
                f"not enough memory on {self._runtime.device} for a single sequence: use a smaller model, another "
                "--device or --dtype, or leave out tasks with long texts; what was answered is kept, unless by --store none."
            )
        chunk = max(self._capacity.chunk // 2, _LEAST_CHUNK)
        self._capacity = replace(self._capacity, slots=max(count // 2, 1), chunk=chunk)

    def _reset(self) -> None:
        self._cache = SlotCache(self._runtime.device)
        self._trunks, self._groups = {}, {}

    # The model

    @property
    def _layers(self) -> int:
        return layer_count(self._model)

    def _forward(self, tokens: list[int]) -> torch.Tensor:
        """Logits [rows, vocabulary] of one pass over `tokens`, one row for each."""
        import torch

        out = self._model(
            input_ids=torch.tensor([tokens], device=self._runtime.device),
            position_ids=self._cache.positions[None],
            past_key_values=self._cache,
            use_cache=True,
        )
        logits: torch.Tensor = out.logits[0]
        return logits

    def _changed(self) -> AbstractContextManager[None]:
        return slot_attention(self._model, self._cache, self._packed)


def _trunk_run(trunk: Trunk) -> Run:
    return Run(trunk, trunk.parent, trunk.start, trunk.computed, trunk.tokens[trunk.computed :])
