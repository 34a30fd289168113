"""What is known of a task of the run before anything is asked, for a gate to plan by."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class RunTask:
    """A task that is to be asked, n samples of it."""

    name: str
    ids: Sequence[str]
    """[n]"""
    asked: Sequence[str]
    """What each sample asks, as a hash (`request_json.requests_hash`) [n]."""
    clusters: Sequence[str | None]
    """[n]"""
    weights: Sequence[float]
    """How many samples each stands for [n]."""
    signatures: Mapping[str, str]
    """Of each metric, by name, as far as it is known without answers."""
    judged: Collection[str]
    """Metrics that ask a judge."""
    unjudged: Collection[str]
    """Those of them that the run leaves out, for it has no judge."""
