"""Plain generation by transformers: prompts padded on the left, one batch until its last sequence has ended.

It is the reference that the continuous loop is tested against, and is used for models without slots for keys and values
(recurrent ones).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from lsm_eval.inference.batching import batches
from lsm_eval.inference.generating.budget import BudgetWatch, watch
from lsm_eval.inference.generating.drawing import Stream, choose
from lsm_eval.inference.generating.prompts import Continuation, Prompt
from lsm_eval.inference.generating.stops import finish, holds, stands
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.memory import MemoryGuard
from lsm_eval.inference.runtime import Runtime
from lsm_eval.inference.scoring.plain import layer_count
from lsm_eval.inference.settle import settle

_CPU_TOKENS, _ACCELERATOR_TOKENS = 8192, 131072
_TAIL = 24  # the fewest tokens that are decoded to find a stop string


def plain_continuations(
    model: Any,
    prompts: Mapping[int, Prompt],
    known: Collection[int],
    *,
    runtime: Runtime,
    memory: MemoryGuard,
    ledger: Ledger,
    alone: bool = False,
) -> Iterator[dict[int, Continuation]]:
    """Continuations by request, batch by batch; `known` requests are left out, without changing how batches are formed.
    `alone`: one prompt at a time."""
    order = list(prompts)
    sizes = [len(prompts[i].tokens) + prompts[i].max_tokens for i in order]
    budget = runtime.batch_tokens or (_CPU_TOKENS if runtime.device == "cpu" else _ACCELERATOR_TOKENS)
    for batch in batches(sizes, 1 if alone else budget):
        chosen = [order[at] for at in batch]
        if all(i in known for i in chosen):
            continue

        def compute(part: Sequence[int]) -> list[Continuation]:
            return generate(model, [prompts[i] for i in part], runtime=runtime, ledger=ledger)

        results = memory.run(chosen, compute)
        yield {i: result for i, result in zip(chosen, results, strict=True) if i not in known}


def generate(
    model: Any, prompts: Sequence[Prompt], *, runtime: Runtime, ledger: Ledger
) -> list[Continuation]:
    """The continuations of all `prompts` in one batch; parallel to `prompts`.

    The checkpoint's own generation settings (sampling, penalties) are ignored.
    """
    import torch
    from transformers import GenerationConfig

    width = max(len(prompt.tokens) for prompt in prompts)
    ids = torch.full((len(prompts), width), runtime.pad, dtype=torch.long)
    mask = torch.zeros((len(prompts), width), dtype=torch.long)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt.tokens) :] = torch.tensor(prompt.tokens, dtype=torch.long)
        mask[row, width - len(prompt.tokens) :] = 1
    config = GenerationConfig(
        do_sample=False,
        num_beams=1,
        max_new_tokens=max(prompt.max_tokens for prompt in prompts),
        pad_token_id=runtime.pad,
        bos_token_id=None,
        eos_token_id=list(runtime.ends) or None,
    )
    watches = [watch(prompt, runtime) for prompt in prompts]
    steps = _Steps(prompts, watches, width)
    start = time.perf_counter()
    with torch.inference_mode():
        out = model.generate(
            input_ids=ids.to(runtime.device),
            attention_mask=mask.to(runtime.device),
            generation_config=config,
            stopping_criteria=[_Stops(prompts, width, runtime, watches)],
            logits_processor=[steps],
        )
    found = steps.found()
    results = [
        finish(
            prompt,
            new if one is None else new[: one.length],
            found[row],
            frozenset(runtime.ends),
            runtime.decode,
            runtime.written,
        )
        for row, (prompt, new, one) in enumerate(zip(prompts, out[:, width:].tolist(), watches, strict=True))
    ]
    _count(ledger, layer_count(model), prompts, results, steps, start)
    return results


def _count(
    ledger: Ledger,
    layers: int,
    prompts: Sequence[Prompt],
    results: Sequence[Continuation],
    steps: _Steps,
    start: float,
) -> None:
    """Count the work: the first pass reads the prompts and gives the first new tokens; each later one reads one token per row."""
    lengths = [len(prompt.tokens) for prompt in prompts]
    read, wrote = ledger.prefill, ledger.decode
    read.tokens += sum(lengths)
    read.padding += max(lengths) * len(lengths) - sum(lengths)
    read.pairs += layers * sum(length * (length + 1) // 2 for length in lengths)
    read.rows += len(lengths)
    read.passes += 1
    read.seconds += steps.first - start
    later = [max(result.tokens - 1, 0) for result in results]
    wrote.tokens += sum(later)
    wrote.padding += (steps.count - 1) * len(lengths) - sum(later)
    wrote.pairs += layers * sum(
        count * length + count * (count + 1) // 2 for length, count in zip(lengths, later, strict=True)
    )
    wrote.rows += (steps.count - 1) * len(lengths)
    wrote.passes += steps.count - 1
    wrote.seconds += time.perf_counter() - steps.first


class _Stops:
    """Tells transformers which sequences hold a stop string or have used up their tokens."""

    def __init__(
        self, prompts: Sequence[Prompt], width: int, runtime: Runtime, watches: Sequence[BudgetWatch | None]
    ) -> None:
        self._prompts, self._watches = prompts, watches
        self._width = width
        self._runtime = runtime
        self._done = [False] * len(prompts)
        longest = max(
            (len(s.encode("utf-8", "replace")) for prompt in prompts for s in prompt.stop), default=0
        )
        # A token is at least one byte, so a stop string lies within as many tokens as it has bytes.
        self._tail = longest + _TAIL

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        import torch

        used = input_ids.shape[1] - self._width
        new = input_ids[:, self._width :]
        tails = new[:, -self._tail :].tolist()
        for row, prompt in enumerate(self._prompts):
            if self._done[row]:
                continue
            own = self._watches[row]
            if used >= prompt.max_tokens or (own is not None and own.over(new[row].tolist())):
                self._done[row] = True
            elif prompt.stop:
                decode, written = self._runtime.decode, self._runtime.written
                if stands(prompt.stop, tails[row], decode, written):
                    # The whole text decides, as a stop string inside thoughts does not count.
                    self._done[row] = holds(prompt, new[row].tolist(), decode, written)
        return torch.tensor(self._done, device=input_ids.device, dtype=torch.bool)


class _Steps:
    """Processes each step's scores: notes which sequences had a NaN, and samples for those with a temperature."""

    def __init__(self, prompts: Sequence[Prompt], watches: Sequence[BudgetWatch | None], width: int) -> None:
        self._prompts, self._watches, self._width = prompts, watches, width
        self._streams = [Stream(prompt) for prompt in prompts]
        self._seen: Any = None
        self.count = 0
        self.first = 0.0
        """Time of the first step's scores."""

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        if not self.count:
            settle(str(scores.device))
            self.first = time.perf_counter()
        bad = scores.isnan().any(dim=-1)
        self._seen = bad if self._seen is None else self._seen | bad
        drawn = [row for row, prompt in enumerate(self._prompts) if prompt.temperature > 0]
        if drawn:
            own = [self._prompts[row] for row in drawn]
            tokens = choose(scores[drawn], own, [self._streams[row].uniform(self.count) for row in drawn])
            scores = scores.clone()
            for row, token in zip(drawn, tokens, strict=True):
                scores[row] = float("-inf")
                scores[row, token] = 0.0
        self.count += 1
        return self._within_budgets(input_ids, scores)

    def _within_budgets(self, input_ids: Any, scores: Any) -> Any:
        """The scores, with a single possible token where a budget determines the next one."""
        for row, own in enumerate(self._watches):
            if own is None or own.length is not None:
                continue
            new = input_ids[row, self._width :].tolist()
            token = own.next(new, -1)
            if token >= 0:
                scores = scores.clone()
                scores[row] = float("-inf")
                scores[row, token] = 0.0
        return scores

    def found(self) -> list[bool]:
        """Whether each sequence had a NaN."""
        return [False] * len(self._prompts) if self._seen is None else [bool(b) for b in self._seen.tolist()]


def first_logits(model: Any, texts: Sequence[tuple[int, ...]], runtime: Runtime) -> Any:
    """Float32 logits of the second new token of each text, [texts, vocabulary], in one batch padded on the left.

    The second, so that the effect of padding on a recurrent state shows.
    """
    import torch
    from transformers import GenerationConfig

    width = max(len(text) for text in texts)
    ids = torch.tensor([[runtime.pad] * (width - len(text)) + list(text) for text in texts])
    mask = torch.tensor([[0] * (width - len(text)) + [1] * len(text) for text in texts])
    config = GenerationConfig(
        do_sample=False,
        max_new_tokens=2,
        pad_token_id=runtime.pad,
        output_logits=True,
        return_dict_in_generate=True,
    )
    with torch.inference_mode():
        out = model.generate(
            input_ids=ids.to(runtime.device), attention_mask=mask.to(runtime.device), generation_config=config
        )
    return out.logits[-1].float()
