"""The model of a run, and its servers, in a record."""

from __future__ import annotations

from typing import Any

from lsm_eval.results.row import Row, SparseRow


class LimitRow(Row):
    """The limit of concurrent requests to a server, from a time on."""

    seconds: float
    """Seconds since the first request to it."""
    limit: float
    """2.5 means 2 and 3 requests alternately. If even one at a time is too many, `why` has the pace."""
    why: str
    """`start`, `grown`, or the class of the failure that lowered it."""


class ServerRow(Row):
    """One of the servers of a model behind an endpoint."""

    url: str
    answered: int
    """Number of requests that it answered."""
    faults: dict[str, int] = {}
    """Number of tries without a complete answer, by class (`lsm_eval.endpoints.outcome.Fault`)."""
    outs: int = 0
    """How often it was unreachable and was not used until it was back."""
    limits: list[LimitRow] = []
    """At most 64, in order of time; if there were more changes, some from the middle of the run are left out."""


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
    """The value of `--model`; None in early records."""
    own_name: str | None = None
    """The model's own name, if `name` was given with `--name`."""
    servers: list[ServerRow] = []
    """Servers that were asked; empty for a local model, in early records, and if all answers were in the store."""
    probed: dict[str, Any] | None = None
    """For a model behind a server: the findings of the probe at the start (`endpoints.probe.findings`); None, and not written, without
    a probe."""
