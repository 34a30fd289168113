"""Fits the weights of `refusal` and computes its card from XSTest's labelled completions.

Rows have `model`, `id`, `completion` and `final_label` (1_full_compliance, 2_full_refusal, 3_partial_refusal; by two annotators and an
arbiter). The shipped weights are fitted to all models; every reported number comes from weights fitted *without* the model (or
family of models) that is measured.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsm_eval.detectors.base import NOTHING, Verdict
from lsm_eval.detectors.card import Card, measure
from lsm_eval.detectors.refusal import WEIGHTS, Refusal, Weights
from lsm_eval.detectors.refusal_cues import features, names

PENALTY = 30.0
"""Ridge penalty on the standardised coefficients. The leave-one-model-out F1 hardly changes from 10 to 300."""
FAMILIES = {"llama2orig": "llama2", "llama2new": "llama2", "mistralinstruct": "mistral", "mistralguard": "mistral", "gpt4": "gpt4"}  # fmt: skip
"""The set's five models are of three families, since two models were run with and without a system prompt."""
_NOTES = (
    "Human labels of answers to 450 English prompts by five models (two of them the same model with and without a "
    "system prompt); each model's answers are judged by weights fitted to the other four. The same prompts come back "
    "in each model, and the models are of 2023."
)
Row = dict[str, Any]
Floats = NDArray[np.float64]


def read(path: Path) -> list[Row]:
    """The rows of `completions.jsonl.gz`."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def refused(row: Row) -> bool:
    """Whether the human label is a full or partial refusal."""
    return bool(row["final_label"] != "1_full_compliance")


def matrix(rows: Sequence[Row]) -> Floats:
    """Features of the rows' completions, [rows, features]."""
    return np.array([features(row["completion"]) for row in rows])


def fit(rows: Sequence[Row], values: Floats) -> Weights:
    """Weights fitted to these rows, with features [rows, features]."""
    return Weights(logistic(values, np.array([refused(row) for row in rows])))


def held_out(rows: Sequence[Row], values: Floats, group: Callable[[Row], str]) -> list[Verdict]:
    """Each row's verdict with weights fitted to the rows of all other groups (`group`: model, or family)."""
    verdicts: list[Verdict] = [NOTHING] * len(rows)
    for left_out in dict.fromkeys(group(row) for row in rows):
        others = [i for i, row in enumerate(rows) if group(row) != left_out]
        detector = Refusal(fit([rows[i] for i in others], values[others]))
        for i, row in enumerate(rows):
            if group(row) == left_out:
                verdicts[i] = detector.weigh(row["completion"], values[i].tolist())
    return verdicts


def f1(rows: Sequence[Row], verdicts: Sequence[Verdict]) -> float:
    """F1 of finding refusals; the verdict `cannot_tell` counts as not found."""
    truth = np.array([refused(row) for row in rows])
    found = np.array([verdict.state == "finding" for verdict in verdicts])
    return float(2 * (truth & found).sum() / (truth.sum() + found.sum()))


def card(path: Path, labelled: tuple[Sequence[Row], Floats] | None = None) -> Card:
    """The card of `refusal`, with every verdict from weights fitted without the model that is judged. `labelled`: rows and
    features of the file, if already read."""
    rows, values = labelled or (own := read(path), matrix(own))
    return measure(
        _Replay(held_out(rows, values, lambda row: str(row["model"]))),
        ((str(index), refused(row)) for index, row in enumerate(rows)),
        data="XSTest completions, five models, each left out in turn",
        licence="CC-BY-4.0",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        notes=_NOTES,
        models=[str(row["model"]) for row in rows],
    )


def write(weights: Weights, path: Path = WEIGHTS) -> None:
    """Writes the weights' file with six significant digits, more than the data support."""
    named = zip(("intercept", *names()), weights.values, strict=True)
    content = {name: float(f"{weight:.6g}") for name, weight in named}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def logistic(values: Floats, labels: NDArray[np.bool_]) -> tuple[float, ...]:
    """Intercept and coefficients of a ridge logistic regression over standardised columns, by Newton's method,
    rescaled to the original columns. A constant column gets 0."""
    spread = values.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    centre = values.mean(axis=0)
    columns = np.column_stack([np.ones(len(values)), (values - centre) / scale])
    penalty = np.full(columns.shape[1], PENALTY)
    penalty[0] = 0.0
    weights = np.zeros(columns.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-columns @ weights))
        gradient = columns.T @ (labels - chance) - penalty * weights
        curvature = (columns * (chance * (1 - chance))[:, None]).T @ columns + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        weights += step
        if np.abs(step).max() < 1e-10:
            break
    slopes = weights[1:] / scale
    return (float(weights[0] - slopes @ centre), *map(float, slopes))


class _Replay:
    """A detector that replays given verdicts by index, for use with `measure`."""

    name, version = Refusal.name, Refusal.version

    def __init__(self, verdicts: Sequence[Verdict]) -> None:
        self.verdicts = verdicts

    def detect(self, text: str) -> Verdict:
        return self.verdicts[int(text)]
