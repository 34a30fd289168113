"""Encoder-decoder models: every context read once by the encoder, every decoder prefix computed once."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lsm_eval.errors import UserError
from lsm_eval.inference.families.decoder_trie import DecoderTrie, Point, Segment, node_count
from lsm_eval.inference.families.encoder_decoder_generation import write_texts
from lsm_eval.inference.families.encoder_decoder_parts import Halves, new_cache, selected
from lsm_eval.inference.families.units import ROUNDING, SharedUnits
from lsm_eval.inference.generating.prompts import Continuation, Prompt
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.memory import MemoryGuard, out_of_memory
from lsm_eval.inference.runtime import Runtime
from lsm_eval.inference.scoring.plain import SequenceScore, layer_count, only_rows, row_statistics

if TYPE_CHECKING:
    import torch

_SPREAD = 4
"""The contexts of one decoder pass may have so many times the budget, as they are only keys and values, for which nothing
is computed."""


@dataclass(frozen=True, slots=True)
class ConditionalRow:
    """A continuation whose every token is scored, given the context and the continuation's earlier tokens."""

    context: tuple[int, ...]
    """The encoder's input; at least one token."""
    continuation: tuple[int, ...]
    """The decoder's output; at least one token."""

    @property
    def scored(self) -> int:
        """How many tokens are scored: all of the continuation."""
        return len(self.continuation)


@dataclass(slots=True)
class _Unit:
    """One context and its distinct continuations."""

    context: tuple[int, ...]
    continuations: dict[tuple[int, ...], int]
    """Each with its number."""


class EncoderDecoderNetwork:
    """A sequence-to-sequence language model of transformers."""

    def __init__(self, model: Any, config: Any, runtime: Runtime) -> None:
        """Raises `UserError` for a model that does not define its decoder's first input."""
        self._halves = Halves(model, config, runtime)
        self._memory = MemoryGuard(runtime.device)
        self._checked = False
        self.ledger = Ledger()

    @property
    def details(self) -> Mapping[str, str]:
        """`engine`: how scoring is done."""
        return {"engine": "contexts encoded once, decoder prefixes shared"}

    def score(
        self, rows: Mapping[int, Sequence[ConditionalRow]], known: Collection[int]
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        """See `Network.score`. Raises `UserError` for a model that gives other numbers when prefixes are shared than with
        one context and continuation at a time."""
        with self.ledger.planning():
            numbers: dict[tuple[int, ...], int] = {}
            units: list[_Unit] = []
            needs: dict[int, list[int]] = {}
            for request, own in rows.items():
                needs[request] = []
                for row in own:
                    number = numbers.setdefault(row.context, len(numbers))
                    if number == len(units):
                        units.append(_Unit(row.context, {}))
                    tails = units[number].continuations
                    tails.setdefault(row.continuation, len(tails))
                    needs[request].append(number)
            shared = SharedUnits(needs, [len(unit.context) for unit in units])
            self._count(units, shared, known)
        if not self._checked:
            self._check(units)
        found: dict[int, list[SequenceScore]] = {}
        for batch in shared.batches(self._halves.budget, known):
            results = self._memory.run([units[number] for number in batch], self._compute)
            found.update(zip(batch, results, strict=True))
            done = {
                request: [
                    found[number][units[number].continuations[row.continuation]]
                    for number, row in zip(needs[request], rows[request], strict=True)
                ]
                for request in shared.complete(batch)
                if request not in known
            }
            if done:
                yield done

    def generate(
        self, prompts: Mapping[int, Prompt], known: Collection[int]
    ) -> Iterator[dict[int, Continuation]]:
        """See `Network.generate`. The prompts are what the encoder reads."""
        yield from write_texts(self._halves, prompts, known, self._memory, self.ledger)

    def _compute(self, units: Sequence[_Unit]) -> list[list[SequenceScore]]:
        """Scores of each unit's continuations, in the order of their numbers."""
        import torch

        start = time.perf_counter()
        trie = DecoderTrie([list(unit.continuations) for unit in units], self._halves.start)
        sums = [[0.0] * len(unit.continuations) for unit in units]
        greedy = [[True] * len(unit.continuations) for unit in units]
        lengths = [len(unit.context) for unit in units]
        with torch.inference_mode():
            states, mask = self._halves.encode([unit.context for unit in units])
            for part in self._walk(trie, states, mask, lengths):
                for point, logprob, best in part:
                    sums[point.context][point.number] += logprob
                    greedy[point.context][point.number] &= best
        work = self.ledger.score
        work.tokens += sum(lengths)
        work.padding += mask.numel() - sum(lengths)
        work.pairs += layer_count(self._halves.model) * sum(length * length for length in lengths)
        work.passes += 1
        work.seconds += time.perf_counter() - start
        return [
            [SequenceScore(logprob, best) for logprob, best in zip(*own, strict=True)]
            for own in zip(sums, greedy, strict=True)
        ]

    def _walk(
        self, trie: DecoderTrie, states: torch.Tensor, mask: torch.Tensor, lengths: Sequence[int]
    ) -> Iterator[list[tuple[Point, float, bool]]]:
        """For each decoder pass, the scored tokens, their log-probabilities, and whether they are the likeliest."""
        import torch

        # The first input computes the keys and values of the contexts, once each; later they are copied.
        root = new_cache()
        yield self._pass(trie, trie.root(), states, mask, root, lengths)
        budget = self._halves.budget
        for group in trie.groups(states.shape[1], _SPREAD * budget, budget):
            cache = root
            for segment in trie.segments(group):
                parents = torch.tensor(segment.parents, dtype=torch.long, device=states.device)
                cache = selected(cache, parents)
                contexts = torch.tensor(
                    [trie.contexts[number] for number in segment.sequences],
                    dtype=torch.long,
                    device=states.device,
                )
                yield self._pass(trie, segment, states[contexts], mask[contexts], cache, lengths)

    def _pass(
        self,
        trie: DecoderTrie,
        segment: Segment,
        states: torch.Tensor,
        mask: torch.Tensor,
        cache: Any,
        lengths: Sequence[int],
    ) -> list[tuple[Point, float, bool]]:
        import torch

        device = states.device
        own = [trie.inputs[number][segment.first : segment.end] for number in segment.sequences]
        ids = self._halves.padded(own)
        width = ids.shape[1]
        places: dict[tuple[int, int], int] = {}
        scored, wanted, targets = [], [], []
        for point in trie.points:
            row_at = segment.row_of.get(point.sequence)
            if row_at is None:
                continue
            for depth in range(segment.first, min(len(point.tokens), segment.end)):
                wanted.append(places.setdefault((row_at, depth - segment.first), len(places)))
                targets.append(point.tokens[depth])
                scored.append(point)
        flat = torch.tensor([row * width + at for row, at in places], dtype=torch.long, device=device)
        with only_rows(self._halves.model, flat):
            logits = self._halves.decode(ids, states, mask, cache)[0]
        if logits.shape[0] != len(places):
            raise RuntimeError(f"the head gave {logits.shape[0]} rows for {len(places)} scored positions")
        logprobs, hits = row_statistics(
            logits,
            torch.tensor(wanted, dtype=torch.long, device=device),
            torch.tensor(targets, dtype=torch.long, device=device),
        )
        work = self.ledger.score
        tokens_read = sum(map(len, own))
        work.tokens += tokens_read
        work.padding += ids.numel() - tokens_read
        work.rows += len(places)
        work.passes += 1
        work.pairs += len(cache.self_attention_cache.layers) * sum(
            lengths[trie.contexts[number]] * len(tokens)
            + sum(range(segment.first + 1, segment.first + len(tokens) + 1))
            for number, tokens in zip(segment.sequences, own, strict=True)
        )
        return list(zip(scored, logprobs, hits, strict=True))

    def _check(self, units: Sequence[_Unit]) -> None:
        """Compare with plain scoring on two short contexts of different lengths and some of their continuations."""
        step = max(len(units) // 2, 1)
        some = []
        for unit, size in zip(units[::step], (24, 16), strict=False):
            tails = [tail[:8] for tail in list(unit.continuations)[:3]]
            some.append(
                _Unit(unit.context[:size], {tail: at for at, tail in enumerate(dict.fromkeys(tails))})
            )
        runtime = self._halves.runtime
        ledger, self.ledger = self.ledger, Ledger()
        try:
            why = None
            for unit, scores in zip(some, self._memory.run(some, self._compute), strict=True):
                for tail, score in zip(unit.continuations, scores, strict=True):
                    apart = abs(score.logprob - self._plain(unit.context, tail))
                    if apart > ROUNDING.get(runtime.dtype, 0.05) * max(1.0, math.sqrt(len(tail))):
                        why = f"log-probabilities differ by {apart:.3g}"
        except (TypeError, AttributeError, ValueError, LookupError, RuntimeError) as error:
            if out_of_memory(error):
                raise
            # Models without such caches or outputs raise exceptions of many kinds.
            why = f"{type(error).__name__}: {str(error)[:120]}"
        finally:
            self.ledger = ledger
        if why is not None:
            raise UserError(
                f"{runtime.name}: this encoder-decoder model cannot be scored with its prefixes shared ({why}): name "
                "another --model."
            )
        self._checked = True

    def _plain(self, context: Sequence[int], continuation: Sequence[int]) -> float:
        """Log-probability of one continuation, in one pass without a cache."""
        import torch

        halves = self._halves
        inputs = halves.padded([(halves.start, *continuation[:-1])])
        with torch.inference_mode():
            logits = halves.model(
                input_ids=halves.padded([context]), decoder_input_ids=inputs, use_cache=False
            ).logits[0]
            table = logits.float().log_softmax(dim=-1)
        return float(table[range(len(continuation)), list(continuation)].double().sum())

    def _count(self, units: Sequence[_Unit], shared: SharedUnits, known: Collection[int]) -> None:
        for number, unit in enumerate(units):
            if shared.needed(number, known):
                nodes = node_count(list(unit.continuations))
                self.ledger.unique_tokens += len(unit.context) + nodes
                self.ledger.rows_needed += nodes
