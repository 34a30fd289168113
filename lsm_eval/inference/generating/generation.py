"""Generation by decoder-only models: by the continuous loop if it gives the same as plain generation, else by the latter."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lsm_eval.errors import UserError
from lsm_eval.inference.generating.capacity import Capacity, capacity
from lsm_eval.inference.generating.prompts import Continuation, Prompt
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.memory import MemoryGuard, free_memory, out_of_memory
from lsm_eval.inference.reach import attention_chunk, shortest_view
from lsm_eval.inference.runtime import Runtime

if TYPE_CHECKING:
    import torch

    from lsm_eval.inference.generating.arriving import ArrivingLoop
    from lsm_eval.inference.generating.packed import PackedLinears

__all__ = ["Continuation", "Prompt", "PromptContinuer"]

_PACKING_PAYS = 4096  # tokens of a run from which on a second copy of the weights is worth making
_CHECK_HEAD, _CHECK_TAIL, _CHECK_NEW = 48, 16, 3  # tokens of a prompt that the self-checks use
_LIKELY = 8  # the likeliest tokens whose log-probabilities they compare
_NOISE = 2.0  # times the largest rounding difference within the plain model itself


class PromptContinuer:
    """Continues prompts with one model."""

    def __init__(
        self, model: Any, config: Any, runtime: Runtime, memory: MemoryGuard, ledger: Ledger
    ) -> None:
        self._model, self._config, self._runtime = model, config, runtime
        self._memory, self._ledger = memory, ledger
        self._packed: PackedLinears | None = None
        self._agreed: set[tuple[bool, bool, tuple[int, ...]]] = set()
        """Checks that passed: with packed weights or without, whether the first two samples share a first token, and the samples'
        lengths."""
        self.details: dict[str, str] = {}
        """`generation`: how texts were generated, and why if not in the continuous loop."""

    def continuations(
        self, prompts: Mapping[int, Prompt], known: Collection[int]
    ) -> Iterator[dict[int, Continuation]]:
        """Continuations by request, as they become complete; `known` requests are left out.

        In float32 a text depends on its own prompt only, up to choices between tokens whose logits differ by less than 1e-4.
        Raises `UserError` if memory does not hold a single sequence, and for `--engine tree` if the loop does not suit the
        model.
        """
        left = {i: prompt for i, prompt in prompts.items() if i not in known}
        if not left:
            return
        why = "--engine plain says so" if self._runtime.engine == "plain" else None
        if why is None:
            self._pack(prompts.values())
            with self._ledger.checking():
                why = self._unfit(list(prompts.values()))
            if why and self._runtime.engine == "tree":
                raise UserError(
                    f"--engine tree: {self._runtime.name} cannot be continued so, {why}; use --engine auto."
                )
        if why is None:
            from lsm_eval.inference.generating.continuous import ContinuousLoop

            self.details["generation"] = "continuous"
            bounds = capacity(
                self._config, self._runtime, prompts.values(), free_memory(self._runtime.device)
            )
            loop = ContinuousLoop(self._model, self._runtime, self._ledger, bounds, self._packed)
            yield from loop.run(left)
            return
        from lsm_eval.inference.generating.plain import plain_continuations

        alone = self._padding_matters(list(prompts.values()))
        self.details["generation"] = (
            f"plain{f', one prompt at a time ({alone})' if alone else ''}, because {why}"
        )
        yield from plain_continuations(
            self._model,
            prompts,
            known,
            runtime=self._runtime,
            memory=self._memory,
            ledger=self._ledger,
            alone=alone is not None,
        )

    def arriving(self, prompts: Collection[Prompt], slots: int | None) -> ArrivingLoop | str:
        """A loop for prompts like these that arrive one by one, at most `slots` at a time (None: the fastest number). If the
        loop does not suit the model, the reason in words."""
        from lsm_eval.inference.generating.arriving import ArrivingLoop

        if self._runtime.engine == "plain":
            return "--engine plain says so"
        self._pack(prompts)
        with self._ledger.checking():
            why = self._unfit(list(prompts))
        if why is not None:
            return why
        bounds = capacity(self._config, self._runtime, prompts, free_memory(self._runtime.device))
        if slots is not None:
            bounds = replace(bounds, slots=slots)
        self.details["generation"] = "continuous"
        return ArrivingLoop(self._model, self._runtime, self._ledger, bounds, self._packed)

    def _pack(self, prompts: Collection[Prompt]) -> None:
        work = sum(len(prompt.tokens) + prompt.max_tokens for prompt in prompts)
        if self._packed is None and self._runtime.device == "cpu" and work >= _PACKING_PAYS:
            from lsm_eval.inference.generating.packed import PackedLinears

            with self._ledger.checking():  # counted as preparation, like the self-checks
                self._packed = PackedLinears(self._model, free_memory("cpu"))

    # Self-checks

    def _unfit(self, prompts: Sequence[Prompt]) -> str | None:
        """`_disagreement`, once for each kind of prompts, as its plain passes take longer than a small batch."""
        reach = max(len(prompt.tokens) + prompt.max_tokens for prompt in prompts)
        if attention_chunk(self._config, reach):
            return self._disagreement(prompts)
        some = self._samples(prompts)
        alike = some[0].tokens[:1] == some[1].tokens[:1]
        kind = self._packed is not None, alike, tuple(len(prompt.tokens) for prompt in some)
        if kind in self._agreed:
            return None
        why = self._disagreement(prompts)
        if why is None:
            self._agreed.add(kind)
        return why

    def _disagreement(self, prompts: Sequence[Prompt]) -> str | None:
        """None if the loop gives the plain model's log-probabilities on some of the prompts, otherwise what differs."""
        from lsm_eval.inference.generating.continuous import ContinuousLoop

        if attention_chunk(self._config, max(len(prompt.tokens) + prompt.max_tokens for prompt in prompts)):
            return "its layers attend within chunks shorter than the longest text"
        some = dict(enumerate(self._samples(prompts)))
        # So small that chunks, shared and copied trunks and the replacement of sequences are all tested.
        chunk = max(len(prompt.tokens) for prompt in some.values()) // 3 + 1
        bounds = Capacity(slots=2, tokens=1 << 40, chunk=chunk, group=2)
        seen: dict[int, list[torch.Tensor]] = {number: [] for number in some}
        loop = ContinuousLoop(
            self._model,
            replace(self._runtime, ends=()),
            Ledger(),
            bounds,
            self._packed,
            lambda number, logits: seen[number].append(logits.clone()),
        )
        try:
            for _ in loop.run(some):
                pass
            apart = max(_apart(self._model, self._runtime, some[i].tokens, seen[i]) for i in some)
            if self._runtime.tolerance < apart < math.inf:
                # Rounding also differs within the plain model, between a text read whole and token by token.
                noise = max(_noise(self._model, self._runtime, some[i].tokens) for i in some)
                apart = 0.0 if apart <= _NOISE * noise else apart
        except (TypeError, AttributeError, ValueError, LookupError, RuntimeError, MemoryError) as error:
            # Models that do not support such a cache or attention raise exceptions of many kinds, and use plain generation.
            return f"it takes no slots of keys and values ({type(error).__name__}: {str(error)[:120]})"
        if apart > self._runtime.tolerance:
            return f"log-probabilities differ by {apart:.3g}"
        return None

    def _samples(self, prompts: Sequence[Prompt]) -> list[Prompt]:
        """Three prompts, cut to a few tokens, the first two with a common prefix if there are any; the longest is not cut if
        it exceeds a layer's window."""
        reach = max(len(prompt.tokens) + prompt.max_tokens for prompt in prompts)
        ordered = sorted(prompts, key=lambda prompt: prompt.tokens)
        longest = max(prompts, key=lambda prompt: len(prompt.tokens))
        found = []
        for prompt in [*ordered[:2], longest]:
            tokens = prompt.tokens
            if len(tokens) > _CHECK_HEAD + _CHECK_TAIL and not (
                prompt is longest and shortest_view(self._config) < reach
            ):
                tokens = (*tokens[:_CHECK_HEAD], *tokens[-_CHECK_TAIL:])
            found.append(Prompt(tokens, (), _CHECK_NEW))
        return found

    def _padding_matters(self, prompts: Sequence[Prompt]) -> str | None:
        """Why prompts must not be batched, in words, as some recurrent models read padding; None if they may."""
        from lsm_eval.inference.generating.plain import first_logits

        short = min(prompts, key=lambda prompt: len(prompt.tokens)).tokens[:_CHECK_TAIL]
        long = max(prompts, key=lambda prompt: len(prompt.tokens)).tokens[: _CHECK_TAIL + len(short)]
        long = (*long, *short) if len(long) == len(short) else long
        try:
            alone = first_logits(self._model, [short], self._runtime)
            beside = first_logits(self._model, [short, long], self._runtime)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            return "memory does not hold two"
        apart = _difference(alone[:1], beside[:1])
        return "padding changes what it says" if apart > self._runtime.tolerance else None


def _apart(model: Any, runtime: Runtime, tokens: tuple[int, ...], seen: Sequence[torch.Tensor]) -> float:
    """Largest difference between the loop's logits and those of one plain pass over the same text."""
    import torch

    from lsm_eval.inference.scoring.plain import only_rows

    logits = torch.stack(list(seen))
    text = [*tokens, *logits.argmax(dim=-1).tolist()[:-1]]
    rows = torch.arange(len(tokens) - 1, len(text), device=runtime.device)
    with torch.inference_mode(), only_rows(model, rows):
        plain = (
            model(input_ids=torch.tensor([text], device=runtime.device), use_cache=False).logits[0].float()
        )
    return _difference(plain, logits)


def _noise(model: Any, runtime: Runtime, tokens: tuple[int, ...]) -> float:
    """Largest difference between the plain model's logits of a text's last tokens, read whole and token by token.

    0 in float32, whose rounding the tolerance covers.
    """
    import torch

    if runtime.dtype == "float32" or len(tokens) <= _CHECK_NEW:
        return 0.0
    text = torch.tensor([tokens], device=runtime.device)
    with torch.inference_mode():
        whole = model(input_ids=text, use_cache=False).logits[0, -_CHECK_NEW:].float()
        read = model(input_ids=text[:, :-_CHECK_NEW], use_cache=True)
        steps = []
        for at in range(len(tokens) - _CHECK_NEW, len(tokens)):
            read = model(input_ids=text[:, at : at + 1], past_key_values=read.past_key_values, use_cache=True)
            steps.append(read.logits[0, -1].float())
    return _difference(whole, torch.stack(steps))


def _difference(one: torch.Tensor, other: torch.Tensor) -> float:
    """The largest difference of the likeliest tokens' log-probabilities; NaN on both sides counts as equal."""
    if bool(one.isnan().any()) or bool(other.isnan().any()):
        return 0.0 if bool((one.isnan() == other.isnan()).all()) else float("inf")
    likely = one.topk(min(_LIKELY, one.shape[-1]), dim=-1).indices
    gaps = one.log_softmax(dim=-1).gather(-1, likely) - other.log_softmax(dim=-1).gather(-1, likely)
    return float(gaps.abs().max())
