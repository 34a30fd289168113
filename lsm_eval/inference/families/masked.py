"""Masked language models: pseudo-log-likelihoods, with every distinct masked text computed once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from lsm_eval.errors import UserError
from lsm_eval.inference.families.units import ROUNDING, SharedUnits
from lsm_eval.inference.generating.prompts import Continuation, Prompt
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.memory import MemoryGuard
from lsm_eval.inference.runtime import Runtime
from lsm_eval.inference.scoring.plain import SequenceScore, layer_count, row_statistics

if TYPE_CHECKING:
    import torch

_CPU_TOKENS, _ACCELERATOR_TOKENS = 1024, 32768
_PROBE = 32  # tokens of the text that is used to test whether padding matters


@dataclass(frozen=True, slots=True)
class MaskedRow:
    """A text of which some tokens are scored, each by masking it alone."""

    tokens: tuple[int, ...]
    """The whole text, special tokens included."""
    first: int
    """Index of the first scored token."""
    scored: int
    """How many tokens are scored, from `first` on."""


def masked_windows(
    tokens: Sequence[int], prefix: Sequence[int], suffix: Sequence[int], size: int | None
) -> list[MaskedRow]:
    """A text's tokens as windows of at most `size` tokens in which every token is scored exactly once.

    `prefix` and `suffix` (special tokens) are put around each window. The last window reaches back so far that it is full;
    its left part was scored in the window before.
    """
    room = max(size - len(prefix) - len(suffix), 1) if size else max(len(tokens), 1)
    parts, done = [], 0
    while done < len(tokens):
        new = min(len(tokens) - done, room)
        end = done + new
        body = tokens[max(end - room, 0) : end]
        parts.append(MaskedRow((*prefix, *body, *suffix), len(prefix) + len(body) - new, new))
        done = end
    return parts


@dataclass(frozen=True, slots=True)
class _Unit:
    """One masked text, and the tokens that it scores."""

    row: int
    """A row with this text."""
    masked: int
    """The place that is masked in that row."""
    points: list[tuple[int, int]]
    """Row and place of each token that it scores."""


class MaskedNetwork:
    """A masked language model of transformers.

    The score of a text is the sum of log P(token | all other tokens) over the scored tokens, each masked in turn
    (Salazar et al. 2020, "Masked Language Model Scoring", eq. 2). That is not the probability of the text.
    """

    def __init__(self, model: Any, config: Any, runtime: Runtime, mask: int) -> None:
        """`mask`: the mask token."""
        self._model, self._config, self._runtime, self._mask = model, config, runtime, mask
        self._memory = MemoryGuard(runtime.device)
        self._padded: bool | None = None
        self.ledger = Ledger()

    @property
    def details(self) -> Mapping[str, str]:
        """`engine`: how scoring is done."""
        apart = ", only texts of one length together, because padding changes this model's numbers"
        return {"engine": f"masked, one token at a time{apart if self._padded is False else ''}"}

    def score(
        self, rows: Mapping[int, Sequence[MaskedRow]], known: Collection[int]
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        """See `Network.score`. `greedy`: every token is the likeliest at its place, given all others."""
        with self.ledger.planning():
            flat: list[MaskedRow] = []
            span: dict[int, range] = {}
            for request, own in rows.items():
                span[request] = range(len(flat), len(flat) + len(own))
                flat += own
            units, of_row = self._units(flat)
            shared = SharedUnits(
                {request: [unit for at in span[request] for unit in of_row[at]] for request in rows},
                [len(flat[unit.row].tokens) for unit in units],
            )
            self._count(flat, units, shared, known)
        sums, greedy = [0.0] * len(flat), [True] * len(flat)
        if self._padded is None:
            self._padded = self._bears_padding(flat)
        for batch in shared.batches(self._budget, known, padded=self._padded):
            results = self._memory.run([units[number] for number in batch], self._compute(flat))
            for number, found in zip(batch, results, strict=True):
                for (row, _), (logprob, best) in zip(units[number].points, found, strict=True):
                    sums[row] += logprob
                    greedy[row] &= best
            done = {
                request: [SequenceScore(sums[at], greedy[at]) for at in span[request]]
                for request in shared.complete(batch)
                if request not in known
            }
            if done:
                yield done

    def generate(
        self, prompts: Mapping[int, Prompt], known: Collection[int]
    ) -> Iterator[dict[int, Continuation]]:
        """Raises `UserError`, as these models generate no text."""
        raise UserError(
            f"{self._runtime.name} is a masked language model and writes no text: leave out tasks that generate."
        )

    def _units(self, rows: Sequence[MaskedRow]) -> tuple[list[_Unit], list[list[int]]]:
        """The distinct masked texts, and the numbers of those that each row needs."""
        import numpy as np

        numbers: dict[bytes, int] = {}
        units: list[_Unit] = []
        of_row = []
        for at, row in enumerate(rows):
            tokens = np.array(row.tokens, dtype=np.int32)
            own = []
            for place in range(row.first, row.first + row.scored):
                token, tokens[place] = tokens[place], self._mask
                # By digest, as the masked texts of a text of n tokens have n² tokens together.
                number = numbers.setdefault(blake2b(tokens.tobytes(), digest_size=16).digest(), len(units))
                tokens[place] = token
                if number == len(units):
                    units.append(_Unit(at, place, []))
                units[number].points.append((at, place))
                own.append(number)
            of_row.append(own)
        return units, of_row

    def _compute(
        self, rows: Sequence[MaskedRow]
    ) -> Callable[[Sequence[_Unit]], list[list[tuple[float, bool]]]]:
        def compute(units: Sequence[_Unit]) -> list[list[tuple[float, bool]]]:
            return self._forward(rows, units)

        return compute

    def _forward(self, rows: Sequence[MaskedRow], units: Sequence[_Unit]) -> list[list[tuple[float, bool]]]:
        """For each unit's points, the token's log-probability and whether it is the likeliest."""
        import torch

        start = time.perf_counter()
        device = self._runtime.device
        lengths = [len(rows[unit.row].tokens) for unit in units]
        width = max(lengths)
        ids = torch.full((len(units), width), self._runtime.pad, dtype=torch.long)
        seen = torch.zeros((len(units), width), dtype=torch.long)
        places: dict[tuple[int, int], int] = {}
        wanted, targets = [], []
        for at, unit in enumerate(units):
            ids[at, : lengths[at]] = torch.tensor(rows[unit.row].tokens, dtype=torch.long)
            ids[at, unit.masked] = self._mask
            seen[at, : lengths[at]] = 1
            for row, place in unit.points:
                # One place per unit, unless the text itself contains mask tokens.
                wanted.append(places.setdefault((at, place), len(places)))
                targets.append(rows[row].tokens[place])
        flat = torch.tensor([at * width + place for at, place in places], dtype=torch.long, device=device)
        with torch.inference_mode(), _only_hidden_rows(self._model, flat):
            logits = self._model(input_ids=ids.to(device), attention_mask=seen.to(device)).logits
        if logits.shape[:-1] != (1, len(places)):
            raise UserError(
                f"{self._runtime.name}: a masked language model of type {self._config.model_type!r} cannot be "
                "scored, because its head takes more than one vector per token: name another --model."
            )
        logprobs, hits = row_statistics(
            logits[0],
            torch.tensor(wanted, dtype=torch.long, device=device),
            torch.tensor(targets, dtype=torch.long, device=device),
        )
        work = self.ledger.score
        work.tokens += sum(lengths)
        work.padding += width * len(units) - sum(lengths)
        work.pairs += layer_count(self._model) * sum(length * length for length in lengths)
        work.rows += len(places)
        work.passes += 1
        work.seconds += time.perf_counter() - start
        found = iter(zip(logprobs, hits, strict=True))
        return [[next(found) for _ in unit.points] for unit in units]

    def _bears_padding(self, rows: Sequence[MaskedRow]) -> bool:
        """Whether a text has the same scores in a batch with a longer one: models that mix tokens by convolution, pooling or
        a Fourier transform (ConvBERT, Funnel, FNet) see the padding, whatever the mask."""
        tokens = max((row.tokens for row in rows), key=len)[:_PROBE]
        if len(tokens) == 1:
            return True
        some = [MaskedRow(tokens[: max(len(tokens) - 3, 1)], 0, 1), MaskedRow(tokens, 0, 1)]
        ledger, self.ledger = self.ledger, Ledger()
        try:
            units = [_Unit(at, 0, [(at, 0)]) for at in (0, 1)]
            compute = self._compute(some)
            (((alone, _),),) = self._memory.run(units[:1], compute)
            ((beside, _),), _ = self._memory.run(units, compute)
        finally:
            self.ledger = ledger
        apart = abs(alone - beside)
        return math.isnan(apart) or apart <= ROUNDING.get(self._runtime.dtype, 0.05)

    def _count(
        self, rows: Sequence[MaskedRow], units: Sequence[_Unit], shared: SharedUnits, known: Collection[int]
    ) -> None:
        for number, unit in enumerate(units):
            if shared.needed(number, known):
                self.ledger.unique_tokens += len(rows[unit.row].tokens)
                self.ledger.rows_needed += len({place for _, place in unit.points})

    @property
    def _budget(self) -> int:
        own = self._runtime.batch_tokens
        return own or (_CPU_TOKENS if self._runtime.device == "cpu" else _ACCELERATOR_TOKENS)


@contextmanager
def _only_hidden_rows(model: Any, flat: torch.Tensor) -> Iterator[None]:
    """Passes only the rows `flat` of the encoder's output [batch * width, hidden] to the language-model head, whatever its
    layers."""

    def pick(module: Any, args: Any, output: Any) -> Any:
        hidden = output[0]
        rows = hidden.reshape(-1, hidden.shape[-1])[flat].unsqueeze(0)
        if isinstance(output, tuple):
            return (rows, *output[1:])
        output.last_hidden_state = rows
        return output

    handle = model.base_model.register_forward_hook(pick)
    try:
        yield
    finally:
        handle.remove()
