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
    """Its address."""
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
    """Its name in tables."""
    fingerprint: str
    """SHA-256 over all that affects its answers: files, dtype, kind of device, engine, adapter."""
    parameters: int | None = None
    """Number of parameters; None if it is not known."""
    revision: str | None = None
    """Commit of the hub repository; None for a folder or a server."""
    dtype: str | None = None
    """Number type of its computation."""
    device: str | None = None
    """Where it was computed: `cpu`, `cuda` …"""
    context: int | None = None
    """Most tokens of a text, prompt and answer together."""
    chat_template: bool = False
    """Whether it has a chat template."""
    licence: str | None = None
    """Licence of its weights; None if it is not known."""
    details: dict[str, str] = {}
    """More about it: quantisation, adapter, engine and why, parts of the chat template."""
    spec: str | None = None
    """The value of `--model`; None in early records."""
    own_name: str | None = None
    """The model's own name, if `name` was given with `--name`."""
    servers: list[ServerRow] = []
    """Servers that were asked; empty for a local model, in early records, and if all answers were in the store."""
    probed: dict[str, Any] | None = None
    """For a model behind a server: the findings of the probe at the start (`endpoints.probe.findings`); None, and not written, without
    a probe."""
