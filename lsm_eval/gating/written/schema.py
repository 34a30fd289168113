"""What stands in `gate.json`, version 1; docs/gate-outputs.md explains it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lsm_eval.gating.result import Answer, Kind

SCHEMA_VERSION = 1


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)


class RecordPart(_Part):
    """Which record it is."""

    model: str
    fingerprint: str
    run: str
    folder: str


class PolicyPart(_Part):
    """What was asked, and how often the gate errs."""

    name: str
    sha256: str
    false_alarm: float
    false_pass: float
    inconclusive: Literal["neutral", "warn", "fail"]


class LookedAtPart(_Part):
    """When a gate that looks on the way gave its answer, and what the answer was held against."""

    look: int | None
    share: float
    p_loss: float | None
    limit_loss: float
    p_margin: float | None
    limit_margin: float


class AskedPart(_Part):
    """How much of a task was asked."""

    task: str
    asked: int
    planned: int
    look: int


class LookingPart(_Part):
    """The looks of a gate that looked on the way."""

    look: int
    looks: int
    tasks: list[AskedPart]


class FindingPart(_Part):
    """One thing that the policy asks, and the answer. Null is what is not known."""

    kind: Kind
    task: str
    title: str
    metric: str
    unit: str
    higher_is_better: bool | None
    answer: Answer
    why: str
    baseline: float | None
    candidate: float | None
    loss: float | None
    low: float | None
    high: float | None
    level: float
    p: float | None
    margin: float | None
    n: int
    clusters: int | None
    discordant: int | None
    missing: int
    smallest_loss: float | None
    wanted_n: int | None
    method: str
    sensitive: bool
    looked_at: LookedAtPart | None = None


class FlipPart(_Part):
    """A sample whose score is another one in the candidate."""

    task: str
    metric: str
    sample: str
    first: float | None
    second: float | None
    first_answer: str
    second_answer: str
    target: str
    sensitive: bool
    asked: str = ""


class GateFile(_Part):
    """The whole of `gate.json`."""

    schema_version: int = Field(ge=1)
    created: str
    lsm_eval: str
    answer: Literal["pass", "fail", "not enough data", "not comparable"]
    exit_code: int
    policy: PolicyPart
    baseline: RecordPart | None
    candidate: RecordPart
    reasons: list[str]
    findings: list[FindingPart]
    notes: list[str]
    looking: LookingPart | None = None
    flips: list[FlipPart]
