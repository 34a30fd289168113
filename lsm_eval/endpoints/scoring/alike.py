"""Checks that the other servers of a model return the same log-probabilities as the one whose route was verified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lsm_eval.endpoints.scoring.calling import Caller, Server, Unanswered
from lsm_eval.endpoints.scoring.find_scoring import Scoring
from lsm_eval.endpoints.scoring.llamacpp import LlamaCpp
from lsm_eval.endpoints.scoring.numbers import TokenNumber
from lsm_eval.endpoints.scoring.prompt_cache import cuts
from lsm_eval.endpoints.scoring.proof import TOLERANCE, probe_tokens
from lsm_eval.endpoints.scoring.retries import with_retries
from lsm_eval.endpoints.scoring.route import Route
from lsm_eval.inference.scoring.plain import TokenRow

_SCORED = 8
_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Sample:
    """Some tokens, and the log-probabilities that one server returns for the last of them."""

    route: Route
    row: TokenRow
    numbers: Sequence[TokenNumber]
    most: int | None
    """The most tokens that fit."""


def sample_row(scoring: Scoring) -> TokenRow:
    """The tokens to compare by. It encodes, so it must be called outside event loops."""
    assert scoring.encoder is not None
    encoder = scoring.encoder
    start = encoder.prefix or ((encoder.bos,) if encoder.bos is not None else ())
    tokens = probe_tokens(start, lambda text: encoder.encode([text], chat=True)[0], scoring.limits.context)
    return TokenRow(tuple(tokens), min(_SCORED, len(tokens) - 1))


async def take_sample(scoring: Scoring, row: TokenRow, server: Server) -> Sample:
    """The server's log-probabilities for `row`. Raises `Unanswered`."""
    route = scoring.finding.build_route()
    assert route is not None
    return Sample(route, row, await _numbers(route, row, server), scoring.limits.context)


async def differs(sample: Sample, server: Server) -> str | None:
    """How another server differs, as the rest of a sentence; None if it does not. Raises `Unanswered` if it cannot be asked
    now."""
    try:
        found = await _numbers(sample.route, sample.row, server)
    except Unanswered as error:
        if error.passing:
            raise
        return f"returns no log-probabilities by the route {sample.route.name} ({error.outcome.detail})"
    if isinstance(route := sample.route, LlamaCpp) and route.cuts:
        async with Caller(*server) as caller:
            if not await cuts(caller, sample.row.tokens, route.plain, sample.most, quick=True):
                return "keeps prompts in its cache in another way"
    worst = max(abs(one.logprob - own.logprob) for one, own in zip(found, sample.numbers, strict=True))
    return (
        f"returns other log-probabilities for the same tokens ({worst:.2f} nats apart)"
        if worst > TOLERANCE
        else None
    )


async def _numbers(route: Route, row: TokenRow, server: Server) -> list[TokenNumber]:
    async with Caller(*server) as caller:
        (numbers,) = await with_retries(lambda: route.numbers(caller, [row], _SECONDS))
    return numbers
