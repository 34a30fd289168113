"""A team's requirements for a candidate: the policy's schema, and reading it from YAML.

The default margin of 2 points is the smallest that a benchmark of usual size can rule out: with 1,319 pairs of which 6 %
differ, an unchanged model passes in nine of ten runs. A smaller margin would mostly give *not enough data*.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from lsm_eval.errors import UserError
from lsm_eval.strict import Number, Strict

Inconclusive = Literal["neutral", "warn", "fail"]
Passes = Literal["score", "prefill", "decode", "latency"]

Share = Annotated[Number, Field(ge=0, le=1)]
Rate = Annotated[Number, Field(gt=0, le=0.2)]
Loss = Annotated[Number, Field(ge=0)]


class Margins(Strict):
    """Allowed losses unless a rule says otherwise."""

    fraction: Annotated[Number, Field(ge=0, lt=1)] = 0.02
    """For metrics between 0 and 1."""
    points: Annotated[Number, Field(ge=0, lt=100)] = 2.0
    """For metrics between 0 and 100, such as BLEU."""
    relative: Share = 0.02
    """For all others (perplexity, nats): as a share of the baseline's value."""


class Rule(Strict):
    """Requirements for the metrics that match the patterns `task` and `metric`, with the wildcards `*` and `?`."""

    task: str = "*"
    metric: str | None = None
    """Metrics that it names are gated, even if they are not a task's first; without it the rule applies to metrics gated anyway."""
    ignore: bool | None = None
    """Leave the metrics out."""
    margin: Loss | None = None
    """The allowed loss in the metric's unit (0.02: 2 points of an accuracy)."""
    relative: Share | None = None
    """The allowed loss as a share of the baseline's value, instead of `margin`."""
    direction: Literal["higher", "lower"] | None = None
    """The better direction, if the metric has none or the opposite one."""
    fair: Number | None = None
    """The fair value of a metric without a better direction: the distance from it is the loss."""
    weight: Annotated[Number, Field(gt=0)] | None = None
    """Its share of the false-alarm rate, relative to 1 for every other metric."""

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        for one, other in (("margin", "relative"), ("direction", "fair")):
            if getattr(self, one) is not None and getattr(self, other) is not None:
                raise ValueError(f"{one} and {other} are two ways to say one thing: give one of them")
        return self


class Limit(Strict):
    """A limit for the candidate's value itself, or for its loss against another run than the baseline."""

    task: str = "*"
    metric: str
    at_most: Number | None = None
    at_least: Number | None = None
    reference: str | None = None
    """A record, named as on the command line; `margin` is the allowed loss against it."""
    margin: Loss | None = None
    weight: Annotated[Number, Field(gt=0)] = 1.0

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        given = [name for name in ("at_most", "at_least", "reference") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("give one of at_most, at_least and reference")
        if self.margin is not None and self.reference is None:
            raise ValueError("margin belongs to a reference")
        return self


class Shares(Strict):
    """Largest shares of samples that failed, by reason; None for no limit."""

    missing: Share | None = None
    """Without an answer, for any reason."""
    truncated: Share | None = None
    """Truncated: the prompt to fit, or the answer at the token limit."""
    nan: Share | None = None
    """With NaN in the model's output."""


class Outage(Strict):
    """Shares above which two runs are not comparable."""

    missing: Share = 0.05
    """Share of the samples that both have: failed in one run or both, unless both failed for the same reason of the sample itself."""
    truncated: Share = 0.05
    """Difference between the two runs' shares of truncated answers."""


class Speed(Strict):
    """How much slower the candidate may be, from alternating runs of both on one machine."""

    of: Passes
    """`score`, `prefill`, `decode`: tokens a second. `latency`: seconds between the tokens of an answer."""
    slower: Annotated[Number, Field(ge=0, lt=10)] = 0.1
    """As a share: 0.1 allows 10 % fewer tokens a second, or 10 % more seconds."""
    weight: Annotated[Number, Field(gt=0)] = 1.0


class Policy(Strict):
    """A policy. An empty one is the default, for pull requests."""

    policy: str = Field(default="default", min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")
    """Its name."""
    kind: Literal["pull-request", "release"] = "pull-request"
    """`pull-request`: not enough data is neutral. `release`: every metric must pass, so that not enough data fails."""
    false_alarm: Rate = 0.01
    """The largest rate at which an unchanged model fails, over all metrics together."""
    false_pass: Rate = 0.05
    """The largest rate at which a loss as large as the margin passes, for each metric by itself."""
    inconclusive: Inconclusive | None = None
    """How not enough data is treated; None for the default of the kind."""
    metrics: Literal["primary", "named"] = "primary"
    """Which metrics are gated: the first of each task and those named by rules, or only the latter."""
    margin: Margins = Margins()
    rules: list[Rule] = Field(default_factory=list)
    """A later rule overrides earlier ones for each key that it gives."""
    limits: list[Limit] = Field(default_factory=list)
    shares: Shares = Shares()
    """Shares of the candidate's samples in each task: higher ones fail."""
    not_comparable: Outage = Outage()
    speed: list[Speed] = Field(default_factory=list)

    @property
    def undecided(self) -> Inconclusive:
        """How not enough data is treated."""
        return self.inconclusive or ("fail" if self.kind == "release" else "neutral")

    @property
    def sha256(self) -> str:
        """Hash of its content, independent of the file's formatting."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


def read_policy(path: Path | None) -> Policy:
    """The policy in a YAML file; the default without one. Raises `UserError`, naming file and key."""
    from lsm_eval.tasks.explain import explain
    from lsm_eval.yaml_reader import read_yaml

    if path is None:
        return Policy()
    if not path.is_file():
        raise UserError(f"{path} is no file: write a policy with `lsm-eval gate init {path}`.")
    content = read_yaml(path)
    if content is None:
        raise UserError(f"{path} is empty: write a policy with `lsm-eval gate init`.")
    if not isinstance(content, dict):
        raise UserError(f"{path} is no policy: it needs keys and values, such as `kind: pull-request`.")
    try:
        return Policy.model_validate(content)
    except ValidationError as error:
        raise UserError(f"{path}: {explain(Policy, error)}") from error
