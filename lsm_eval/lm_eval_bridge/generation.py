"""Converts the harness's generation keywords to our `Generate` requests."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.requests import Generate

DEFAULT_NEW_TOKENS = 256
"""The harness's default, if a task gives no number."""

_NEW_TOKENS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
_READ = (*_NEW_TOKENS, "until", "do_sample", "temperature", "top_p", "top_k", "max_length")
# Other keywords of the harness's users, and their values that have no effect.
_NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "num_beams": (1,),
    "num_return_sequences": (1,),
    "repetition_penalty": (1,),
    "no_repeat_ngram_size": (0,),
    "length_penalty": (1,),
    "early_stopping": (False,),
    "min_p": (0,),
    "min_length": (0,),
    "min_new_tokens": (0,),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "typical_p": (1,),
    "use_cache": (True,),
}
_OF_CHECKPOINT = ("repetition_penalty", "no_repeat_ngram_size", "min_length", "min_new_tokens", "num_beams")
"""Settings of `generation_config.json` that change even greedy text in the harness's hf backend."""


@dataclass(frozen=True)
class Keywords:
    """The meaning of one request's keywords."""

    stop: tuple[str, ...]
    max_tokens: int
    temperature: float
    """0 for greedy."""
    top_p: float
    max_length: int | None
    """The most tokens of prompt and text together, instead of `max_tokens`."""
    at_once: bool = False
    """Whether there is an empty stop string, which occurs in every text: the hf backend stops after the first token."""


def read_keywords(given: Mapping[str, Any], checkpoint: Mapping[str, Any] | None = None) -> Keywords:
    """The keywords of a `generate_until` request, read as the harness's hf backend reads them.

    `checkpoint` is the model's `generation_config.json`. Raises `UserError` for settings that our engine does not support.
    """
    checkpoint = checkpoint or {}
    for name, value in given.items():
        if name in _NEUTRAL:
            if value is not None and value not in _NEUTRAL[name]:
                raise UserError(
                    f"generation keyword {name}={value}: lsm-eval's engine has no such thing; leave it out "
                    f"(--gen_kwargs {name}={_NEUTRAL[name][0]})."
                )
        elif name not in _READ:
            near = difflib.get_close_matches(name, [*_READ, *_NEUTRAL], n=1, cutoff=0.6)
            hint = f"did you mean {near[0]!r}?" if near else "leave it out."
            raise UserError(f"generation keyword {name!r} is unknown to lsm-eval's engine: {hint}")
    for name in _OF_CHECKPOINT:
        value = checkpoint.get(name)
        if name not in given and value is not None and value not in _NEUTRAL[name]:
            raise UserError(
                f"the checkpoint's generation_config.json asks for {name}={value}, which lsm-eval's engine does not "
                f"do: pass --gen_kwargs {name}={_NEUTRAL[name][0]} to generate without it."
            )
    temperature = _temperature(given)
    top_p = 1.0
    if temperature:
        if given.get("top_k") not in (None, 0, -1):
            raise UserError(
                f"generation keyword top_k={given['top_k']}: lsm-eval draws from all tokens; use top_p, or top_k=0."
            )
        top_p = float(given.get("top_p") or checkpoint.get("top_p") or 1.0)
        if not 0 < top_p <= 1:
            raise UserError(f"generation keyword top_p={top_p}: give a number above 0 and at most 1.")
    max_tokens = next((given[name] for name in _NEW_TOKENS if given.get(name) is not None), None)
    max_length = given.get("max_length")
    return Keywords(
        stop=_stop(given.get("until")),
        max_tokens=_positive(max_tokens, "max_gen_toks") if max_tokens is not None else DEFAULT_NEW_TOKENS,
        temperature=temperature,
        top_p=top_p,
        max_length=None if max_length is None else _positive(max_length, "max_length"),
        at_once="" in _texts(given.get("until")),
    )


def make_request(
    prompt: str,
    keywords: Keywords,
    *,
    end: str | None,
    seed: int,
    prompt_tokens: Callable[[Generate], int] | None,
) -> Generate:
    """One request. `end` is the text of the end-of-text token, which stops as a stop string does too;
    `prompt_tokens` counts a prompt, and is None if that is not possible. Raises `UserError`."""
    stop = keywords.stop if end is None or end in keywords.stop else (*keywords.stop, end)
    request = Generate(
        prompt,
        stop,
        1 if keywords.at_once else keywords.max_tokens,
        temperature=keywords.temperature,
        top_p=keywords.top_p,
        seed=seed if keywords.temperature else 0,
        stop_in_thoughts=True,
        lm_eval=True,
    )
    if keywords.max_length is None:
        return request
    if prompt_tokens is None:
        raise UserError("generation keyword max_length: give max_gen_toks, the number of new tokens.")
    left = keywords.max_length - prompt_tokens(request)
    if left < 1:
        raise UserError(
            f"generation keyword max_length={keywords.max_length}: a prompt is as long as that already; raise it, or "
            "give max_gen_toks, the number of new tokens."
        )
    return replace(request, max_tokens=1 if keywords.at_once else left)


def _temperature(given: Mapping[str, Any]) -> float:
    temperature = float(given.get("temperature") or 0.0)
    sample = given.get("do_sample")
    if sample is False:
        return 0.0
    if sample and not temperature:
        raise UserError("generation keyword do_sample=True needs a temperature above 0: give one.")
    if temperature < 0:
        raise UserError(f"generation keyword temperature={temperature}: give 0 (greedy) or more.")
    return temperature


def _stop(until: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in _texts(until) if text))


def _texts(until: Any) -> list[str]:
    return [until] if isinstance(until, str) else list(until or ())


def _positive(value: Any, name: str) -> int:
    if int(value) < 1:
        raise UserError(f"generation keyword {name}={value}: give a number of tokens, 1 or more.")
    return int(value)
