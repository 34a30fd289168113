"""A model behind an OpenAI-shaped server (`models.base.Model`): it writes texts, and tells log-probabilities where it can."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from lsm_eval.endpoints.address import read_address
from lsm_eval.endpoints.asker import Asker
from lsm_eval.endpoints.asking import Manner, path_of, shown
from lsm_eval.endpoints.key import read_key
from lsm_eval.endpoints.limiter import Limiter
from lsm_eval.endpoints.patience import Patience
from lsm_eval.endpoints.server import server_version
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
        self._address = read_address(self.options.base_url)
        self._key = read_key(self.options.api_key_env, self.options.api_key_file)
        self._limiter = Limiter(self.options.max_concurrency)
        self._manner = Manner()
        self._asked = False
        if self._key.secret and not self._address.encrypted and not self._address.loopback:
            self.note(
                f"the key goes to {self._address.url} unencrypted: use https:// where the server has it."
            )

    @property
    def info(self) -> ModelInfo:
        details = {"endpoint": without_secrets(self._address.url), "api": self.options.api}
        if "_server" in vars(self):
            details["server"] = self._server or "not told"
        scoring = vars(self).get("_scoring")
        if scoring is not None:
            details |= scoring.details
        if self._asked:
            details["concurrency"] = self._limiter.described()
        return ModelInfo(
            name=f"openai:{self.model}",
            chat_template=self.options.api != "completions",
            context=None if scoring is None else scoring.context,
            details=details,
        )

    def fingerprint(self) -> str:
        """SHA-256 (hex) over the address, the model's name and the server's version, which is asked for. What the server
        runs behind them is not known. Raises `UserError` where no server is there."""
        parts: dict[str, Any] = {
            "endpoint": self._address.url,
            "model": self.model,
            "server": self._server,
            "api": self.options.api,
            "asking": _VERSION,
        }
        scoring = vars(self).get("_scoring")  # there where something asks how likely a text is
        if scoring is not None and not scoring.lacks:
            parts["scoring"] = scoring.parts
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    @cached_property
    def _server(self) -> str:
        with _event_loop() as runner:
            return runner.run(server_version(self._address, self._key))

    def cost(self, requests: Sequence[Request]) -> list[Cost]:
        """Empty for texts that are written: nothing is asked for them beforehand. Raises `UserError` for requests that it
        cannot be asked."""
        for request in requests:
            why = self._unsupported(request)
            if why is not None:
                raise UserError(f"openai:{self.model} {why}")
        return self._scoring.cost(requests) if any(map(_asks_likelihood, requests)) else []

    def render(self, request: Request) -> str:
        """What is sent: of a chat the messages, as JSON; of what is scored the text whose tokens are sent."""
        if not isinstance(request, Generate) and self._unsupported(request) is None:
            return self._scoring.read(request)
        match request:
            case Score(context=context):
                return context
            case Perplexity(text=text):
                return text
            case Generate():
                return shown(request, self.options.api)

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
        with _event_loop() as runner, _rare_collections():
            transport = runner.run(_made(lambda: Transport(self._address, self._key)))
            scorer = runner.run(_made(self._scorer)) if any(map(_asks_likelihood, requests)) else None
            asker = Asker(
                requests,
                self.model,
                self.options.api,
                self._address,
                self._key,
                transport,
                self._manner,
                scorer,
            )
            try:
                # The first of each kind goes alone, so that a mistake of the user's costs one request.
                first: dict[str, int] = {}
                for place, request in enumerate(requests):
                    if place not in held and isinstance(request, Generate):
                        first.setdefault(path_of(request, self.options.api), place)
                for place in first.values():
                    for batch in self._window(runner, asker, iter([place]), Limiter(1)):
                        self._check_there(batch[place])
                        yield batch
                done = held | set(first.values())
                rest = (place for place in range(len(requests)) if place not in done)
                yield from self._window(runner, asker, rest, self._limiter)
            finally:
                runner.run(transport.close())
                if scorer is not None:
                    runner.run(scorer.close())

    def _window(
        self, runner: asyncio.Runner, asker: Asker, places: Iterator[int], limiter: Limiter
    ) -> Iterator[dict[int, Response]]:
        window = runner.run(_made(lambda: Window(places, asker.attempt, limiter, self.patience)))
        said = time.monotonic()
        try:
            while not window.finished:
                batch = runner.run(window.take(_LOOK_SECONDS))
                if batch:
                    yield batch
                waiting, longest = window.waiting()
                if waiting and time.monotonic() - said >= _SAY_SECONDS:
                    said = time.monotonic()
                    self.note(f"openai:{self.model}: retrying {waiting:,}, longest {longest:.0f} s.")
        finally:
            runner.run(window.close())

    def _check_there(self, response: Response) -> None:
        if isinstance(response, Failure) and response.detail.startswith("connection:"):
            raise UserError(
                f"{self._address.url} did not answer the first request ({response.detail}): start the server, and run the "
                "same command again."
            )

    @cached_property
    def _scoring(self) -> Scoring:
        """What the server tells of likelihoods; it is asked for that, and for its tokens. Raises `UserError`."""
        from lsm_eval.endpoints.scoring.looking import look

        return look(
            self._address,
            self._key,
            self.model,
            tokenizer=self.options.tokenizer,
            overflow=self.overflow,
            offline=self.offline,
        )

    def _scorer(self) -> Scorer | None:
        from lsm_eval.endpoints.scoring.scorer import Scorer

        return None if self._scoring.lacks else Scorer(self._scoring, self._address, self._key, self.model)

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
        if self.options.api == "chat" and not request.chat:
            return (
                "is asked in chats only (--api chat), and this is no chat: use --chat on, or another --api."
            )
        return None


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
