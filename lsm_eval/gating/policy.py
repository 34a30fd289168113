"""What a team asks of a candidate: the policy's schema, and reading it from YAML.

The default margin of 2 points is the smallest that a benchmark of usual size can rule out: with 1,319 pairs of which 6 in 100
differ, an unchanged model passes in nine of ten runs. A smaller one would answer *not enough data* most of the time.
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
    """Losses that are allowed where no rule says otherwise."""

    fraction: Annotated[Number, Field(ge=0, lt=1)] = 0.02
    """Of metrics between 0 and 1."""
    points: Annotated[Number, Field(ge=0, lt=100)] = 2.0
    """Of metrics between 0 and 100, such as BLEU."""
    relative: Share = 0.02
    """Of all others (perplexity, nats): as a share of the baseline's value."""


class Rule(Strict):
    """What holds for the metrics that fit `task` and `metric`, in which `*` and `?` stand for anything."""

    task: str = "*"
    metric: str | None = None
    """Metrics that are named are gated, be they a task's first or not; without it the rule is about those gated anyway."""
    ignore: bool | None = None
    """Leave them out."""
    margin: Loss | None = None
    """The loss that is allowed, in the metric's unit (0.02: 2 points of an accuracy)."""
    relative: Share | None = None
    """The same as a share of the baseline's value, in place of `margin`."""
    direction: Literal["higher", "lower"] | None = None
    """Which is better, where the metric does not say or says the opposite."""
    fair: Number | None = None
    """The fair value of a metric of which neither direction is better: its distance from there is the loss."""
    weight: Annotated[Number, Field(gt=0)] | None = None
    """Share of the false alarms that it may use, beside the 1 of every other metric."""

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        for one, other in (("margin", "relative"), ("direction", "fair")):
            if getattr(self, one) is not None and getattr(self, other) is not None:
                raise ValueError(f"{one} and {other} are two ways to say one thing: give one of them")
        return self


class Limit(Strict):
    """A bound for the candidate's value itself, or for its loss against another run than the baseline."""

    task: str = "*"
    metric: str
    at_most: Number | None = None
    at_least: Number | None = None
    reference: str | None = None
    """A record, named as on the command line; `margin` is the loss against it that is allowed."""
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
    """Shares of samples that failed for a reason; None where nothing is asked."""

    missing: Share | None = None
    """Without an answer, for any reason."""
    truncated: Share | None = None
    """Cut: the prompt to fit, or the answer at its most tokens."""
    nan: Share | None = None
    """Where the model's numbers were none."""


class Outage(Strict):
    """From which shares on two runs cannot be compared."""

    missing: Share = 0.05
    """Of the samples that both have: lost in one run or both, unless both failed alike for a reason that lies in the sample."""
    truncated: Share = 0.05
    """By which the cut answers of one run are more than the other's."""


class Speed(Strict):
    """How much slower the candidate may be, from runs of both that took turns on one machine."""

    of: Passes
    """`score`, `prefill`, `decode`: tokens a second. `latency`: seconds between the tokens of an answer."""
    slower: Annotated[Number, Field(ge=0, lt=10)] = 0.1
    """As a share: 0.1 allows 10 % fewer tokens a second, or 10 % more seconds."""
    weight: Annotated[Number, Field(gt=0)] = 1.0


class Policy(Strict):
    """All of it. An empty one is the default: a pull request's."""

    policy: str = Field(default="default", min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")
    """Its name."""
    kind: Literal["pull-request", "release"] = "pull-request"
    """`pull-request`: not enough data is neutral. `release`: every metric must pass, so that not enough data fails."""
    false_alarm: Rate = 0.01
    """The most often that an unchanged model fails, over all metrics together."""
    false_pass: Rate = 0.05
    """The most often that a loss of the margin passes, for each metric by itself."""
    inconclusive: Inconclusive | None = None
    """What becomes of not enough data; None for what the kind says."""
    metrics: Literal["primary", "named"] = "primary"
    """Gated: the first metric of each task and what rules name, or only what rules name."""
    margin: Margins = Margins()
    rules: list[Rule] = Field(default_factory=list)
    """A later rule has the last word on each key that it gives."""
    limits: list[Limit] = Field(default_factory=list)
    shares: Shares = Shares()
    """Of the candidate's samples, task by task: more of them is a failure."""
    not_comparable: Outage = Outage()
    speed: list[Speed] = Field(default_factory=list)

    @property
    def undecided(self) -> Inconclusive:
        """What becomes of not enough data."""
        return self.inconclusive or ("fail" if self.kind == "release" else "neutral")

    @property
    def sha256(self) -> str:
        """Of what it says, whatever the file looks like."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


def read_policy(path: Path | None) -> Policy:
    """The policy of a YAML file; the default without one. Raises `UserError`, one sentence with file and key."""
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
