"""Samples in Every Eval Ever's format."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from lsm_eval.exporting.sample_text import answer_of, metadata_of, texts_of
from lsm_eval.results.schema import EstimateRow, TaskRow

SCHEMA = "0.3.0"


def instance(
    sample: dict[str, Any], task: TaskRow, row: EstimateRow, score: float, evaluation: str, model: str
) -> dict[str, Any]:
    """One row of the samples file. `score`: the sample's score in the metric of `row`; `evaluation`: the id of the main file."""
    prompt = sample["prompt"] or ""
    reference = texts_of(sample["target"])
    hashed = json.dumps({"raw": prompt, "reference": reference}, sort_keys=True)
    answer, how = answer_of(sample)
    best = _best(row)
    thoughts = sample.get("thoughts")
    return {
        "schema_version": SCHEMA,
        "evaluation_id": evaluation,
        "model_id": model,
        "evaluation_name": task.task,
        "evaluation_result_id": f"{row.task}/{row.metric}",
        "sample_id": sample["sample"],
        "sample_hash": hashlib.sha256(hashed.encode("utf-8", "surrogatepass")).hexdigest(),
        "interaction_type": "single_turn",
        "input": {
            "raw": prompt,
            "formatted": prompt if task.chat else None,
            "reference": reference,
            "choices": sample["choices"],
        },
        "output": {
            "raw": [] if answer is None else [answer],
            "reasoning_trace": [thoughts] if thoughts else None,
        },
        "messages": None,
        "answer_attribution": []
        if answer is None
        else [
            {
                "turn_idx": 0,
                "source": "output.raw",
                "extracted_value": answer,
                "extraction_method": how,
                "is_terminal": True,
            }
        ],
        "evaluation": {"score": score, "is_correct": best is not None and score == best},
        "metadata": metadata_of(sample)
        | ({} if best is not None else {"is_correct": "not known: the metric has no right and wrong"}),
    }


def _best(row: EstimateRow) -> float | None:
    """The score of a right sample; None if the metric does not say right or wrong."""
    if row.unit != "fraction" or row.higher_is_better is None:
        return None
    return 1.0 if row.higher_is_better else 0.0
