"""From a request to what is sent for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from lsm_eval.endpoints.budget import OTHER, Server, most_tokens
from lsm_eval.endpoints.budget import fields as budget_fields
from lsm_eval.requests import Generate

Api = Literal["auto", "chat", "completions"]
"""`auto`: requests in a chat go to chat completions, all others to completions."""
Path = Literal["chat/completions", "completions"]
MOST_STOPS = 4
"""Stop strings that a request may carry; all of them are looked for in the answer."""
_JSON = json.JSONEncoder(ensure_ascii=False)  # `json.dumps` would make one for each request


@dataclass(slots=True)
class Manner:
    """What a server was found to want in another way than most."""

    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    counts: bool | None = None
    """Whether it counts the tokens of its answers; None until one was whole."""
    server: Server = OTHER
    """Which one it is, where a budget of thoughts hangs on that."""


def path_of(request: Generate, api: Api) -> Path:
    """Where the request is sent."""
    return "chat/completions" if api == "chat" or (api == "auto" and request.chat) else "completions"


def messages(request: Generate) -> list[dict[str, str]]:
    """The messages of a chat."""
    system = [] if request.system is None else [{"role": "system", "content": request.system}]
    return [*system, {"role": "user", "content": request.prompt}]


def plain(request: Generate) -> str:
    """The prompt without a chat, the system message before it."""
    return request.prompt if request.system is None else f"{request.system}\n\n{request.prompt}"


def body(request: Generate, model: str, path: Path, manner: Manner, *, stops: bool = True) -> bytes:
    """What is sent, as JSON. `stops`: with stop strings."""
    fields: dict[str, Any] = {"model": model}
    if path == "chat/completions":
        fields["messages"] = messages(request)
        fields[manner.limit] = most_tokens(request)
    else:
        fields["prompt"] = plain(request)
        fields["max_tokens"] = most_tokens(request)
    fields["temperature"] = request.temperature
    if request.temperature > 0:  # a greedy text hangs on neither
        fields["top_p"] = request.top_p
        fields["seed"] = request.seed
    stop = [one for one in request.stop if one][:MOST_STOPS] if stops else []
    if stop:
        fields["stop"] = stop
    fields["stream"] = False
    fields.update(budget_fields(request, manner.server, path))
    return _JSON.encode(fields).encode("utf-8", "replace")


def shown(request: Generate, api: Api) -> str:
    """The prompt as a record shows it: the messages as JSON, or the text. The server's template is not known."""
    if path_of(request, api) == "chat/completions":
        return _JSON.encode(messages(request))
    return plain(request)
