"""How a server is asked to tokenize: by the API of vLLM and SGLang, or by llama.cpp's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lsm_eval.endpoints.scoring.calling import Caller, Unanswered
from lsm_eval.endpoints.scoring.numbers import incomplete
from lsm_eval.endpoints.scoring.retries import with_retries

TokenizerApi = Literal["openai", "llama.cpp"]
_SECONDS = 60.0
_PROBE = [{"role": "user", "content": "a"}]


@dataclass(frozen=True, slots=True)
class Dialect:
    """A server's `/tokenize`, `/detokenize` and chat template."""

    caller: Caller
    api: TokenizerApi

    async def ids(self, text: str, *, special: bool) -> list[int]:
        """Tokens of `text`; `special`: with those that the tokenizer adds around a text. Special tokens in the text itself
        are parsed. Raises `Unanswered`."""
        body: dict[str, Any]
        if self.api == "openai":
            body = {"model": self.caller.model, "prompt": text, "add_special_tokens": special}
        else:
            body = {"content": text, "add_special": special, "parse_special": True}
        return await self._tokens(body)

    async def text(self, tokens: Sequence[int]) -> str:
        """The text of tokens, special ones written out. Raises `Unanswered`."""
        body: dict[str, Any] = {"tokens": list(tokens)}
        if self.api == "openai":
            body |= {"model": self.caller.model, "skip_special_tokens": False}
        answer = await with_retries(lambda: self.caller.post("/detokenize", body, _SECONDS))
        names = ("prompt", "text", "content")
        found = answer if isinstance(answer, dict) else {}
        text = next((found[name] for name in names if isinstance(found.get(name), str)), None)
        if text is None:
            raise incomplete("/detokenize returns no text")
        return str(text)

    async def chat(self, messages: Sequence[Mapping[str, Any]], switches: Mapping[str, Any]) -> str:
        """Messages rendered by the server's chat template, up to where the reply starts. `switches`: variables for the
        template. Raises `Unanswered`."""
        body: dict[str, Any] = {"messages": list(messages)}
        if switches:
            body["chat_template_kwargs"] = dict(switches)
        if self.api == "llama.cpp":
            answer = await with_retries(lambda: self.caller.post("/apply-template", body, _SECONDS))
            text = answer.get("prompt") if isinstance(answer, dict) else None
            if not isinstance(text, str):
                raise incomplete("/apply-template returns no prompt")
            return str(text)
        body |= {"model": self.caller.model, "add_generation_prompt": True, "add_special_tokens": False}
        tokens = await self._tokens(body)
        text = await self.text(tokens)
        if await self.ids(text, special=False) != tokens:
            raise incomplete(
                "the text that its chat template renders does not have the tokens that it returns for the messages"
            )
        return text

    async def chats(self) -> bool:
        """Whether the server returns messages rendered by its chat template."""
        try:
            return bool(await self.chat(_PROBE, {}))
        except Unanswered:
            return False

    async def _tokens(self, body: Mapping[str, Any]) -> list[int]:
        answer = await with_retries(lambda: self.caller.post("/tokenize", body, _SECONDS))
        tokens = answer.get("tokens") if isinstance(answer, dict) else None
        if not isinstance(tokens, list) or not all(type(one) is int for one in tokens):
            raise incomplete("/tokenize returns no tokens")
        return tokens


async def find_dialect(caller: Caller) -> Dialect | None:
    """The server's API; None if it does not tokenize. Raises `Unanswered` if it cannot be asked now."""
    for api in ("openai", "llama.cpp"):
        found = Dialect(caller, api)
        try:
            # Each ignores the other's fields, and then finds no text.
            if await found.ids("a", special=False):
                return found
        except Unanswered as error:
            if error.passing:
                raise
    return None
