"""What is compared: pairs of our task and the task of lm-evaluation-harness that asks the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class MetricPair:
    """One number under two names."""

    ours: str
    theirs: str
    filter: str = "none"
    """The peer's filter, under which the number stands in its results."""
    ranked: Literal["sum", "characters"] | None = None
    """What the choices are ranked by, where the number depends on nothing but the best of them."""
    perplexity: bool = False
    """An exponential of log-probabilities: compared by its logarithm, and not sample by sample."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One row of the table."""

    name: str
    """As `--tasks` names it."""
    task: str
    """Our task."""
    config: str
    """The peer's task: its stock YAML file, relative to the package's folder `tasks`."""
    limit: int
    """Samples by default."""
    metrics: tuple[MetricPair, ...]
    chat: bool = False
    labels: str | None = None
    """Metadata of our samples that says which choices the peer's task has (null: not that one). The order of
    the choices may then differ."""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the peer's stock task that are replaced, besides where its data comes from."""


_ACC = MetricPair("acc", "acc", ranked="sum")
_ACC_NORM = MetricPair("acc_norm", "acc_norm", ranked="characters")
_GSM8K = (
    MetricPair("exact_match_strict", "exact_match", filter="strict-match"),
    MetricPair("exact_match_flexible", "exact_match", filter="flexible-extract"),
)
# The stock task draws its examples at random; ours are the first ones.
_FIRST_EXAMPLES = {"fewshot_config": {"sampler": "first_n"}}

COMPARISONS: Mapping[str, Comparison] = {
    comparison.name: comparison
    for comparison in (
        Comparison("hellaswag", "hellaswag", "hellaswag/hellaswag.yaml", 40, (_ACC, _ACC_NORM)),
        Comparison("arc_easy", "arc_easy", "arc/arc_easy.yaml", 60, (_ACC, _ACC_NORM)),
        Comparison(
            "truthfulqa_mc1",
            "truthfulqa_mc",
            "truthfulqa/truthfulqa_mc1.yaml",
            15,
            (MetricPair("truthfulqa_mc1", "acc", ranked="sum"),),
            labels="mc1_labels",
        ),
        Comparison(
            "truthfulqa_mc2",
            "truthfulqa_mc",
            "truthfulqa/truthfulqa_mc2.yaml",
            15,
            (MetricPair("truthfulqa_mc2", "acc"),),
            labels="mc2_labels",
        ),
        Comparison(
            "lambada",
            "lambada",
            "lambada/lambada_openai.yaml",
            60,
            (
                MetricPair("greedy_match", "acc"),
                MetricPair("target_perplexity", "perplexity", perplexity=True),
            ),
        ),
        Comparison("gsm8k", "gsm8k", "gsm8k/gsm8k.yaml", 6, _GSM8K, overrides=_FIRST_EXAMPLES),
        Comparison("arc_easy_chat", "arc_easy", "arc/arc_easy.yaml", 20, (_ACC, _ACC_NORM), chat=True),
        Comparison(
            "gsm8k_chat", "gsm8k", "gsm8k/gsm8k.yaml", 2, _GSM8K, chat=True, overrides=_FIRST_EXAMPLES
        ),
    )
}
"""By name. `_chat`: both sides send the question through the model's chat template."""
