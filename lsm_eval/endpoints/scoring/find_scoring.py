"""How a server returns log-probabilities, and how that is found out before a run."""

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
from lsm_eval.endpoints.scoring.dialect import TokenizerApi
from lsm_eval.endpoints.scoring.finding import Finding, ServerLimits, find_route, server_limits, still_holds
from lsm_eval.endpoints.scoring.named_tokenizer import check_same, load_named
from lsm_eval.endpoints.scoring.proof import probe_tokens
from lsm_eval.endpoints.scoring.server_tokenizer import ServerTokenizer, server_facts
from lsm_eval.endpoints.server import ServerUnreachable
from lsm_eval.errors import UserError
from lsm_eval.models.base import Cost, Overflow
from lsm_eval.models.encoding import Encoder
from lsm_eval.models.request_encoding import RequestEncoder
from lsm_eval.requests import Request

_VERSION = 1
"""Part of the key that scores are stored under: raised when what is sent, or how answers are read, changes."""
_SERVERS = "the server's"
_UNKNOWN = ServerLimits(None)
_AHEAD = 1000  # requests whose texts are tokenised together


@dataclass(frozen=True, slots=True)
class Scoring:
    """How a server returns log-probabilities, or why it does not."""

    finding: Finding
    lacks: str | None
    """Why there are no log-probabilities, as the rest of a sentence; None if there are."""
    tokenizer: str = ""
    """The source of the tokenizer."""
    limits: ServerLimits = _UNKNOWN
    requests: RequestEncoder | None = None
    encoder: Encoder | None = None
    not_asked: bool = False
    """Whether there are none because no request may be sent."""
    cuts: bool = False
    """Whether contexts that are too long are truncated (`ModelOptions.overflow`); otherwise they are failures."""

    @property
    def context(self) -> int | None:
        """The most tokens of a row without its last one, as local models count them."""
        route = self.finding.build_route()
        if route is None or self.limits.context is None:
            return None
        return max(self.limits.context - route.spare, 1)

    @property
    def chats(self) -> bool:
        """Whether messages can be rendered by the chat template."""
        return self.encoder is not None and self.encoder.chat_template

    @property
    def details(self) -> dict[str, str]:
        """What the record shows."""
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
        """All that affects the scores, which are stored under its hash (`described.scored_as`)."""
        return {
            "route": self.finding.route,
            "tokenizer": self.tokenizer,
            "context": self.limits.context,
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
        """Have the server tokenize all texts in `requests`, if its tokenizer is used."""
        assert self.encoder is not None
        tokenizer = self.encoder.tokenizer
        if isinstance(tokenizer, ServerTokenizer):
            for at in range(0, len(requests), 1000):
                some = requests[at : at + 1000]
                tokenizer.read_ahead(texts_of(some, self._requests))
                for request in some:
                    if self._requests.refusal(request) is None:
                        self._requests.cost(request)  # so that the encoder caches the tokens
                tokenizer.forget()

    def read(self, request: Request) -> str:
        """The prompt as the model reads it."""
        return self._requests.read(request)

    @property
    def _requests(self) -> RequestEncoder:
        assert self.requests is not None
        return self.requests


def find_scoring(
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
    """Find out how the server returns log-probabilities. `tokenizer`: the value of `--tokenizer`. `kept`: the cached finding
    about this server, which is verified again with one token; without `asks` it is used as it is. `cache_known`: see
    `EndpointOptions`. Raises `UserError` if the server cannot be asked now, and for a tokenizer that is not the server's."""
    named = None if tokenizer is None else load_named(tokenizer, offline=offline)
    # Two threads: while one verifies a route it waits for tokens from the other.
    tokens, asking = Background(), Background()
    needed = False
    try:
        found = _find(
            tokens, asking, (address, key, model), named, tokenizer, overflow, kept, asks, cache_known
        )
        needed = found.encoder is not None and named is None
        return found
    except Unanswered as error:
        raise (ServerUnreachable if error.passing else UserError)(
            f"{address.url} does not answer requests that find out whether it can score texts ({error.outcome.detail}): run "
            "the same command again when it does."
        ) from None
    finally:
        asking.close()
        if not needed:
            tokens.close()


def _find(
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
            "has no /tokenize, so that it is unknown which tokens belong to a context and which to its answer (--tokenizer "
            "ID|DIR names the model's tokenizer)",
        )
    finding, limits = asking.run(_found(server, encoder, kept, asks=asks, cache_known=cache_known))
    route = finding.build_route()
    if route is None:
        return Scoring(finding, f"returns no log-probabilities that can be used ({finding.lacking})")
    context = Scoring(finding, None, whose, limits).context
    requests = RequestEncoder(encoder, context, overflow)
    return Scoring(finding, None, whose, limits, requests, encoder, cuts=overflow == "truncate")


async def _facts(server: Server, named: Any, name: str | None) -> tuple[TokenizerApi, dict[str, Any]] | None:
    """The server's API to tokenize, and facts about its tokenizer; None if it does not tokenize. Raises `UserError` if the
    tokenizer `named` gives other tokens."""
    async with Caller(*server) as caller:
        found = await server_facts(caller)
        if found is None:
            return None
        if named is not None:
            await check_same(named, str(name), found[0])
        return found[0].api, found[1]


async def _found(
    server: Server, encoder: Encoder, kept: Finding | None, *, asks: bool, cache_known: bool
) -> tuple[Finding, ServerLimits]:
    """The route, and the server's limits."""

    def encode(text: str) -> list[int]:
        return encoder.encode([text], chat=True)[0]

    async with Caller(*server) as caller:
        limits = await server_limits(caller)
        if kept is not None and not asks:
            return kept, limits
        start = encoder.prefix or ((encoder.bos,) if encoder.bos is not None else ())
        probe = probe_tokens(start, encode, limits.context)
        if kept is not None and await still_holds(kept, caller, probe, encode, limits.context):
            return kept, limits
        return await find_route(caller, probe, encode, limits.context, cache_known=cache_known), limits


def _digest(tokenizer: Any) -> str:
    content = json.dumps(sorted(tokenizer.get_vocab().items()), ensure_ascii=True)
    return f"sha256 {hashlib.sha256(content.encode()).hexdigest()[:16]}"
