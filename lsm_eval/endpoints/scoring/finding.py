"""Finds the route by which a server returns log-probabilities: routes are tried and verified, and the result is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from lsm_eval.endpoints.outcome import Refused, Retryable
from lsm_eval.endpoints.scoring.calling import Caller, Unanswered
from lsm_eval.endpoints.scoring.echo import Echo
from lsm_eval.endpoints.scoring.forced import written
from lsm_eval.endpoints.scoring.llamacpp import LlamaCpp
from lsm_eval.endpoints.scoring.prompt_cache import cuts
from lsm_eval.endpoints.scoring.prompt_logprobs import PromptLogprobs
from lsm_eval.endpoints.scoring.proof import NotProved, prove
from lsm_eval.endpoints.scoring.retries import with_retries
from lsm_eval.endpoints.scoring.route import Route
from lsm_eval.endpoints.scoring.sglang import SGLang
from lsm_eval.endpoints.server import ServerUnreachable
from lsm_eval.errors import UserError

_SECONDS = 60.0
_VERSION = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """How a server returns log-probabilities. Plain values, to be cached and put into a record."""

    route: str | None
    """Name of the route that was verified; None if none was."""
    new: int = 0
    """Tokens that the route also generates, if that can be chosen."""
    plain: int = -1
    """The token that `llamacpp` generates where the wanted one is not reported."""
    cuts: bool = False
    """Whether `llamacpp` may read prompts from the server's cache."""
    held: bool = False
    """Whether `llamacpp` scores many tokens in one request."""
    ids: bool = False
    """Whether `prompt_logprobs` asks for single tokens by `token_ids`."""
    difference: float | None = None
    """Largest difference between a token's log-probability when generated and when read, in nats."""
    lacking: str = ""
    """If there is no route: the reasons, by route."""
    sure: bool = True
    """Whether every route was answered. If some failed because of faults, the finding is not cached."""
    version: int = _VERSION
    """Version of the search: a finding of another version is found anew."""

    def dump(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @staticmethod
    def load(fields: Mapping[str, Any]) -> Finding | None:
        """The finding that `dump` wrote; None for anything else."""
        try:
            found = Finding(**fields)
        except TypeError:
            return None
        return found if found.version == _VERSION else None

    def build_route(self) -> Route | None:
        """The route itself."""
        match self.route:
            case "prompt_logprobs":
                return PromptLogprobs(self.ids)
            case "echo":
                return Echo(self.new)
            case "sglang":
                return SGLang(self.new)
            case "llama.cpp":
                return LlamaCpp(self.plain, self.cuts, self.held)
        return None


async def find_route(
    caller: Caller,
    probe: Sequence[int],
    encode: Callable[[str], Sequence[int]],
    most: int | None = None,
    *,
    cache_known: bool = False,
) -> Finding:
    """The first route that passes `proof.prove`. `probe`: see `proof.probe_tokens`. `encode`: tokens of a text, without
    special tokens around it. `most`: the most tokens that fit. `cache_known`: see `EndpointOptions`. Raises `UserError` if
    the server does not answer now."""
    lacking: dict[str, str] = {}
    sure = True
    plain = encode("a")[-1]
    for route in (
        PromptLogprobs(ids=True),
        PromptLogprobs(),
        SGLang(0),
        SGLang(1),
        Echo(0),
        Echo(1),
        LlamaCpp(plain),
    ):
        try:
            difference = await prove(route, caller, probe, encode)
        except NotProved as error:
            lacking[route.name] = str(error)
        except Unanswered as error:
            outcome = error.outcome
            if error.passing:
                raise ServerUnreachable(
                    f"the server does not answer requests that find out whether it can score texts ({outcome.detail}): run "
                    "the same command again when it does."
                ) from None
            if isinstance(outcome, Refused) and outcome.status in (401, 402):
                raise UserError(f"the server rejects the key ({outcome.detail}).") from None
            lacking[route.name] = outcome.detail
            sure &= error.lacking or not isinstance(outcome, Retryable)
        else:
            new = route.new if isinstance(route, Echo | SGLang) else 0
            own = plain if isinstance(route, LlamaCpp) else -1
            ids = isinstance(route, PromptLogprobs) and route.ids
            cut = held = False
            if isinstance(route, LlamaCpp):
                try:
                    cut = cache_known or await cuts(caller, probe, plain, most)
                    if not cut:
                        held, difference = await _held(route, caller, probe, encode, difference)
                except Unanswered as error:
                    sure &= error.lacking
            return Finding(route.name, new, own, cut, held, ids, difference, sure=sure)
    return Finding(None, lacking="; ".join(f"{name}: {why}" for name, why in lacking.items()), sure=sure)


async def _held(
    route: LlamaCpp,
    caller: Caller,
    probe: Sequence[int],
    encode: Callable[[str], Sequence[int]],
    difference: float,
) -> tuple[bool, float]:
    """Whether many tokens can be scored in one request, and the largest difference seen so far. Raises `Unanswered` if the server
    does not answer now."""
    try:
        if not await written(caller, probe[:-3], probe[-3:], _SECONDS):
            return False, difference
        return True, max(difference, await prove(replace(route, held=True), caller, probe, encode))
    except NotProved:
        return False, difference
    except Unanswered as error:
        if error.lacking or isinstance(error.outcome, Refused):
            return False, difference
        raise


async def still_holds(
    kept: Finding,
    caller: Caller,
    probe: Sequence[int],
    encode: Callable[[str], Sequence[int]],
    most: int | None = None,
) -> bool:
    """Whether the route that was found before still passes, checked with one token, as another model may be served under the
    same name. A finding without a route is believed. Raises `Unanswered` if the server does not answer now."""
    route = kept.build_route()
    if route is None:
        return True
    if isinstance(route, LlamaCpp) and route.plain != encode("a")[-1]:
        return False
    try:
        if (
            isinstance(route, LlamaCpp)
            and route.cuts
            and not await cuts(caller, probe, route.plain, most, quick=True)
        ):
            return False
        await prove(route, caller, probe, encode, once=True)
    except NotProved:
        return False
    except Unanswered as error:
        if error.passing:
            raise
        return False
    return True


class ServerLimits(NamedTuple):
    """A server's limits; None if it does not give them."""

    context: int | None
    """The most tokens of prompt and answer together."""
    slots: int | None = None
    """How many prompts it caches."""


async def server_limits(caller: Caller) -> ServerLimits:
    """The server's limits. Raises `Unanswered`."""
    # llama.cpp first, as its list of models gives the context of all its slots together.
    props = await with_retries(lambda: caller.page("/props", _SECONDS))
    settings = props.get("default_generation_settings") if isinstance(props, dict) else None
    if isinstance(settings, dict):
        return ServerLimits(_count(settings.get("n_ctx")), _count(props.get("total_slots")))
    models = await with_retries(lambda: caller.page("models", _SECONDS))
    data = models.get("data") if isinstance(models, dict) else None
    entries = [one for one in data if isinstance(one, dict)] if isinstance(data, list) else []
    own = [one for one in entries if one.get("id") == caller.model] or entries
    return ServerLimits(_count(own[0].get("max_model_len")) if len(own) == 1 else None)


def _count(value: Any) -> int | None:
    return value if type(value) is int and value > 0 else None
