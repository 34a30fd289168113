"""What is known about a server and a model, and how requests must be sent accordingly."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lsm_eval.endpoints.address import Address
from lsm_eval.endpoints.asking import Path, Quirks
from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.probe.ask import ProbeUnanswered, run_probe
from lsm_eval.endpoints.probe.cached import keep, recall
from lsm_eval.endpoints.probe.findings import Findings, described
from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.endpoints.server import Server
from lsm_eval.requests import Generate

_PROBED: tuple[Path, ...] = ("chat/completions", "completions")


@dataclass
class Capabilities:
    """Probed once, and cached."""

    address: Address
    """The address of the server that is probed: the first that can be reached."""
    key: Key
    model: str
    all_quirks: Sequence[Quirks]
    """One for each of its servers, all the same as far as the probe goes."""
    retry_policy: RetryPolicy
    note: Callable[[str], None]
    kept: bool = True
    """Whether findings are cached for the next run."""
    findings: Findings | None = None
    _given_up: set[Path] = field(default_factory=set)
    """Paths whose first probe request had no usable answer: they are used with the defaults."""

    def learn(
        self,
        paths: Sequence[Path],
        server: Server,
        run: Callable[[Coroutine[Any, Any, tuple[Findings, bool]]], tuple[Findings, bool]],
    ) -> None:
        """Probe these paths unless they are known, and send requests accordingly from now on. `run` runs a coroutine.
        Raises `UserError` if the server refuses all requests."""
        known = self._known(server)
        new = [path for path in paths if path in _PROBED and path not in known.paths]
        new = [path for path in new if path not in self._given_up]
        if new:
            before = known.requests
            try:
                known, whole = run(
                    run_probe(self.address, self.key, self.model, new, known, self.retry_policy)
                )
            except ProbeUnanswered:
                self._given_up.update(new)
                return
            if whole:
                self._keep(known)
            told = "; ".join(f"{path}: {described(known.paths[path])}" for path in new)
            self.note(
                f"openai:{self.model}: {known.requests - before} short requests found out how the server behaves "
                f"({told})."
            )
        self.findings = known
        self._use(known)

    def scoring(self, server: Server) -> Mapping[str, Any] | None:
        """What `keep_scoring` was given about how the server scores; None if nothing."""
        known = self._known(server)
        if known.scoring is not None:
            self.findings = known  # for the record
        return known.scoring

    def keep_scoring(self, server: Server, found: Mapping[str, Any]) -> None:
        """Keep how the server scores, as JSON, for the record, and for the next run unless `found` says that it is not
        `sure`."""
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
        """The findings in words, for a record."""
        paths = {} if self.findings is None else self.findings.paths
        return {f"probe of {path}": described(found) for path, found in paths.items()}

    def refusal(self, request: Generate, path: Path) -> str | None:
        """Why the server cannot be sent this request, as the rest of a sentence; None if it can."""
        if request.choices and path not in self.all_quirks[0].constraints:
            return "is behind a server that was not seen to constrain answers to given texts: use --choices parsed."
        plain = request.temperature in (0, 1) and request.top_p == 1
        if not self.all_quirks[0].temperature and not plain:
            return (
                "is behind a server that takes no temperature, so that answers cannot be sampled at "
                f"{request.temperature:g} with top_p {request.top_p:g}: leave out tasks that sample so."
            )
        return None

    def _use(self, known: Findings) -> None:
        for quirks in self.all_quirks:
            for path, found in known.paths.items():
                if path == "chat/completions":
                    quirks.limit = found.limit
                quirks.temperature &= found.temperature != "refused"
                quirks.seed &= found.seed != "refused"
                quirks.stop &= found.stop != "refused"
                if found.constraint is not None:
                    quirks.constraints[path] = found.constraint
