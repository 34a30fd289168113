"""What is discovered about the servers of a model: their versions, the form of requests they take, whether they return log-probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from lsm_eval.endpoints.asking import Path
from lsm_eval.endpoints.budget import ReasoningApi, reasoning_api
from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.loop import event_loop
from lsm_eval.endpoints.probe.capabilities import Capabilities
from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.endpoints.same import find_all
from lsm_eval.endpoints.server import Server, ServerUnreachable, known_server
from lsm_eval.endpoints.site import Site
from lsm_eval.errors import UserError
from lsm_eval.inference.times import Times
from lsm_eval.models.base import EndpointOptions, Overflow

if TYPE_CHECKING:
    from lsm_eval.endpoints.scoring.alike import Sample
    from lsm_eval.endpoints.scoring.find_scoring import Scoring

T = TypeVar("T")


@dataclass
class Discovery:
    """Each fact is requested from the servers when it is first needed, and then kept."""

    sites: Sequence[Site]
    key: Key
    model: str
    options: EndpointOptions
    retry_policy: RetryPolicy
    note: Callable[[str], None]
    overflow: Overflow
    offline: bool
    seen: Server | None = None
    """What the servers say about themselves, the same for all; None until it is needed."""
    likely: Scoring | None = None
    """How they return log-probabilities; None until it is needed."""
    sample: Sample | None = None
    """With several servers: log-probabilities that each of them must return."""
    times: Times = field(default_factory=Times)
    """Times of the answered requests."""
    capabilities: Capabilities = field(init=False)
    """How requests must be sent to them."""

    def __post_init__(self) -> None:
        all_quirks = [one.quirks for one in self.sites]
        address, kept = self.sites[0].address, self.options.keep
        self.capabilities = Capabilities(
            address, self.key, self.model, all_quirks, self.retry_policy, self.note, kept
        )

    @property
    def server(self) -> Server:
        """What the servers say about themselves. Raises `UserError` if none can be reached, or two differ."""
        if self.seen is None:
            self.seen = self._look()
        return self.seen

    @property
    def scoring(self) -> Scoring:
        """How they return log-probabilities, found out from one of them. Raises `UserError`."""
        if self.likely is None:
            self.likely = self._of_any(self._look_scoring)
        return self.likely

    @property
    def reasoning_api(self) -> ReasoningApi:
        """How they take a budget of thoughts."""
        return reasoning_api(self.sites[0].address, self.server.kind)

    @property
    def context(self) -> int | None:
        """The most tokens of prompt and answer together, or of a scored text. None if unknown."""
        if self.likely is not None and not self.likely.lacks:
            return self.likely.context
        return None if self.seen is None else self.seen.context

    def learn(self, paths: Sequence[Path]) -> None:
        """Find out how requests at these paths must be sent, from one of the servers, as they are replicas."""
        server = self.server

        def learn() -> None:
            with event_loop() as runner:
                self.capabilities.learn(paths, server, runner.run)

        self._of_any(learn)

    def _of_any(self, work: Callable[[], T]) -> T:
        """Runs `work`, which asks one server for all of them; if that server becomes unreachable, the next one is asked."""
        while True:
            try:
                return work()
            except ServerUnreachable:
                gone = next(one for one in self.sites if one.address is self.capabilities.address)
                left = [one for one in self.sites if one.replica.live and one is not gone]
                if not left:
                    raise
                self._leave_out(gone)
                self.capabilities.address = left[0].address

    def _leave_out(self, site: Site) -> None:
        site.replica.take_out()
        self.note(f"no server answers at {site.address.url}: it is left out until it answers.")

    def _look(self) -> Server:
        addresses = [one.address for one in self.sites]
        with event_loop() as runner:
            if len(addresses) == 1:
                return runner.run(known_server(addresses[0], self.key, self.model))
            found = runner.run(find_all(addresses, self.key, self.model))
        there: list[tuple[Site, Server]] = []
        for site, server in zip(self.sites, found, strict=True):
            if server is None:
                self._leave_out(site)
            else:
                there.append((site, server))
        self.capabilities.address = there[0][0].address
        return there[0][1]

    def _look_scoring(self) -> Scoring:
        from lsm_eval.endpoints.scoring.find_scoring import Scoring, find_scoring
        from lsm_eval.endpoints.scoring.finding import Finding

        try:
            told = self.capabilities.scoring(self.server)
        except ServerUnreachable:
            if self.options.probe:
                raise
            told = None
        kept = None if told is None else Finding.load(told)
        if kept is None and not self.options.probe:
            lacks = "was not asked yet whether it returns log-probabilities, as a dry run sends nothing"
            return Scoring(Finding(None, lacking=lacks, sure=False), lacks, not_asked=True)
        found = find_scoring(
            self.capabilities.address,
            self.key,
            self.model,
            tokenizer=self.options.tokenizer,
            overflow=self.overflow,
            offline=self.offline,
            kept=kept,
            asks=self.options.probe,
            cache_known=self.options.cache_known,
        )
        if kept != found.finding:
            self.capabilities.keep_scoring(self.server, found.finding.dump())
        if self.options.probe and not found.lacks and len(self.sites) > 1:
            self._check_alike(found)
        return found

    def _check_alike(self, scoring: Scoring) -> None:
        """Raises `UserError` if another server returns other log-probabilities: results would depend on which server was asked."""
        from lsm_eval.endpoints.scoring.alike import differs, sample_row, take_sample
        from lsm_eval.endpoints.scoring.calling import Unanswered
        from lsm_eval.endpoints.scoring.server_tokenizer import ServerTokenizer

        first, row = self.capabilities.address, sample_row(scoring)
        with event_loop() as runner:
            try:
                self.sample = runner.run(take_sample(scoring, row, (first, self.key, self.model)))
            except Unanswered as error:
                raise ServerUnreachable(
                    f"{first.url} does not answer any more ({error.outcome.detail}): run the same command again when it does."
                ) from None
            for site in self.sites:
                server = (site.address, self.key, self.model)
                if site.address is first or not site.replica.live:
                    continue
                try:
                    why = runner.run(differs(self.sample, server))
                except Unanswered:
                    self._leave_out(site)
                    continue
                if why is not None:
                    raise UserError(
                        f"{site.address.url} {why} than {first.url}: several --base-url must be replicas of one model; leave "
                        "one out, or correct it."
                    )
                assert scoring.encoder is not None
                if isinstance(scoring.encoder.tokenizer, ServerTokenizer):
                    scoring.encoder.tokenizer.servers.append(server)
