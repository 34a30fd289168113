"""Constrained decoding: the fields by which each kind of server is told that an answer must be one of given texts."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from lsm_eval.requests import Generated

Constraint = Literal["structured_outputs", "guided_choice", "grammar", "regex", "json_schema"]
"""`structured_outputs` and, before it, `guided_choice`: vLLM. `grammar`: llama.cpp's GBNF. `regex`: SGLang.
`json_schema`: `response_format`, of OpenAI and most others; the answer is then a JSON object."""

_ORDERS: dict[str, tuple[Constraint, ...]] = {
    "vLLM": ("structured_outputs", "guided_choice", "json_schema"),
    "SGLang": ("regex", "json_schema"),
    "llama.cpp": ("grammar", "json_schema"),
    "Ollama": ("json_schema",),
}
_ELSEWHERE: tuple[Constraint, ...] = ("json_schema", "structured_outputs", "guided_choice")


def order(kind: str | None) -> tuple[Constraint, ...]:
    """What to try at this kind of server, the likeliest first."""
    return _ORDERS.get(kind or "", _ELSEWHERE)


def constrained(choices: Sequence[str], how: Constraint) -> dict[str, Any]:
    """The fields of a request whose answer must be one of `choices`."""
    match how:
        case "structured_outputs":
            return {"structured_outputs": {"choice": list(choices)}}
        case "guided_choice":
            return {"guided_choice": list(choices)}
        case "regex":
            return {"regex": f"({'|'.join(map(re.escape, choices))})"}
        case "grammar":
            texts = (json.dumps(choice, ensure_ascii=False) for choice in choices)
            return {"grammar": f"root ::= {' | '.join(texts)}"}
        case "json_schema":
            answer = {"type": "string", "enum": [choice.strip() for choice in choices]}
            schema = {
                "type": "object",
                "properties": {"answer": answer},
                "required": ["answer"],
                "additionalProperties": False,
            }
            named = {"name": "answer", "strict": True, "schema": schema}
            return {"response_format": {"type": "json_schema", "json_schema": named}}


def unwrapped(answer: Generated, choices: Sequence[str], how: Constraint) -> Generated:
    """The answer with the choice as its text; unchanged if it is none of them."""
    said: Any = answer.text.strip()
    if how == "json_schema":
        try:
            found = json.loads(said)
        except (ValueError, RecursionError):
            return answer
        said = found.get("answer") if isinstance(found, dict) else None
    text = next((choice for choice in choices if choice.strip() == said), None)
    return answer if text is None else replace(answer, text=text)
