"""Answers of servers of many kinds to one and the same request, for `openai_server.Server`."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from openai_server import Body, completion, prompt_of

TEXT = "7kQ2 wZ0b pL5x Nn3r"
THOUGHTS = "Let me see what letters there are"


@dataclass
class Dialect:
    """What a server does with what it is sent. Calls answer."""

    limit: str = "max_tokens"
    temperature: str = "taken"
    greedy: bool = True
    seed: str = "kept"
    thoughts: str | None = None
    """`reasoning_content`, `reasoning` or `inline`."""
    stop: str = "cut"
    obeys: tuple[str, ...] = ()
    """Fields of a constraint that are obeyed."""
    knows: tuple[str, ...] | None = None
    """Fields of a constraint that are taken at all; None for all."""
    ids: bool = True
    say: Callable[[str], str] = lambda prompt: TEXT
    """What it writes greedily."""
    _random: random.Random = field(default_factory=lambda: random.Random(3))

    def __call__(self, body: Body) -> Any:
        if "messages" in body and self.limit not in body:
            return _no("max_tokens", f"'max_tokens' is not supported: use '{self.limit}' instead")
        if self.temperature == "refused" and "temperature" in body:
            return _no("temperature", "only the default (1) value is supported")
        if self.seed == "refused" and "seed" in body:
            return _no("seed", "no seeds here")
        if self.stop == "refused" and "stop" in body:
            return _no("stop", "'stop' is not supported with this model")
        if isinstance(body.get("prompt"), list):
            if not self.ids:
                return _no("prompt", "a prompt is a text")
            made = completion(body, "x", finish="length", tokens=1)
            return made | {"usage": {"prompt_tokens": len(body["prompt"]), "completion_tokens": 1}}
        fields = {"structured_outputs", "guided_choice", "grammar", "regex", "response_format"} & set(body)
        for name in fields:
            if self.knows is not None and name not in self.knows:
                return _no(name, f"unknown field {name}")
            if name in self.obeys:
                return completion(body, self._obeyed(body, name))
        return self._written(body)

    def _written(self, body: Body) -> Body:
        if body.get("temperature", 1.0) > 0 or not self.greedy:
            seed = body.get("seed") if self.seed == "kept" else None
            drawn = random.Random(seed) if seed is not None else self._random
            text = f"{drawn.getrandbits(64):x} drawn"
        else:
            text = self.say(prompt_of(body))
        thoughts = THOUGHTS if self.thoughts else ""
        finish = "length"
        for stop in body.get("stop", ()):
            if thoughts and stop in thoughts:
                thoughts, text, finish = thoughts.partition(stop)[0], "", "stop"
            elif stop in text and self.stop != "ignored":
                text = text.partition(stop)[0] + (stop if self.stop == "kept" else "")
                finish = "stop"
        if self.thoughts == "inline":
            return completion(body, f"<think>\n{thoughts}", finish=finish)
        if self.thoughts:
            named: dict[str, Any] = {self.thoughts: thoughts}
            return completion(body, None, finish=finish, **named)
        return completion(body, text, finish=finish)

    def _obeyed(self, body: Body, name: str) -> str:
        value = body[name]
        if name == "response_format":
            schema = value["json_schema"]["schema"]
            return json.dumps({"answer": one_of(schema["properties"]["answer"]["enum"], prompt_of(body))})
        if name == "grammar":
            allowed = [json.loads(text) for text in re.findall(r'"(?:[^"\\]|\\.)*"', value)]
        elif name == "regex":
            allowed = [re.sub(r"\\(.)", r"\1", text) for text in value[1:-1].split("|")]
        else:
            allowed = value["choice"] if name == "structured_outputs" else value
        return one_of(allowed, prompt_of(body))


def one_of(allowed: list[str], prompt: str) -> str:
    """One of the texts, which hangs on nothing but the prompt."""
    return allowed[int(hashlib.sha256(prompt.encode()).hexdigest(), 16) % len(allowed)]


def _no(parameter: str, message: str) -> tuple[int, Any, dict[str, str]]:
    return 400, {"error": {"message": message, "param": parameter}}, {}
