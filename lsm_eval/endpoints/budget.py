"""Budgets of thoughts at a server: the fields that are sent, and how answers are cut if the server has none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from lsm_eval.endpoints.address import Address
from lsm_eval.endpoints.outcome import Outcome
from lsm_eval.reasoning.split import split
from lsm_eval.requests import Generate, Generated

ReasoningApi = Literal["openai", "openrouter", "vllm", "sglang", "llama.cpp"]
"""How a server takes a budget of thoughts. `openai`: any other server."""
OTHER: ReasoningApi = "openai"
_HOSTS: dict[str, ReasoningApi] = {"openrouter.ai": "openrouter"}
_KINDS: dict[str, ReasoningApi] = {"vLLM": "vllm", "SGLang": "sglang", "llama.cpp": "llama.cpp"}
SENT = {
    "openrouter": "reasoning.max_tokens",
    "vllm": "thinking_token_budget",
    "sglang": "custom_params.thinking_budget",
    "llama.cpp": "thinking_budget_tokens",
}
"""The field that carries `--reasoning-tokens`; other servers have none."""
FIELDS = (
    "reasoning_effort",
    "thinking_token_budget",
    "thinking_budget_tokens",
    "custom_params",
    "chat_template_kwargs",
    "reasoning",
)
"""All fields that may be sent for a budget, the same in every request."""


def reasoning_api(address: Address, kind: str | None) -> ReasoningApi:
    """How a server takes a budget, by its host or by its kind (`endpoints.server.Server.kind`)."""
    for host, api in _HOSTS.items():
        if address.host == host or address.host.endswith(f".{host}"):
            return api
    return _KINDS.get(kind or "", OTHER)


def most_tokens(request: Generate) -> int:
    """The most new tokens that are requested: of thoughts and answer together if thoughts have their own budget."""
    return request.max_tokens + (request.reasoning_tokens or 0)


def has_budget(request: Generate) -> bool:
    """Whether the request says how much to think."""
    return request.reasoning_tokens is not None or request.reasoning_effort is not None


def refusal(request: Generate, server: ReasoningApi, path: str) -> str | None:
    """Why the server cannot be given the request's budgets, as the rest of a sentence; None if it can."""
    if request.reasoning_effort is None:
        return None
    if path == "completions":
        return (
            "is asked here by completions, which cannot say how much to think: use --chat on and no --api completions, or leave "
            "--reasoning-effort out."
        )
    if server == "openrouter" and request.reasoning_tokens is not None:
        return "is behind OpenRouter, which takes --reasoning-effort or --reasoning-tokens: leave out one of the two."
    if server == OTHER and request.reasoning_effort == "on":
        return (
            "is behind a server that takes a degree of effort, and on is none: use low, medium or high, or leave "
            "--reasoning-effort out."
        )
    return None


def describe_budget(request: Generate, server: ReasoningApi, path: str) -> str:
    """How the server is given the budget of thoughts, in the words of a record; empty if the request has none."""
    if request.reasoning_tokens is None:
        return ""
    if path == "chat/completions" and server in SENT:
        return f"sent as {SENT[server]}"
    return "the server is not known to have one: thoughts and answer share the sum, and the answer is cut to its own"


def fields(request: Generate, server: ReasoningApi, path: str) -> dict[str, Any]:
    """The fields to send for the request's budgets of thoughts; empty if it has none."""
    found: dict[str, Any] = {}
    effort, tokens = request.reasoning_effort, request.reasoning_tokens
    if path == "responses":
        return {} if effort is None else {"reasoning": {"effort": effort}}
    if path != "chat/completions":
        return {}
    if server == "openrouter":
        # The server takes only one of the two; a number of tokens is the stricter.
        if tokens is not None:
            found["reasoning"] = {"max_tokens": tokens} if tokens else {"effort": "none"}
        elif effort is not None:
            found["reasoning"] = {"enabled": True} if effort == "on" else {"effort": effort}
        return found
    if effort is not None:
        switch = _switch(effort, server)
        if server != "llama.cpp" and effort != "on":
            found["reasoning_effort"] = effort
        if switch:
            found["chat_template_kwargs"] = switch
    if tokens is not None and server == "vllm":
        found["thinking_token_budget"] = tokens
    elif tokens is not None and server == "sglang":
        found["custom_params"] = {"thinking_budget": tokens}
    elif tokens is not None and server == "llama.cpp":
        found["thinking_budget_tokens"] = tokens
    return found


def _switch(effort: str, server: ReasoningApi) -> dict[str, Any]:
    """Variables for the model's chat template, if the server passes them on."""
    if server == OTHER:
        return {}
    found: dict[str, Any] = {"enable_thinking": effort != "none"}
    if server == "llama.cpp" and effort not in ("none", "on"):
        found["reasoning_effort"] = effort
    return found


def within_budget(found: Outcome, request: Generate) -> Outcome:
    """Cuts an answer that has more tokens than its own budget because the thoughts used less than theirs.

    The answer's tokens are all new tokens less those of the thoughts; if only their sum is counted, it is split in
    proportion to characters. The tokenizer is not known, so a cut text keeps the same share of characters as of tokens.
    """
    if request.reasoning_tokens is None or not isinstance(found, Generated) or found.tokens is None:
        return found
    thoughts, answer, start = _parts(found)
    if not answer:
        return found
    spent = found.reasoning_tokens
    if spent is None or (not spent and thoughts):
        spent = round(found.tokens * thoughts / (thoughts + len(answer)))
    own = found.tokens - spent
    if own <= request.max_tokens:
        return found
    kept = found.text[: start + len(answer) * request.max_tokens // own]
    return replace(found, text=kept, tokens=spent + request.max_tokens, finish="length")


def _parts(written: Generated) -> tuple[int, str, int]:
    """The number of characters of the thoughts, the answer, and where in the text the answer begins."""
    if written.thoughts:
        return len(written.thoughts), written.text, 0
    found = split(written.text)
    if found.cut:
        return len(written.text), "", 0
    start = len(written.text) - len(found.answer)
    if start and written.text.endswith(found.answer):
        return start, found.answer, start
    return (0, written.text, 0) if not found.thoughts else (start, "", 0)
