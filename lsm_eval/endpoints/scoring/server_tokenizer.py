"""A server's tokenizer with the interface that `models.encoding.Encoder` needs, so that texts are split as for a local model."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from lsm_eval.endpoints.scoring.background import Background
from lsm_eval.endpoints.scoring.calling import Caller, Server, Unanswered
from lsm_eval.endpoints.scoring.dialect import Dialect, TokenizerApi, find_dialect
from lsm_eval.endpoints.server import ServerUnreachable
from lsm_eval.errors import UserError
from lsm_eval.reasoning.prompts import SWITCH

T = TypeVar("T")
_AT_ONCE = {"openai": 32, "llama.cpp": 4}
"""The most connections. At llama.cpp each open one takes a thread of the server, which may have only five."""
_SECONDS = 60.0


class ServerTokenizer:
    """Replaces a transformers tokenizer when texts are encoded; each call waits for the server."""

    is_fast = False

    def __init__(
        self, server: Server, api: TokenizerApi, background: Background, facts: Mapping[str, Any]
    ) -> None:
        self.servers = [server]
        """The first is asked; if it becomes unreachable, the next one."""
        self._api, self._background = api, background
        self._ahead: dict[tuple[str, bool], list[int]] = {}
        self.bos_token: str | None = facts["bos"][0]
        self.bos_token_id: int | None = facts["bos"][1]
        self.eos_token: str | None = facts["eos"][0]
        self.eos_token_id: int | None = facts["eos"][1]
        self.chat_template: str | None = facts["template"]
        self._begins: str = facts["begins"]
        self.all_special_ids = [one for one in (self.bos_token_id, self.eos_token_id) if one is not None]

    def __call__(self, texts: Sequence[str], *, add_special_tokens: bool, **_: Any) -> dict[str, Any]:
        """As a transformers tokenizer. Raises `UserError` if the server stops answering."""
        lacking = [text for text in dict.fromkeys(texts) if (text, add_special_tokens) not in self._ahead]
        self.read_ahead([(text, add_special_tokens) for text in lacking])
        return {"input_ids": [list(self._ahead[text, add_special_tokens]) for text in texts]}

    def forget(self) -> None:
        """Forget what was read ahead, as the encoder has its own cache."""
        self._ahead.clear()

    def read_ahead(self, wanted: Sequence[tuple[str, bool]]) -> None:
        """Have many texts tokenized at once."""
        wanted = [one for one in dict.fromkeys(wanted) if one not in self._ahead]
        if wanted:
            found = self._wait(lambda dialect: _together(dialect, wanted))
            self._ahead.update(zip(wanted, found, strict=True))

    def decode(self, tokens: Sequence[int], **_: Any) -> str:
        """The text of tokens, special ones written out."""
        return self._wait(lambda dialect: dialect.text(tokens))

    def apply_chat_template(self, messages: Sequence[Mapping[str, Any]], **options: Any) -> str:
        """As a transformers tokenizer, with the server's template."""
        switches = {name: value for name, value in options.items() if name == SWITCH}
        try:
            text = self._background.run(self._asked(lambda dialect: dialect.chat(messages, switches)))
        except Unanswered as error:
            raise ValueError(error.outcome.detail) from None
        return text if text.startswith(self._begins) else self._begins + text

    async def _asked(self, work: Callable[[Dialect], Awaitable[T]]) -> T:
        # New connections each time, as it is unknown which call is the last.
        for server in list(self.servers):
            try:
                async with Caller(*server) as caller:
                    return await work(Dialect(caller, self._api))
            except Unanswered as error:
                if not error.passing:
                    raise
                found = error
                self.servers.remove(server)
                self.servers.append(server)
        raise found

    def _wait(self, work: Callable[[Dialect], Awaitable[T]]) -> T:
        try:
            return self._background.run(self._asked(work))
        except Unanswered as error:
            raise (ServerUnreachable if error.passing else UserError)(
                f"the server's tokenizer does not answer ({error.outcome.detail}): run the same command again when it does, "
                "or name the model's tokenizer with --tokenizer ID|DIR."
            ) from None


async def _together(dialect: Dialect, wanted: Sequence[tuple[str, bool]]) -> list[list[int]]:
    waiting = iter(enumerate(wanted))
    found: list[list[int]] = [[] for _ in wanted]

    async def work() -> None:
        for at, (text, special) in waiting:
            # An empty text has no tokens, and some servers refuse it.
            found[at] = await dialect.ids(text, special=special) if text or special else []

    await asyncio.gather(*(work() for _ in range(min(_AT_ONCE[dialect.api], len(wanted)))))
    return found


async def server_facts(caller: Caller) -> tuple[Dialect, dict[str, Any]] | None:
    """The server's API to tokenize, and the facts that `ServerTokenizer` needs; None if it does not tokenize. Raises
    `Unanswered`."""
    dialect = await find_dialect(caller)
    if dialect is None:
        return None
    plain, around = await dialect.ids("a", special=False), await dialect.ids("a", special=True)
    at = next((i for i in range(len(around)) if around[i : i + len(plain)] == plain), 0)
    texts: dict[str, str | None] = {"bos": None, "eos": None}
    template = None
    if dialect.api == "llama.cpp":
        props = await caller.page("/props", _SECONDS)
        props = props if isinstance(props, dict) else {}
        template = props.get("chat_template") if isinstance(props.get("chat_template"), str) else None
        own = {name: props.get(f"{name}_token") for name in texts}
    else:
        info = await caller.page("/tokenizer_info", _SECONDS)
        info = info if isinstance(info, dict) else {}
        own = {name: info.get(f"{name}_token") for name in texts}
        if at and not own["bos"]:
            own["bos"] = await dialect.text(around[:1])
        if await dialect.chats():
            template = f"{{# the server's, which may know {SWITCH} #}}"
    facts: dict[str, Any] = {"template": template}
    for name, text in own.items():
        tokens = await dialect.ids(text, special=False) if isinstance(text, str) and text else []
        facts[name] = (text, tokens[0]) if len(tokens) == 1 else (None, None)
    if at and facts["bos"][1] is None:
        facts["bos"] = (facts["bos"][0], around[0])
    # llama.cpp removes the beginning-of-text token from what its template renders, and adds it again when it reads that.
    begins = at and dialect.api == "llama.cpp" and facts["bos"][1] == around[0]
    facts["begins"] = (facts["bos"][0] or "") if begins else ""
    return dialect, facts
