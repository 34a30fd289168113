"""The model of a run, and the servers that it stands behind, in a record."""

from __future__ import annotations

from typing import Any

from lsm_eval.results.row import Row, SparseRow


class LimitRow(Row):
    """How many requests a server was sent at once, from a time on."""

    seconds: float
    """Since it was asked first."""
    limit: float
    """Of 2.5, every other request is the second and the third. Where one at a time is too many, `why` has the pace."""
    why: str
    """`start`, `grown`, or the class of failure that cut it."""


class ServerRow(Row):
    """One of the servers of a model behind an endpoint."""

    url: str
    answered: int
    """Requests that it answered."""
    faults: dict[str, int] = {}
    """Tries that it gave no whole answer to, by class (`lsm_eval.endpoints.outcome.Fault`)."""
    outs: int = 0
    """How often it was gone, and left out until it was there again."""
    limits: list[LimitRow] = []
    """At most 64, in order of time; of more changes, fewer from the middle of the run."""


class ModelRow(SparseRow):
    """The model of a run."""

    name: str
    fingerprint: str
    parameters: int | None = None
    revision: str | None = None
    dtype: str | None = None
    device: str | None = None
    context: int | None = None
    chat_template: bool = False
    licence: str | None = None
    details: dict[str, str] = {}
    spec: str | None = None
    """As `--model` named it; None in early records."""
    own_name: str | None = None
    """The name that it has of itself, where `name` was given with `--name`."""
    servers: list[ServerRow] = []
    """Those that were asked; empty of a local model, in early records, and where all answers were in the store."""
    probed: dict[str, Any] | None = None
    """Of a model behind a server: what a probe at the start found out of it (`endpoints.probe.findings`); None, and not
    written, where there was none."""
