"""Plain greedy generation: prompts padded on the left, one batch until its last sequence has ended."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lsm_eval.inference.batching import batches
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.memory import MemoryGuard
from lsm_eval.inference.place import Place

_CPU_TOKENS, _ACCELERATOR_TOKENS = 8192, 131072
_TAIL = 24  # tokens that are decoded at least when a stop string is looked for


@dataclass(frozen=True, slots=True)
class Prompt:
    """Tokens to continue."""

    tokens: tuple[int, ...]
    stop: tuple[str, ...]
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Continuation:
    """What came after a prompt."""

    text: str
    tokens: int
    stopped: bool
    """Whether a stop string or the end of text came."""
    nan: bool
    """Whether the model's output held a NaN on the way, so that the text means nothing."""


def continue_prompts(
    model: Any,
    prompts: Mapping[int, Prompt],
    known: Collection[int],
    *,
    place: Place,
    memory: MemoryGuard,
    ledger: Ledger,
) -> Iterator[dict[int, Continuation]]:
    """Continuations by request, batch by batch; `known` requests are left out."""
    order = list(prompts)
    sizes = [len(prompts[i].tokens) + prompts[i].max_tokens for i in order]
    budget = place.batch_tokens or (_CPU_TOKENS if place.device == "cpu" else _ACCELERATOR_TOKENS)
    for batch in batches(sizes, budget):
        chosen = [order[at] for at in batch]
        if all(i in known for i in chosen):
            continue

        def compute(part: Sequence[int]) -> list[Continuation]:
            return generate(
                model,
                [prompts[i] for i in part],
                device=place.device,
                pad=place.pad,
                ends=place.ends,
                decode=place.decode,
            )

        results = memory.run(chosen, compute)
        yield {i: result for i, result in zip(chosen, results, strict=True) if i not in known}


def generate(
    model: Any,
    prompts: Sequence[Prompt],
    *,
    device: str,
    pad: int,
    ends: Sequence[int],
    decode: Callable[[Sequence[int]], str],
) -> list[Continuation]:
    """The greedy continuations of all `prompts` in one batch; parallel to `prompts`.

    The checkpoint's own generation settings (sampling, penalties) play no part: greedy means the likeliest
    token at each step. `ends` are the tokens that end a text; `decode` turns new tokens into text.
    """
    import torch
    from transformers import GenerationConfig

    width = max(len(prompt.tokens) for prompt in prompts)
    ids = torch.full((len(prompts), width), pad, dtype=torch.long)
    mask = torch.zeros((len(prompts), width), dtype=torch.long)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt.tokens) :] = torch.tensor(prompt.tokens, dtype=torch.long)
        mask[row, width - len(prompt.tokens) :] = 1
    config = GenerationConfig(
        do_sample=False,
        num_beams=1,
        max_new_tokens=max(prompt.max_tokens for prompt in prompts),
        pad_token_id=pad,
        bos_token_id=None,
        eos_token_id=list(ends) or None,
    )
    stops = _Stops(prompts, width, decode)
    nans = _NanWatch(len(prompts))
    with torch.inference_mode():
        out = model.generate(
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            generation_config=config,
            stopping_criteria=[stops],
            logits_processor=[nans],
        )
    found = nans.found()
    return [
        _finish(prompt, new, found[row], frozenset(ends), decode)
        for row, (prompt, new) in enumerate(zip(prompts, out[:, width:].tolist(), strict=True))
    ]


def _finish(
    prompt: Prompt,
    new: list[int],
    nan: bool,
    ends: frozenset[int],
    decode: Callable[[Sequence[int]], str],
) -> Continuation:
    """The text of one sequence, cut at its end of text, its token limit, and its first stop string."""
    new = new[: prompt.max_tokens]
    end = next((i for i, token in enumerate(new) if token in ends), None)
    if end is not None:
        new = new[:end]
    text = decode(new)
    cut = min((at for stop in prompt.stop if (at := text.find(stop)) >= 0), default=None)
    if cut is None:
        return Continuation(text, len(new), end is not None, nan)
    return Continuation(text[:cut], _tokens_until_stop(prompt, new, decode), True, nan)


def _tokens_until_stop(prompt: Prompt, new: list[int], decode: Callable[[Sequence[int]], str]) -> int:
    """How many new tokens it took for a stop string to stand in the text.

    A batch goes on for its other sequences, so the row can hold tokens after the stop: without this the
    count would depend on its neighbours. Bisection: a text that holds the string holds it ever after.
    """
    low, high = 1, len(new)
    while low < high:
        middle = (low + high) // 2
        text = decode(new[:middle])
        if any(stop in text for stop in prompt.stop):
            high = middle
        else:
            low = middle + 1
    return low


class _Stops:
    """Tells transformers which sequences hold a stop string or have used up their tokens."""

    def __init__(self, prompts: Sequence[Prompt], width: int, decode: Callable[[Sequence[int]], str]) -> None:
        self._prompts = prompts
        self._width = width
        self._decode = decode
        self._done = [False] * len(prompts)
        longest = max((len(s.encode()) for prompt in prompts for s in prompt.stop), default=0)
        # A token is at least one byte, so a stop string lies within as many tokens as it has bytes.
        self._tail = longest + _TAIL

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        import torch

        used = input_ids.shape[1] - self._width
        tails = input_ids[:, self._width :][:, -self._tail :].tolist()
        for row, prompt in enumerate(self._prompts):
            if self._done[row]:
                continue
            if used >= prompt.max_tokens:
                self._done[row] = True
            elif prompt.stop:
                text = self._decode(tails[row])
                self._done[row] = any(stop in text for stop in prompt.stop)
        return torch.tensor(self._done, device=input_ids.device, dtype=torch.bool)


class _NanWatch:
    """Notes which sequences ever saw a NaN in their scores; changes nothing."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._seen: Any = None

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        bad = scores.isnan().any(dim=-1)
        self._seen = bad if self._seen is None else self._seen | bad
        return scores

    def found(self) -> list[bool]:
        return [False] * self._rows if self._seen is None else [bool(b) for b in self._seen.tolist()]
