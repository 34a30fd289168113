"""A model behind an OpenAI-compatible server (`models.base.Model`): it generates text, and returns log-probabilities if it can."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lsm_eval.endpoints import described
from lsm_eval.endpoints.address import Address
from lsm_eval.endpoints.asking import beginning, path_of
from lsm_eval.endpoints.budget import describe_budget, has_budget, refusal
from lsm_eval.endpoints.cost.account import Account
from lsm_eval.endpoints.cost.lookup import find_prices
from lsm_eval.endpoints.cost.prices import Prices
from lsm_eval.endpoints.cost.upper_bound import most_cost, not_counted
from lsm_eval.endpoints.discovery import Discovery
from lsm_eval.endpoints.key import Key, read_secrets
from lsm_eval.endpoints.refusing import unsupported
from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.endpoints.server import Server
from lsm_eval.endpoints.session import Session
from lsm_eval.endpoints.site import read_sites
from lsm_eval.errors import UserError
from lsm_eval.inference.times import Found as FoundTimes
from lsm_eval.models.base import Cost, EndpointOptions, ModelInfo, Overflow
from lsm_eval.requests import Failure, Generate, Request, Response, Score, asks_likelihood


@dataclass
class EndpointModel:
    """A model, by its server's name for it."""

    model: str
    options: EndpointOptions
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    note: Callable[[str], None] = lambda text: None
    overflow: Overflow = "error"
    offline: bool = False

    def __post_init__(self) -> None:
        """Raises `UserError` for meaningless options, and if the key is missing."""
        options = self.options
        self.account = Account(note=self.note)
        key = read_secrets(options.api_key_env, options.api_key_file, options.header_env)
        key = replace(key, account=self.account)
        if options.api_key_env or options.api_key_file:
            for name in key.replacing:
                self.note(f"--header-env {name} replaces the key.")
        self._sites = read_sites(options, key, self.note)
        self._discovery = Discovery(
            self._sites, key, self.model, options, self.retry_policy, self.note, self.overflow, self.offline
        )
        self._asked = False
        self._budget = ""
        """How the server was given a budget of thoughts."""

    @property
    def info(self) -> ModelInfo:
        return described.info(self._discovery, asked=self._asked, budget=self._budget)

    def fingerprint(self) -> str:
        """See `described.fingerprint`. Raises `UserError` if no server can be reached, or two differ."""
        return described.fingerprint(self._discovery)

    def place(self) -> tuple[Address, Key, Server]:
        """Its first server's address and key, and what it says about itself. Raises `UserError` if none can be reached."""
        return self._sites[0].address, self._discovery.key, self._discovery.server

    def versions(self) -> Mapping[str, str]:
        """Findings of the probe that change the text of an answer (`models.base.Versioned`)."""
        return {} if self._sites[0].quirks.temperature else {"temperature": "not sent"}

    def scored_as(self) -> str:
        """See `described.scored_as` (`models.base.Measuring`)."""
        return described.scored_as(self._discovery)

    def scores(self) -> bool | None:
        """Whether the server returns log-probabilities; None if it was not asked (`models.base.Choosing`)."""
        if unsupported(Score(" ", (" ",)), self._discovery) is None:
            return True
        return None if self._discovery.scoring.not_asked else False

    def constrains(self, *, chat: bool) -> bool | None:
        """Whether the server was seen to constrain answers to given texts; None if it was not asked (`models.base.Choosing`)."""
        path = path_of(Generate("", chat=chat), self.options.api)
        if not self.options.probe:
            return None
        self._discovery.learn([path])
        return path in self._sites[0].quirks.constraints

    def probe(self, requests: Sequence[Request]) -> None:
        """Find out how these requests must be sent (`models.base.Probing`), unless it is known from before."""
        paths = dict.fromkeys(
            path_of(request, self.options.api) for request in requests if isinstance(request, Generate)
        )
        self._discovery.learn([path for path in paths if self.options.probe])

    def no_budget(self, request: Generate) -> str | None:
        """Why it cannot be given a budget of thoughts (`models.base.Budgeting`)."""
        return refusal(request, self._discovery.reasoning_api, path_of(request, self.options.api))

    def cost(self, requests: Sequence[Request]) -> list[Cost]:
        """Empty if texts are only generated: nothing is requested for them beforehand. Raises `UserError` for unsupported
        requests."""
        for request in requests:
            why = unsupported(request, self._discovery)
            if why is not None:
                raise UserError(f"openai:{self.model} {why}")
        return self._discovery.scoring.cost(requests) if any(map(asks_likelihood, requests)) else []

    def find_prices(self, file: Path | None) -> Prices | None:
        """See `endpoints.cost.paid.Paid`; several servers must have the same price. Raises `UserError`."""
        first, *others = (find_prices(self.model, one.address.url, file) for one in self._sites)
        if any(one != first for one in others):
            raise UserError(
                f"the servers of openai:{self.model} do not all have the same price: give one with --prices FILE, or leave some out."
            )
        return first

    def most(self, requests: Sequence[Request]) -> int:
        """See `endpoints.cost.paid.Paid`."""
        return most_cost(requests, self._discovery)

    def not_counted(self) -> str:
        """See `endpoints.cost.paid.Paid`."""
        return not_counted(self._discovery)

    def render(self, request: Request) -> str:
        """What is sent: the messages of a chat, as JSON; for scoring, the text whose tokens are sent."""
        if not isinstance(request, Generate) and unsupported(request, self._discovery) is None:
            return self._discovery.scoring.read(request)
        return beginning(request, self.options.api)

    def computed(self) -> Mapping[str, float]:
        """Empty, as nothing can be counted on this side."""
        return {}

    def times(self) -> FoundTimes:
        """Times of each answered request, and to the first part of each stream (`models.base.Timing`)."""
        return self._discovery.times.found()

    def load(self) -> None:
        """Nothing to load."""

    def answer(
        self, requests: Sequence[Request], known: Collection[int] = ()
    ) -> Iterator[dict[int, Response]]:
        """See `models.base.Model`; answers come in any order. Raises `UserError` if the server refuses all requests."""
        held = set(known)
        kept = {
            place: Failure("unsupported", why)
            for place, request in enumerate(requests)
            if place not in held and (why := unsupported(request, self._discovery)) is not None
        }
        if kept:
            yield dict(kept)
        if len(kept) + len(held) < len(requests):
            self._asked = True
            self._tell_budgets(requests)
            with Session(requests, self._discovery) as session:
                yield from session.ask(held | kept.keys())

    def _tell_budgets(self, requests: Sequence[Request]) -> None:
        """Find out how the server takes budgets of thoughts, if a request has one."""
        for request in requests:
            if isinstance(request, Generate) and has_budget(request):
                api = self._discovery.reasoning_api
                for site in self._sites:
                    site.quirks.server = api
                self._budget = describe_budget(request, api, path_of(request, self.options.api))
                return
