"""What is known about a task before it is run, for planning a gate."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class RunTask:
    """A task with n samples that is to be run."""

    name: str
    ids: Sequence[str]
    """[n]"""
    asked: Sequence[str]
    """Hash of each sample's request (`request_json.requests_hash`) [n]."""
    clusters: Sequence[str | None]
    """[n]"""
    weights: Sequence[float]
    """How many samples each stands for [n]."""
    signatures: Mapping[str, str]
    """Signatures of the metrics by name, as far as they are known without answers."""
    judged: Collection[str]
    """Metrics that need a judge."""
    unjudged: Collection[str]
    """Metrics among these that the run leaves out because it has no judge."""
