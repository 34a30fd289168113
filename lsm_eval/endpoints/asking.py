"""Writes the HTTP body for a request."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from lsm_eval.endpoints.budget import OTHER, ReasoningApi, has_budget, most_tokens
from lsm_eval.endpoints.budget import fields as budget_fields
from lsm_eval.endpoints.constraint import Constraint, constrained
from lsm_eval.endpoints.streams.quirks import StreamQuirks
from lsm_eval.models.request_seed import request_seed
from lsm_eval.request_json import HOLE, all_but_prompt
from lsm_eval.requests import Generate, Perplexity, Request, Score

Api = Literal["auto", "chat", "completions", "responses"]
"""`auto`: requests in a chat go to chat completions, all others to completions."""
Path = Literal["chat/completions", "completions", "responses"]
_PATHS: dict[Api, Path] = {
    "chat": "chat/completions",
    "completions": "completions",
    "responses": "responses",
}
MOST_STOPS = 4
"""The most stop strings that a request carries; the answer is searched for all of them. The Responses API takes none."""
_JSON = json.JSONEncoder(ensure_ascii=False)  # `json.dumps` would make one for each request


@dataclass(slots=True)
class Quirks:
    """How a server was found to deviate from most others."""

    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    counts: bool | None = None
    """Whether it counts the tokens of its answers; None until the first complete answer."""
    streaming: StreamQuirks = field(default_factory=StreamQuirks)
    temperature: bool = True
    """Whether it takes a temperature; if not, none is sent, and all texts are sampled as the server does by default."""
    seed: bool = True
    """Whether it takes a seed."""
    stop: bool = True
    """Whether it takes stop strings; answers are cut at them here in any case."""
    constraints: dict[Path, Constraint] = field(default_factory=dict)
    """How answers are constrained to given texts, by path; no entry if the server was not seen to do that."""
    ignore_ends: bool = False
    """Whether it is asked to go on after the end-of-text token."""
    server: ReasoningApi = OTHER
    """Its API for budgets of thoughts."""


def path_of(request: Generate, api: Api) -> Path:
    """The path that the request is sent to."""
    return _PATHS.get(api, "chat/completions" if request.chat else "completions")


def messages(request: Generate) -> list[dict[str, str]]:
    """The messages of a chat."""
    system = [] if request.system is None else [{"role": "system", "content": request.system}]
    return [*system, {"role": "user", "content": request.prompt}]


def plain(request: Generate) -> str:
    """The prompt as plain text, after the system message."""
    return request.prompt if request.system is None else f"{request.system}\n\n{request.prompt}"


def body(
    request: Generate, model: str, path: Path, quirks: Quirks, *, stops: bool = True, stream: bool = False
) -> bytes:
    """The body to send, as JSON. `stops`: with stop strings, if the API has any. `stream`: request a streamed answer."""
    if request.temperature == 0 and not request.choices:
        parts = _around(
            model, path, stops, stream, quirks.limit, quirks.temperature, quirks.stop, quirks.ignore_ends, quirks.server,
            quirks.streaming.count, *all_but_prompt(request),
        )  # fmt: skip
        if len(parts) == 2:
            text = f"{parts[0]}{_JSON.encode(request.prompt)[1:-1]}{parts[1]}"
            return text.encode("utf-8", "replace")
    return _JSON.encode(_fields(request, model, path, quirks, stops, stream)).encode("utf-8", "replace")


@lru_cache(maxsize=1024, typed=True)  # 1 and 1.0 are written differently
def _around(
    model: str,
    path: Path,
    stops: bool,
    stream: bool,
    limit: Literal["max_tokens", "max_completion_tokens"],
    temperature: bool,
    stop: bool,
    ignore_ends: bool,
    server: ReasoningApi,
    count: bool,
    *rest: Any,
) -> Sequence[str]:
    """The parts of a greedy request's body before and after its prompt, cached, as a task has thousands of requests that differ
    only in their prompt."""
    quirks = Quirks(limit, temperature=temperature, stop=stop, ignore_ends=ignore_ends, server=server)
    quirks.streaming.count = count
    return _JSON.encode(_fields(Generate(HOLE, *rest), model, path, quirks, stops, stream)).split(HOLE)


def _fields(
    request: Generate, model: str, path: Path, quirks: Quirks, stops: bool, stream: bool
) -> dict[str, Any]:
    """The fields of the body."""
    fields: dict[str, Any] = {"model": model}
    if path == "responses":
        if request.system is not None:
            fields["instructions"] = request.system
        fields["input"] = [{"role": "user", "content": request.prompt}]
        fields["max_output_tokens"] = most_tokens(request)
        fields["store"] = False  # the server need not keep the response
    elif path == "chat/completions":
        fields["messages"] = messages(request)
        fields[quirks.limit] = most_tokens(request)
    else:
        fields["prompt"] = plain(request)
        fields["max_tokens"] = most_tokens(request)
    if quirks.temperature:
        fields["temperature"] = request.temperature
    if request.temperature > 0:  # greedy text depends on neither
        if quirks.temperature:
            fields["top_p"] = request.top_p
        if quirks.seed and path != "responses":
            fields["seed"] = request_seed(request)
    if request.choices:
        fields.update(constrained(request.choices, quirks.constraints[path]))
    if request.stop and stops and quirks.stop and path != "responses":
        stop = [one for one in request.stop if one][:MOST_STOPS]
        if stop:
            fields["stop"] = stop
    if quirks.ignore_ends and path != "responses":
        fields["ignore_eos"] = True
    fields["stream"] = stream
    if stream and path != "responses" and quirks.streaming.count:
        fields["stream_options"] = {"include_usage": True}
    if has_budget(request):
        fields.update(budget_fields(request, quirks.server, path))
    return fields


def shown(request: Generate, api: Api) -> str:
    """The prompt as a record shows it: the messages as JSON, or the text, as the server's chat template is not known."""
    if path_of(request, api) == "completions":
        return plain(request)
    system = (
        "" if request.system is None else f'{{"role": "system", "content": {_JSON.encode(request.system)}}}, '
    )
    return f'[{system}{{"role": "user", "content": {_JSON.encode(request.prompt)}}}]'


def beginning(request: Request, api: Api) -> str:
    """The text whose prefix requests may share, so that one server should get them."""
    match request:
        case Score(context=context):
            return context
        case Perplexity(text=text):
            return text
        case Generate():
            return shown(request, api)
