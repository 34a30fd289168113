"""What a server tells of likelihoods, and how that is found out before a run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lsm_eval.endpoints.address import Address
from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.scoring.ahead import texts_of
from lsm_eval.endpoints.scoring.background import Background
from lsm_eval.endpoints.scoring.calling import Caller, Server, Unanswered
from lsm_eval.endpoints.scoring.dialect import Speaks
from lsm_eval.endpoints.scoring.finding import Finding, Room, find_route, room_of, still_holds
from lsm_eval.endpoints.scoring.named_tokenizer import check_same, load_named
from lsm_eval.endpoints.scoring.proof import probe_tokens
from lsm_eval.endpoints.scoring.server_tokenizer import ServerTokenizer, server_facts
from lsm_eval.endpoints.server import NotThere
from lsm_eval.errors import UserError
from lsm_eval.models.base import Cost, Overflow
from lsm_eval.models.encoding import Encoder
from lsm_eval.models.request_encoding import RequestEncoder
from lsm_eval.requests import Request

_VERSION = 1
"""Part of what scores are kept under: raised when what is sent, or what is made of an answer, changes."""
_SERVERS = "the server's"
_UNKNOWN = Room(None)
_AHEAD = 1000  # requests whose texts are tokenised together


@dataclass(frozen=True, slots=True)
class Scoring:
    """What a server tells of likelihoods, or why it tells nothing."""

    finding: Finding
    lacks: str | None
    """Why there are no log-probabilities, in the rest of a sentence; None where there are."""
    tokenizer: str = ""
    """Whose it is."""
    room: Room = _UNKNOWN
    requests: RequestEncoder | None = None
    encoder: Encoder | None = None
    not_asked: bool = False
    """Whether there are none because nobody may ask."""
    cuts: bool = False
    """Whether contexts that are too long are cut (`ModelOptions.overflow`): otherwise they have no number."""

    @property
    def context(self) -> int | None:
        """Tokens that a row may have but for its last one, as models in process count them."""
        route = self.finding.made()
        if route is None or self.room.context is None:
            return None
        return max(self.room.context - route.spare, 1)

    @property
    def chats(self) -> bool:
        """Whether it is known what the chat template makes of messages."""
        return self.encoder is not None and self.encoder.chat_template

    @property
    def details(self) -> dict[str, str]:
        """What a reader of the record needs to know."""
        if self.finding.route is None:
            return {"scoring": "none"}
        difference = self.finding.difference or 0.0
        how = ", single tokens by logprob_token_ids" if self.finding.ids else ""
        if self.finding.plain >= 0 and not self.finding.cuts:
            how = ", without its cache" + (", many tokens a request" if self.finding.held else "")
        return {
            "scoring": f"{self.finding.route}{how} (proved: {difference:.2g} nats at most between reading and writing a token)",
            "tokenizer": self.tokenizer,
        }

    @property
    def parts(self) -> dict[str, Any]:
        """What has a say in the numbers, which are kept under it (`described.scored_as`)."""
        return {
            "route": self.finding.route,
            "tokenizer": self.tokenizer,
            "context": self.room.context,
            "version": _VERSION,
            **({"overflow": "truncate"} if self.cuts else {}),
            **({"cache": self.finding.cuts} if self.finding.plain >= 0 else {}),
            **({"held": True} if self.finding.held else {}),
        }

    def cost(self, requests: Sequence[Request]) -> list[Cost]:
        """Tokens of each request."""
        encoder = self._requests
        self.read_ahead(requests)
        return [Cost(0, 0, 0) if encoder.refusal(request) else encoder.cost(request) for request in requests]

    def read_ahead(self, requests: Sequence[Request]) -> None:
        """Ask the server for the tokens of all that is in `requests`, where it is the server that tells them."""
        assert self.encoder is not None
        tokenizer = self.encoder.tokenizer
        if isinstance(tokenizer, ServerTokenizer):
            for at in range(0, len(requests), 1000):
                some = requests[at : at + 1000]
                tokenizer.read_ahead(texts_of(some, self._requests))
                for request in some:
                    if self._requests.refusal(request) is None:
                        self._requests.cost(request)  # now they are where the encoder remembers them
                tokenizer.forget()

    def read(self, request: Request) -> str:
        """The prompt as the model reads it."""
        return self._requests.read(request)

    @property
    def _requests(self) -> RequestEncoder:
        assert self.requests is not None
        return self.requests


def look(
    address: Address,
    key: Key,
    model: str,
    *,
    tokenizer: str | None,
    overflow: Overflow,
    offline: bool,
    kept: Finding | None = None,
    asks: bool = True,
    cache_known: bool = False,
) -> Scoring:
    """Find out what the server tells of likelihoods. `tokenizer`: of `--tokenizer`. `kept`: what was found of this very
    server before, which is proved anew with one token; without `asks` it is taken as it is. `cache_known`: of
    `EndpointOptions`. Raises `UserError` where it cannot be asked now, and for a tokenizer that is not the server's."""
    named = None if tokenizer is None else load_named(tokenizer, offline=offline)
    # Two threads: while one proves a route it waits for tokens from the other.
    tokens, asking = Background(), Background()
    needed = False
    try:
        found = _look(
            tokens, asking, (address, key, model), named, tokenizer, overflow, kept, asks, cache_known
        )
        needed = found.encoder is not None and named is None
        return found
    except Unanswered as error:
        raise (NotThere if error.passing else UserError)(
            f"{address.url} does not answer what tells whether it can score texts ({error.outcome.detail}): run the same "
            "command again when it does."
        ) from None
    finally:
        asking.close()
        if not needed:
            tokens.close()


def _look(
    tokens: Background,
    asking: Background,
    server: Server,
    named: Any,
    name: str | None,
    overflow: Overflow,
    kept: Finding | None,
    asks: bool,
    cache_known: bool,
) -> Scoring:
    facts = tokens.run(_facts(server, named, name))
    if named is not None:
        encoder, whose = Encoder(named), f"{name} ({_digest(named)})"
    elif facts is not None:
        encoder, whose = Encoder(ServerTokenizer(server, facts[0], tokens, facts[1])), _SERVERS
    else:
        return Scoring(
            Finding(None, lacking="no tokenizer", sure=False),  # --tokenizer may name one the next time
            "has no /tokenize, so that nobody knows which tokens are a context's and which its answer's (--tokenizer "
            "ID|DIR names the model's tokenizer)",
        )
    finding, room = asking.run(_found(server, encoder, kept, asks=asks, cache_known=cache_known))
    route = finding.made()
    if route is None:
        return Scoring(finding, f"tells no log-probabilities that can be used ({finding.lacking})")
    context = Scoring(finding, None, whose, room).context
    requests = RequestEncoder(encoder, context, overflow)
    return Scoring(finding, None, whose, room, requests, encoder, cuts=overflow == "truncate")


async def _facts(server: Server, named: Any, name: str | None) -> tuple[Speaks, dict[str, Any]] | None:
    """How the server tells tokens, and what must be known of them; None where it tells none. Raises `UserError` where
    they are others than those of the tokenizer `named`."""
    async with Caller(*server) as caller:
        found = await server_facts(caller)
        if found is None:
            return None
        if named is not None:
            await check_same(named, str(name), found[0])
        return found[0].speaks, found[1]


async def _found(
    server: Server, encoder: Encoder, kept: Finding | None, *, asks: bool, cache_known: bool
) -> tuple[Finding, Room]:
    """The route, and how much the server can read."""

    def encode(text: str) -> list[int]:
        return encoder.encode([text], chat=True)[0]

    async with Caller(*server) as caller:
        room = await room_of(caller)
        if kept is not None and not asks:
            return kept, room
        start = encoder.prefix or ((encoder.bos,) if encoder.bos is not None else ())
        probe = probe_tokens(start, encode, room.context)
        if kept is not None and await still_holds(kept, caller, probe, encode, room.context):
            return kept, room
        return await find_route(caller, probe, encode, room.context, cache_known=cache_known), room


def _digest(tokenizer: Any) -> str:
    content = json.dumps(sorted(tokenizer.get_vocab().items()), ensure_ascii=True)
    return f"sha256 {hashlib.sha256(content.encode()).hexdigest()[:16]}"
