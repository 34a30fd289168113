"""Requests and answers as JSON: the response store's keys, hashes of what a sample asks, and answers written and read."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import operator
from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin, get_type_hints

from lsm_eval.requests import (
    KINDS,
    Answer,
    Generate,
    Generated,
    Likelihood,
    Perplexity,
    Request,
    Score,
    Scored,
    kind,
)

_ANSWERS: dict[str, type[Answer]] = {"scored": Scored, "generated": Generated, "likelihood": Likelihood}
_SORTED = json.JSONEncoder(sort_keys=True, ensure_ascii=True)  # `json.dumps` would make one for each request
_READABLE = json.JSONEncoder(ensure_ascii=False)
_NAMES = {
    cls: tuple(field.name for field in dataclasses.fields(cls))
    for cls in (Score, Generate, Perplexity, Scored, Generated, Likelihood)
}
all_but_prompt = operator.attrgetter(*_NAMES[Generate][1:])
"""All fields of a `Generate` but its prompt, as a tuple in their order."""
HOLE = "\ue000 here the prompt \ue000"
"""Placeholder for the prompt in JSON that is encoded once for many requests. If a request itself contains it, the JSON does not
split into two parts, and is encoded as a whole."""


def store_key(request: Request, stored_as: str, prompt: str | None = None) -> str:
    """The response store's key: SHA-256 (hex) over `stored_as`, which identifies the model, and the whole request.

    `prompt`: the text that the chat template renders, which may hold what the request does not (the date); None without
    a template.

    Fields that do not affect greedy text are left out, and so are `detail`, `stop_in_thoughts`, `lm_eval`, `choices` and budgets of
    thoughts if they are not set: such keys are the same as before these fields existed.
    """
    parts = _around(stored_as, *all_but_prompt(request)) if isinstance(request, Generate) else ()
    if isinstance(request, Generate) and len(parts) == 2:
        content = f"{parts[0]}{_SORTED.encode(request.prompt)}{parts[1]}"
    else:
        content = _SORTED.encode([stored_as, kind(request), _fields(request)])[:-1]
    content += "]" if prompt is None else f", {_SORTED.encode(prompt)}]"
    return hashlib.sha256(content.encode()).hexdigest()


@functools.lru_cache(maxsize=1024, typed=True)  # 1 and 1.0 are written differently
def _around(stored_as: str, *rest: Any) -> Sequence[str]:
    """The parts before and after the prompt in the JSON of a `store_key`, cached, as a task has thousands of requests that
    differ only in their prompt."""
    content = _SORTED.encode([stored_as, "generate", _fields(Generate(HOLE, *rest))])[:-1]
    return content.split(_SORTED.encode(HOLE))


def requests_hash(requests: Sequence[Request]) -> str:
    """SHA-256 (hex) over what a sample asks: equal in two runs that ask the same, whatever their model and chat template."""
    content = json.dumps(
        [[kind(request), _fields(request)] for request in requests], sort_keys=True, ensure_ascii=True
    )
    return hashlib.sha256(content.encode()).hexdigest()


def _fields(request: Request) -> dict[str, Any]:
    """The fields that affect an answer."""
    fields = _shallow(request)
    for name in ("detail", "stop_in_thoughts", "lm_eval", "choices"):
        if not fields.get(name):
            fields.pop(name, None)
    for name in ("reasoning_tokens", "reasoning_effort"):
        if fields.get(name) is None:
            fields.pop(name, None)
    if isinstance(request, Generate) and request.temperature == 0:
        for name in ("temperature", "top_p", "seed"):
            del fields[name]
    return fields


def dump_answer(answer: Answer) -> str:
    """An answer as JSON; floats keep every digit."""
    return _READABLE.encode({"kind": KINDS[type(answer)], **answer_fields(answer)})


def answer_fields(answer: Answer) -> dict[str, Any]:
    """Its fields by name; `thoughts` only if there are any, `reasoning_tokens` and `seconds` only if they are known."""
    fields = _shallow(answer)
    if not fields.get("thoughts"):
        fields.pop("thoughts", None)
    for name in ("reasoning_tokens", "seconds"):
        if fields.get(name) is None:
            fields.pop(name, None)
    return fields


def load_answer(text: str) -> Answer:
    """The answer that `dump_answer` wrote. Raises ValueError, KeyError or TypeError on anything else."""
    fields = json.loads(text)
    if not isinstance(fields, dict):
        raise TypeError("an answer is a JSON object")
    cls: Any = _ANSWERS[fields.pop("kind")]
    answer: Answer = cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()})
    if not all(_fits(getattr(answer, name), hint) for name, hint in _types(cls).items()):
        raise TypeError("an answer's values are of other types")
    return answer


def _shallow(thing: Request | Answer) -> dict[str, Any]:
    """Its fields by name: `dataclasses.asdict` without nesting, ten times as fast."""
    return {name: getattr(thing, name) for name in _NAMES[type(thing)]}


@functools.cache
def _types(cls: type[Answer]) -> dict[str, Any]:
    return get_type_hints(cls)


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value has the type that the field is declared with."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(one, inner[0]) for one in value)
    if origin is Literal:
        return value in inner
    if origin is not None:
        return any(_fits(value, one) for one in inner)
    return type(value) is hint or (hint is float and type(value) is int)
