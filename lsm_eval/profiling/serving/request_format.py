"""The requests sent to a profiled server, adapted to what it accepts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lsm_eval.endpoints.adapting import adapt
from lsm_eval.endpoints.asking import Api, Path, Quirks, body, path_of
from lsm_eval.endpoints.outcome import Refused
from lsm_eval.endpoints.reading import read_fault
from lsm_eval.errors import UserError
from lsm_eval.profiling.serving.reading import body as content_of
from lsm_eval.profiling.serving.stamps import TimedRequest
from lsm_eval.profiling.serving.wire import Exchange
from lsm_eval.requests import Generate

_UNKNOWN = re.compile(r"unknown|unexpected|unrecogni[sz]ed|unsupported|not permitted|extra", re.IGNORECASE)
_JSON = json.JSONEncoder(ensure_ascii=False)
_COUNTING: dict[str, dict[str, Any]] = {
    "vLLM": {"stream_options": {"include_usage": True, "continuous_usage_stats": True}},
    "SGLang": {"stream_options": {"include_usage": True, "continuous_usage_stats": True}},
    "llama.cpp": {"timings_per_token": True},
}
"""By kind of server: fields that make it count the tokens of every chunk."""
_NO_END = {"vLLM": "ignore_eos", "SGLang": "ignore_eos", "llama.cpp": "ignore_eos"}
"""By kind of server: the field that makes it ignore the end of an answer, so that answers have the requested length."""


@dataclass(slots=True)
class RequestFormat:
    """The form of requests to one server."""

    name: str
    """The server's name in messages."""
    model: str
    """The server's name for the model."""
    api: Api
    kind: str | None
    """Kind of server (`endpoints.server.Server.kind`)."""
    ignore_ends: bool = True
    cold: bool = False
    """Whether requests ask it not to cache prompts, if they can."""
    quirks: Quirks = field(default_factory=Quirks)
    extras: bool = True
    """Whether it accepts the fields specific to its kind."""

    @property
    def path(self) -> Path:
        """The path that requests are sent to."""
        return path_of(self._request("", 1), self.api)

    @property
    def fixed_length(self) -> bool:
        """Whether answers have the requested length, even if the model would end earlier."""
        return self.extras and self.ignore_ends and self.kind in _NO_END

    def body(self, prompt: str, tokens: int) -> bytes:
        """One request, as JSON."""
        request = self._request(prompt, tokens)
        content = body(request, self.model, self.path, self.quirks, stops=False, stream=True)
        more = self._more()
        if not more:
            return content
        fields = json.loads(content)
        for name, value in more.items():
            if isinstance(value, dict) and isinstance(fields.get(name), dict):
                fields[name].update(value)
            else:
                fields[name] = value
        return _JSON.encode(fields).encode("utf-8", "replace")

    def _more(self) -> dict[str, Any]:
        if not self.extras or self.kind is None or self.path == "responses":
            return {}
        found: dict[str, Any] = dict(_COUNTING.get(self.kind, {}))
        if not self.quirks.streaming.count:
            found.pop("stream_options", None)
        if self.fixed_length:
            found[_NO_END[self.kind]] = True
        if self.kind == "llama.cpp" and self.cold:
            found["cache_prompt"] = False
        return found

    def _request(self, prompt: str, tokens: int) -> Generate:
        return Generate(prompt, max_tokens=tokens, chat=self.api != "completions")

    def learn(self, exchange: Exchange, one: TimedRequest, note: Callable[[str], None]) -> bool:
        """Adapt the form of requests to a refusal. Returns whether another attempt makes sense."""
        if one.failure is None or exchange.head is None or exchange.head.status not in (400, 422):
            return False
        refused = read_fault(exchange.head.status, content_of(exchange), None)
        if not isinstance(refused, Refused):
            return False
        before = self._state()
        for said in adapt(self.quirks, refused, self._request("", 1), self.path, streamed=None):
            note(f"{self.name} {said}")
        if self._state() != before:
            return True
        if self.extras and self._more() and _of_a_field(one.detail, self._more()):
            self.extras = False
            note(
                f"{self.name} does not take what {self.kind} does ({one.detail or one.failure}): answers may end early, and "
                "tokens are counted at the end alone."
            )
            return True
        return False

    def _state(self) -> tuple[Any, ...]:
        return self.quirks.limit, self.quirks.temperature, self.quirks.streaming.count


def _of_a_field(said: str, fields: dict[str, Any]) -> bool:
    """Whether a refusal concerns one of these fields, or an unknown field."""
    names = [*fields, *(name for value in fields.values() if isinstance(value, dict) for name in value)]
    return any(name in said for name in names) or _UNKNOWN.search(said) is not None


def refusal(model: str, one: TimedRequest) -> UserError:
    """The error for a server that does not answer the first request."""
    said = f": {one.detail}" if one.detail else ""
    if one.failure == "no stream":
        return UserError(
            f"{model} does not stream{said}, so that the time of its first token is unknown: profile a server that streams."
        )
    return UserError(
        f"{model} did not answer the first request ({one.failure}{said}): fix that before its speed is measured."
    )
