"""What is known of a server and a model, and the manner of asking that follows from it."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lsm_eval.endpoints.address import Address
from lsm_eval.endpoints.asking import Manner, Path
from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.patience import Patience
from lsm_eval.endpoints.probe.ask import Unanswered, find_out
from lsm_eval.endpoints.probe.findings import Findings, described
from lsm_eval.endpoints.probe.kept import keep, recall
from lsm_eval.endpoints.server import Server
from lsm_eval.requests import Generate

_PROBED: tuple[Path, ...] = ("chat/completions", "completions")


@dataclass
class Learned:
    """Found out once, and kept."""

    address: Address
    """Of the server that is asked: the first that is there."""
    key: Key
    model: str
    manners: Sequence[Manner]
    """One for each of its servers, all the same as far as it is found out here."""
    patience: Patience
    note: Callable[[str], None]
    kept: bool = True
    """Whether what is found out is kept for the next run."""
    findings: Findings | None = None
    _given_up: set[Path] = field(default_factory=set)
    """Paths whose first request had no answer that tells anything: asked as most servers are."""

    def learn(
        self,
        paths: Sequence[Path],
        server: Server,
        run: Callable[[Coroutine[Any, Any, tuple[Findings, bool]]], tuple[Findings, bool]],
    ) -> None:
        """Find out what these paths do, unless it is known, and ask in that manner from now on. `run`: in an event loop.
        Raises `UserError` where no request would fare better."""
        known = self._known(server)
        new = [path for path in paths if path in _PROBED and path not in known.paths]
        new = [path for path in new if path not in self._given_up]
        if new:
            before = known.requests
            try:
                known, whole = run(find_out(self.address, self.key, self.model, new, known, self.patience))
            except Unanswered:
                self._given_up.update(new)
                return
            if whole:
                self._keep(known)
            told = "; ".join(f"{path}: {described(known.paths[path])}" for path in new)
            self.note(
                f"openai:{self.model}: {known.requests - before} short requests found out how the server is to be asked "
                f"({told})."
            )
        self.findings = known
        self._use(known)

    def scoring(self, server: Server) -> Mapping[str, Any] | None:
        """What is kept of how the server scores, as `keep_scoring` was given it; None where nothing is."""
        known = self._known(server)
        if known.scoring is not None:
            self.findings = known  # for the record
        return known.scoring

    def keep_scoring(self, server: Server, found: Mapping[str, Any]) -> None:
        """Keep what was found out of how the server scores, as JSON: it stands in the record, and is there in the next run
        unless it says that it is not `sure`."""
        known = self._known(server)
        self.findings = replace(known, scoring=dict(found), at=known.at or time.time())
        self._keep(self.findings)

    def _keep(self, found: Findings) -> None:
        if not (found.scoring or {}).get("sure", True):
            found = replace(found, scoring=None)
        if self.kept:
            keep(self.address.url, self.model, found)

    def _known(self, server: Server) -> Findings:
        known = self.findings
        if known is None and self.kept:
            known = recall(self.address.url, self.model, server)
        return known or Findings(server.kind, server.name, server.version, server.context, server.served)

    def details(self) -> dict[str, str]:
        """What was found out, in words, for a record."""
        paths = {} if self.findings is None else self.findings.paths
        return {f"probe of {path}": described(found) for path, found in paths.items()}

    def refusal(self, request: Generate, path: Path) -> str | None:
        """Why the server cannot be asked this, in the rest of a sentence; None where nothing speaks against it."""
        if request.choices and path not in self.manners[0].constraints:
            return (
                "is behind a server that was not seen to hold answers to given texts: use --choices parsed."
            )
        plain = request.temperature in (0, 1) and request.top_p == 1
        if not self.manners[0].temperature and not plain:
            return (
                "is behind a server that takes no temperature, so that answers cannot be drawn at "
                f"{request.temperature:g} with top_p {request.top_p:g}: leave out tasks that draw so."
            )
        return None

    def _use(self, known: Findings) -> None:
        for manner in self.manners:
            for path, found in known.paths.items():
                if path == "chat/completions":
                    manner.limit = found.limit
                manner.temperature &= found.temperature != "refused"
                manner.seed &= found.seed != "refused"
                manner.stop &= found.stop != "refused"
                if found.constraint is not None:
                    manner.constraints[path] = found.constraint
