"""The schema of `gate.json`, version 1; docs/gate-outputs.md explains it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lsm_eval.gating.result import Answer, Kind

SCHEMA_VERSION = 1


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)


class RecordPart(_Part):
    """Identification of a record."""

    model: str
    fingerprint: str
    run: str
    folder: str


class PolicyPart(_Part):
    """The policy and its error rates."""

    name: str
    sha256: str
    false_alarm: float
    false_pass: float
    inconclusive: Literal["neutral", "warn", "fail"]


class LookEvidencePart(_Part):
    """The look at which a sequential gate made a verdict, with its p-values and their limits."""

    look: int | None
    share: float
    p_loss: float | None
    limit_loss: float
    p_margin: float | None
    limit_margin: float


class TaskProgressPart(_Part):
    """How much of a task was run."""

    task: str
    asked: int
    planned: int
    look: int


class SequentialPart(_Part):
    """The looks of a sequential gate."""

    look: int
    looks: int
    tasks: list[TaskProgressPart]


class FindingPart(_Part):
    """One question of the policy, with the answer. Unknown values are null."""

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
    looked_at: LookEvidencePart | None = None


class FlipPart(_Part):
    """A sample whose score differs in the candidate."""

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
    looking: SequentialPart | None = None
    flips: list[FlipPart]
