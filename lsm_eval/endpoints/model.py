"""A model behind an OpenAI-shaped server (`models.base.Model`): it writes texts, and tells log-probabilities where it can."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lsm_eval.endpoints.address import Address, read_address
from lsm_eval.endpoints.asker import Asker
from lsm_eval.endpoints.asking import Api, Manner, body, path_of, shown
from lsm_eval.endpoints.asking import Path as ApiPath
from lsm_eval.endpoints.budget import Way, has_budget, refusal, told, way_of
from lsm_eval.endpoints.cost.account import Account
from lsm_eval.endpoints.cost.lookup import find_prices
from lsm_eval.endpoints.cost.prices import Prices
from lsm_eval.endpoints.fleet import Fleet
from lsm_eval.endpoints.key import read_secrets
from lsm_eval.endpoints.limiter import Limiter
from lsm_eval.endpoints.patience import Patience
from lsm_eval.endpoints.probe.learned import Learned
from lsm_eval.endpoints.quota import rate_told
from lsm_eval.endpoints.replica import Replica, one_at_a_time
from lsm_eval.endpoints.same import find_all, identity, still_the_same
from lsm_eval.endpoints.server import Server, known_server
from lsm_eval.endpoints.streams.manner import LONG
from lsm_eval.endpoints.transport import Transport
from lsm_eval.endpoints.window import Window
from lsm_eval.errors import UserError
from lsm_eval.models.base import Cost, EndpointOptions, ModelInfo, Overflow
from lsm_eval.requests import Failure, Generate, Perplexity, Request, Response, Score
from lsm_eval.secrets import without_secrets

if TYPE_CHECKING:
    from lsm_eval.endpoints.scoring.looking import Scoring
    from lsm_eval.endpoints.scoring.scorer import Scorer

Made = TypeVar("Made")
_VERSION = 1
"""Part of the fingerprint: raised when what is sent, or what is made of an answer, changes."""
_SAY_SECONDS = 30.0  # between two lines on what waits to be tried again
_LOOK_SECONDS = 5.0
_OBJECTS = 20_000  # some MB


@dataclass
class EndpointModel:
    """A model by the name that its server has for it."""

    model: str
    options: EndpointOptions
    patience: Patience = field(default_factory=Patience)
    note: Callable[[str], None] = lambda text: None
    overflow: Overflow = "error"
    offline: bool = False

    def __post_init__(self) -> None:
        """Raises `UserError` for options that mean nothing, and for a key that is not there."""
        self._addresses = [read_address(url) for url in self.options.base_urls]
        self._address = self._addresses[0]
        urls = [one.url for one in self._addresses]
        twice = next((url for url in urls if urls.count(url) > 1), None)
        if twice is not None:
            raise UserError(f"--base-url {twice} is given twice: leave one of them out.")
        self.account = Account(note=self.note)
        key = read_secrets(self.options.api_key_env, self.options.api_key_file, self.options.header_env)
        self._key = replace(key, account=self.account)
        if self.options.api_key_env or self.options.api_key_file:
            for name in self._key.replacing:
                self.note(f"--header-env {name} takes the place of the key.")
        self._replicas = [Replica(url, Limiter(self.options.max_concurrency)) for url in urls]
        self._manners = [Manner() for _ in urls]
        self._learned = Learned(
            self._address,
            self._key,
            self.model,
            self._manners,
            self.patience,
            self.note,
            kept=self.options.keep,
        )
        for one, manner in zip(self._addresses, self._manners, strict=True):
            if not one.loopback:  # nothing stands between that would cut a connection
                manner.streaming.long = LONG
        self._asked = False
        self._budget = ""
        """How the server was told a budget of thoughts."""
        for one in self._addresses:
            if self._key.secrets and not one.encrypted and not one.loopback:
                self.note(f"the key goes to {one.url} unencrypted: use https:// where the server has it.")

    @property
    def info(self) -> ModelInfo:
        scoring = vars(self).get("_scoring")
        details = {
            "endpoint": without_secrets(", ".join(one.url for one in self._addresses)),
            "api": self.options.api,
        }
        if self._key.more:
            details["headers"] = ", ".join(self._key.more)
        if "_found" in vars(self):
            details["server"] = self._server.name or "not told"
        details |= self._learned.details()
        if scoring is not None:
            details |= scoring.details
        if self._budget:
            details["reasoning_budget"] = self._budget
        if self._asked:
            details["concurrency"] = "; ".join(one.limiter.described() for one in self._replicas)
        if not all(manner.temperature for manner in self._manners):
            details["temperature"] = "the server's own: it takes no 0"
        return ModelInfo(
            name=f"openai:{self.model}",
            chat_template=self.options.api != "completions",
            context=self._context,
            details=details,
            servers=tuple(one.told() for one in self._replicas) if self._asked else (),
            probed=self._learned.findings.as_json() if self._learned.findings else None,
        )

    def fingerprint(self) -> str:
        """SHA-256 (hex) over the address, the model's name and the server's version, which is asked for. What the server
        runs behind them is not known. Of several servers: see `same.identity`. Raises `UserError` where no server is
        there, or two are not the same."""
        parts: dict[str, Any] = {
            "model": self.model,
            "server": self._server.name,
            "api": self.options.api,
            "asking": _VERSION,
            **(
                {"endpoint": self._address.url}
                if len(self._addresses) == 1
                else identity(self._addresses, self._server)
            ),
        }
        scoring = vars(self).get("_scoring")  # there where something asks how likely a text is
        if scoring is not None and not scoring.lacks:
            parts["scoring"] = scoring.parts
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    @property
    def _server(self) -> Server:
        """What the servers say of themselves, which is the same."""
        return next(one for one in self._found if one is not None)

    @cached_property
    def _found(self) -> list[Server | None]:
        with _event_loop() as runner:
            if len(self._addresses) == 1:
                return [runner.run(known_server(self._address, self._key, self.model))]
            found = runner.run(find_all(self._addresses, self._key, self.model))
        for replica, one in zip(self._replicas, found, strict=True):
            if one is None:
                replica.take_out()
                self.note(f"no server answers at {replica.url}: it is left out until it is there.")
        self._learned.address = next(one for one, what in zip(self._addresses, found, strict=True) if what)
        return found

    def versions(self) -> Mapping[str, str]:
        """What the probe found that makes other texts of the same requests (`models.base.Versioned`)."""
        return {} if self._manners[0].temperature else {"temperature": "not sent"}

    def scores(self) -> bool:
        """Whether the server tells log-probabilities (`models.base.Choosing`)."""
        return self._unsupported(Score(" ", (" ",))) is None

    def constrains(self, *, chat: bool) -> bool | None:
        """Whether the server was seen to hold answers to given texts (`models.base.Choosing`)."""
        path = path_of(Generate("", chat=chat), self.options.api)
        if not self.options.probe:
            return None
        self._learn([path])
        return path in self._manners[0].constraints

    def probe(self, requests: Sequence[Request]) -> None:
        """Find out how the server wants to be asked these (`models.base.Probing`); what is kept is not asked again."""
        paths = dict.fromkeys(
            path_of(request, self.options.api) for request in requests if isinstance(request, Generate)
        )
        self._learn([path for path in paths if self.options.probe])

    def _learn(self, paths: Sequence[ApiPath]) -> None:
        """Of several servers one is asked: they are replicas."""
        server = self._server
        with _event_loop() as runner:
            self._learned.learn(paths, server, runner.run)

    def no_budget(self, request: Generate) -> str | None:
        """Why it cannot be told a budget of thoughts (`models.base.Budgeting`)."""
        return refusal(request, self._way, path_of(request, self.options.api))

    @property
    def _way(self) -> Way:
        return way_of(self._address, self._server.kind)

    def _tell_budgets(self, requests: Sequence[Request]) -> None:
        """Learn how the server is told budgets of thoughts, where a request has one."""
        for request in requests:
            if isinstance(request, Generate) and has_budget(request):
                for manner in self._manners:
                    manner.server = self._way
                self._budget = told(request, self._way, path_of(request, self.options.api))
                return

    def cost(self, requests: Sequence[Request]) -> list[Cost]:
        """Empty for texts that are written: nothing is asked for them beforehand. Raises `UserError` for requests that it
        cannot be asked."""
        for request in requests:
            why = self._unsupported(request)
            if why is not None:
                raise UserError(f"openai:{self.model} {why}")
        return self._scoring.cost(requests) if any(map(_asks_likelihood, requests)) else []

    def find_prices(self, file: Path | None) -> Prices | None:
        """As `endpoints.cost.paid.Paid` says; of several servers the one price that all have. Raises `UserError`."""
        first, *others = (find_prices(self.model, one.url, file) for one in self._addresses)
        if any(one != first for one in others):
            raise UserError(
                f"the servers of openai:{self.model} have not all the same price: give one with --prices FILE, or leave some out."
            )
        return first

    def most(self, requests: Sequence[Request]) -> int:
        """As `endpoints.cost.paid.Paid` says."""
        api = self.options.api
        texts = [request for request in requests if isinstance(request, Generate)]
        return sum(
            self.account.most(body(one, self.model, path_of(one, api), self._manners[0])) for one in texts
        )

    def render(self, request: Request) -> str:
        """What is sent: of a chat the messages, as JSON; of what is scored the text whose tokens are sent."""
        if not isinstance(request, Generate) and self._unsupported(request) is None:
            return self._scoring.read(request)
        return _beginning(request, self.options.api)

    def computed(self) -> Mapping[str, float]:
        """Nothing that can be counted from here."""
        return {}

    def load(self) -> None:
        """Nothing to load."""

    def answer(
        self, requests: Sequence[Request], known: Collection[int] = ()
    ) -> Iterator[dict[int, Response]]:
        """As the protocol says; answers come in any order. Raises `UserError` where the server takes no request at all."""
        held = set(known)
        kept = {
            place: Failure("unsupported", why)
            for place, request in enumerate(requests)
            if place not in held and (why := self._unsupported(request)) is not None
        }
        if kept:
            yield dict(kept)
        if len(kept) + len(held) < len(requests):
            yield from self._ask(requests, held | kept.keys())

    def _ask(self, requests: Sequence[Request], held: set[int]) -> Iterator[dict[int, Response]]:
        self._asked = True
        self._tell_budgets(requests)
        with _event_loop() as runner, _rare_collections():
            transports = [
                runner.run(_made(lambda one=one: Transport(one, self._key)))  # type: ignore[misc]
                for one in self._addresses
            ]
            likely = any(map(_asks_likelihood, requests))
            scorers = [
                runner.run(_made(lambda one=one: self._scorer(one))) if likely else None  # type: ignore[misc]
                for one in self._addresses
            ]
            for at, (transport, scorer) in enumerate(zip(transports, scorers, strict=True)):
                self._connect(at, requests, transport, scorer)
            try:
                # The first of each kind goes alone, one to each server, so that a mistake of the user's costs one request.
                first: dict[str, list[int]] = {}
                for place, request in enumerate(requests):
                    if place not in held and isinstance(request, Generate):
                        alike = first.setdefault(path_of(request, self.options.api), [])
                        if len(alike) < len(self._replicas):
                            alike.append(place)
                done = set(held)
                for places in first.values():
                    with one_at_a_time(self._replicas):
                        for batch in self._window(runner, iter(places), Fleet(self._replicas, say=self._say)):
                            self._check_there(batch)
                            yield batch
                    done.update(places)
                rest = (place for place in range(len(requests)) if place not in done)
                fleet = Fleet(
                    self._replicas, lambda place: _beginning(requests[place], self.options.api), self._say
                )
                yield from self._window(runner, rest, fleet)
            finally:
                for transport, scorer in zip(transports, scorers, strict=True):
                    runner.run(transport.close())
                    if scorer is not None:
                        runner.run(scorer.close())

    def _connect(
        self, at: int, requests: Sequence[Request], transport: Transport, scorer: Scorer | None
    ) -> None:
        """Let a server be asked in the event loop that its connections live in."""
        address, replica = self._addresses[at], self._replicas[at]
        asker = Asker(
            requests, self.model, self.options.api, address, self._key, transport, self._manners[at],
            self.options.stream, self.patience, self.note, scorer,
        )  # fmt: skip

        def hear(headers: Mapping[str, str]) -> None:
            rate = rate_told(headers, time.time())
            if rate is not None:
                replica.limiter.told(time.monotonic(), rate)

        transport.hears = hear

        async def look() -> bool:
            known = (
                vars(self).get("_found") and self._server
            )  # where nobody asked, there is nothing to hold it against
            same = await still_the_same(address, self._key, self.model, known)
            if same is None:
                self.note(f"{address.url} is there again as another version or model, and is left out.")
                replica.look = _never
            return bool(same)

        replica.attempt, replica.look = asker.attempt, look

    def _say(self, text: str) -> None:
        self.note(f"openai:{self.model}: {text}")

    def _window(
        self, runner: asyncio.Runner, places: Iterator[int], fleet: Fleet
    ) -> Iterator[dict[int, Response]]:
        window = runner.run(_made(lambda: Window(places, None, None, self.patience, fleet=fleet)))
        said = time.monotonic()
        try:
            while not window.finished:
                batch = runner.run(window.take(_LOOK_SECONDS))
                if batch:
                    yield batch
                waiting, longest = window.waiting()
                if waiting and time.monotonic() - said >= _SAY_SECONDS:
                    said = time.monotonic()
                    self._say(f"retrying {waiting:,}, longest {longest:.0f} s.")
        finally:
            runner.run(window.close())

    def _check_there(self, batch: Mapping[int, Response]) -> None:
        for response in batch.values():
            if isinstance(response, Failure) and response.detail.startswith("connection:"):
                urls = " and ".join(one.url for one in self._addresses)
                raise UserError(
                    f"{urls} did not answer the first request ({response.detail}): start the server, and run the same "
                    "command again."
                )

    @cached_property
    def _scoring(self) -> Scoring:
        """What the server tells of likelihoods; it is asked for that, and for its tokens. Raises `UserError`."""
        from lsm_eval.endpoints.scoring.finding import Finding
        from lsm_eval.endpoints.scoring.looking import Scoring, look

        server = self._server
        told = self._learned.scoring(server)
        kept = None if told is None else Finding.load(told)
        if kept is None and not self.options.probe:
            lacks = "was not asked yet whether it tells log-probabilities, as a dry run asks nothing"
            return Scoring(Finding(None, lacking=lacks), lacks)
        found = look(
            self._learned.address,
            self._key,
            self.model,
            tokenizer=self.options.tokenizer,
            overflow=self.overflow,
            offline=self.offline,
            kept=kept,
        )
        if kept is None:
            self._learned.keep_scoring(server, found.finding.dump())
        return found

    @property
    def _context(self) -> int | None:
        """Tokens of prompt and answer together; of what is scored, as the route has room for."""
        if "_scoring" in vars(self) and not self._scoring.lacks:
            return self._scoring.context
        return self._server.context if "_found" in vars(self) else None

    def _scorer(self, address: Address) -> Scorer | None:
        from lsm_eval.endpoints.scoring.scorer import Scorer

        return None if self._scoring.lacks else Scorer(self._scoring, address, self._key, self.model)

    def _unsupported(self, request: Request) -> str | None:
        """Why it cannot be asked this, in the rest of a sentence; None where it can."""
        if _asks_likelihood(request):
            if isinstance(request, Perplexity) and request.detail:
                return (
                    "is behind an endpoint, which tells how likely a text's tokens are and not how likely all others: leave "
                    "out tasks that compare the two."
                )
            if self._scoring.lacks:
                return (
                    f"is behind an endpoint that {self._scoring.lacks}: leave out tasks that score given choices or texts, "
                    "or that ask how likely an answer is."
                )
            if not isinstance(request, Perplexity) and request.chat and not self._scoring.chats:
                return (
                    "is behind an endpoint that does not show what its chat template makes of messages: use --chat off, or "
                    "name the model's tokenizer with --tokenizer ID|DIR."
                )
        if not isinstance(request, Generate):
            return None
        if self.overflow == "truncate" and not request.detail:
            return (
                "is behind an endpoint, which is sent whole prompts: --overflow truncate has no meaning for texts that it "
                "writes."
            )
        if self.options.api in ("chat", "responses") and not request.chat:
            return f"is asked in chats only (--api {self.options.api}), and this is no chat: use --chat on, or another --api."
        return self._learned.refusal(request, path_of(request, self.options.api))


def _beginning(request: Request, api: Api) -> str:
    """What requests may share, so that one server reads it."""
    match request:
        case Score(context=context):
            return context
        case Perplexity(text=text):
            return text
        case Generate():
            return shown(request, api)


def _asks_likelihood(request: Request) -> bool:
    return not isinstance(request, Generate) or request.detail


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Python looks for cycles of garbage after every 700 new objects; with hundreds of requests under way those are what
    lives, and looking at them again and again took a tenth of the time."""
    before = gc.get_threshold()
    if before[0]:  # 0: somebody switched it off
        gc.set_threshold(max(before[0], _OBJECTS), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


async def _never() -> bool:
    return False


async def _made(make: Callable[[], Made]) -> Made:
    """What must be made inside the event loop that it lives in."""
    return make()


def _event_loop() -> asyncio.Runner:
    """An event loop of its own. Raises `UserError` inside of another, such as a notebook's."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.Runner()
    raise UserError(
        "an endpoint cannot be asked where an event loop runs already, as in a notebook: use the command line, or a "
        "thread of its own."
    )
