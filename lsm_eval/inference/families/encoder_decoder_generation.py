"""Generation by encoder-decoder models: distinct prompts are read once, and sequences leave the batch when they end."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from lsm_eval.inference.batching import batches
from lsm_eval.inference.families.encoder_decoder_parts import Halves, new_cache, selected
from lsm_eval.inference.generating.drawing import Stream, choose
from lsm_eval.inference.generating.prompts import Continuation, Prompt
from lsm_eval.inference.generating.stops import StopWatch, finish, holds
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.memory import MemoryGuard
from lsm_eval.inference.scoring.plain import layer_count

if TYPE_CHECKING:
    import torch

_SPREAD = 4
"""A batch may have so many times the tokens of a scored batch, as most of its passes have one token per sequence."""


def write_texts(
    halves: Halves, prompts: Mapping[int, Prompt], known: Collection[int], memory: MemoryGuard, ledger: Ledger
) -> Iterator[dict[int, Continuation]]:
    """Texts by request, batch by batch; `known` requests are left out. The prompts are the encoder's input."""
    order = sorted(prompts, key=lambda i: prompts[i].tokens)  # equal prompts together
    sizes = [len(prompts[i].tokens) + prompts[i].max_tokens for i in order]
    for batch in batches(sizes, _SPREAD * halves.budget):
        chosen = [order[at] for at in batch]
        if all(i in known for i in chosen):
            continue

        def compute(part: Sequence[int]) -> list[Continuation]:
            return _write(halves, [prompts[i] for i in part], ledger)

        results = memory.run(chosen, compute)
        yield {i: result for i, result in zip(chosen, results, strict=True) if i not in known}


class _Text:
    """One text being generated."""

    def __init__(self, at: int, prompt: Prompt, halves: Halves) -> None:
        self.at, self.prompt = at, prompt
        self._runtime = halves.runtime
        self._ends = frozenset(self._runtime.ends)
        self._watch = StopWatch(prompt.stop, self._runtime.decode, self._runtime.written)
        self._stream = Stream(prompt)
        self._bad = False
        self.new: list[int] = []

    def uniform(self) -> float:
        return self._stream.uniform(len(self.new)) if self.prompt.temperature > 0 else 0.0

    def push(self, token: int, bad: bool) -> bool:
        """Take the next token. Returns whether the text has ended."""
        self.new.append(token)
        self._bad = bad
        if bad or token in self._ends or len(self.new) >= self.prompt.max_tokens:
            return True
        if not self._watch.push(token):
            return False
        # The watch decodes a few tokens only; the whole text decides.
        return holds(self.prompt, self.new, self._runtime.decode, self._runtime.written)

    def finished(self) -> Continuation:
        runtime = self._runtime
        return finish(self.prompt, self.new, self._bad, self._ends, runtime.decode, runtime.written)


def _write(halves: Halves, prompts: Sequence[Prompt], ledger: Ledger) -> list[Continuation]:
    """The texts of one batch, parallel to `prompts`.

    Of the checkpoint's generation settings, those of the search (beams, penalties) are ignored; the token that every text
    begins with (the output language, in multilingual models) and single forbidden tokens are honoured.
    """
    import torch

    start = time.perf_counter()
    contexts: dict[tuple[int, ...], int] = {}
    rows = [contexts.setdefault(prompt.tokens, len(contexts)) for prompt in prompts]
    texts = [_Text(at, prompt, halves) for at, prompt in enumerate(prompts)]
    done: list[Continuation | None] = [None] * len(prompts)
    device = halves.runtime.device
    work = ledger.prefill
    layers = layer_count(halves.model)
    with torch.inference_mode():
        states, mask = halves.encode(list(contexts))
        lengths = list(map(len, contexts))
        work.tokens += sum(lengths)
        work.padding += mask.numel() - sum(lengths)
        work.pairs += layers * sum(length * length for length in lengths)
        work.passes += 1
        work.seconds += time.perf_counter() - start

        work = ledger.decode
        cache = new_cache()
        ids = torch.full((len(contexts), 1), halves.start, dtype=torch.long, device=device)
        chosen: list[int] | None = rows
        while texts:
            start = time.perf_counter()
            logits = halves.decode(ids, states, mask, cache)[:, -1].float()
            work.tokens += len(ids)
            work.rows += len(ids)
            work.passes += 1
            work.pairs += len(cache.self_attention_cache.layers) * (
                int(mask.sum()) + len(ids) * (len(texts[0].new) + 1)
            )
            if len(texts[0].new) == 0:
                logits = logits[rows]  # all texts of one prompt begin alike
            tokens, bad = _next(halves, logits, texts)
            left = []
            for row, (text, token, nan) in enumerate(zip(texts, tokens, bad, strict=True)):
                if text.push(token, nan):
                    done[text.at] = text.finished()
                else:
                    left.append(row)
            if chosen is None and len(left) < len(texts):
                chosen = left
            elif chosen is not None:
                chosen = [chosen[row] for row in left]
            texts = [texts[row] for row in left]
            if chosen is not None and texts:
                index = torch.tensor(chosen, dtype=torch.long, device=device)
                states, mask, cache = states[index], mask[index], selected(cache, index)
            chosen = None
            ids = torch.tensor([[text.new[-1]] for text in texts], dtype=torch.long, device=device)
            work.seconds += time.perf_counter() - start
    return [text for text in done if text is not None]


def _next(halves: Halves, logits: torch.Tensor, texts: Sequence[_Text]) -> tuple[list[int], list[bool]]:
    """The next token of each text, and whether its logits contain a NaN."""
    bad: list[bool] = logits.isnan().any(dim=-1).tolist()
    settings = halves.model.generation_config
    forced = getattr(settings, "forced_bos_token_id", None)
    if forced is not None and not texts[0].new:
        return [int(forced)] * len(texts), bad
    never = [words[0] for words in getattr(settings, "bad_words_ids", None) or () if len(words) == 1]
    if never:
        logits = logits.clone()
        logits[:, never] = float("-inf")
    return choose(logits, [text.prompt for text in texts], [text.uniform() for text in texts]), bad
