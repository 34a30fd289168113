"""Thoughts in the harness's tasks: its way unless told otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lm_eval_checks import same_samples

from lsm_eval.models.base import ModelOptions
from lsm_eval.models.create import create
from lsm_eval.progress import Silent
from lsm_eval.results.reader import Record, read_record
from lsm_eval.runner.run import run
from lsm_eval.runner.spec import RunSpec

ROWS = [{"q": f"{a} and {b}:", "a": str(a + b)} for a, b in [(1, 2), (10, 20), (3, 100)]]
TASK = """
output_type: generate_until
doc_to_text: "{{q}}<think>\\n"
doc_to_target: "{{a}}"
generation_kwargs: {until: ["e"], max_gen_toks: 12, do_sample: false, temperature: 0.0}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
"""


@pytest.fixture(scope="module")
def opening(task_folder: Path) -> Path:
    """A task whose prompts end inside thoughts, beside the others."""
    file = task_folder / "own_thoughts.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    head = f"task: own_thoughts\ndataset_path: json\ndataset_kwargs: {{data_files: {json.dumps({'test': str(file)})}}}\n"
    path = task_folder / "own_thoughts.yaml"
    path.write_text(head + "test_split: test\n" + TASK.lstrip())
    return path


def _ask(checkpoint: Path, task: Path, out: Path, **options: Any) -> Record:
    spec = RunSpec(
        [f"lm-eval:{task}"],
        str(checkpoint),
        options=ModelOptions(device="cpu", dtype="float32"),
        out=out,
        **options,
    )
    return read_record(run(spec, create(spec.model, spec.options), Silent()).record)


def test_texts_are_those_of_hf_in_thoughts_too(
    evaluate: Callable[..., Any], checkpoint: Path, opening: Path, one_thread: None
) -> None:
    theirs, ours = (evaluate(model, checkpoint, "own_thoughts") for model in ("hf", "lsm-eval"))
    same_samples(theirs, ours, "own_thoughts")


def test_our_runner_keeps_thoughts_unless_told_otherwise(
    checkpoint: Path, opening: Path, own_cache: Path, tmp_path: Path, one_thread: None
) -> None:
    kept = _ask(checkpoint, opening, tmp_path)
    (row,) = kept.estimates
    assert (row.n, row.missing) == (3, 0)
    assert "reasoning:" not in row.signature
    completions = kept.samples("lm-eval.own_thoughts")["completion"].to_pylist()
    assert all("e" not in text for text in completions), (
        "a stop string stops inside thoughts, as in the harness"
    )
    (row,) = _ask(checkpoint, opening, tmp_path, reasoning="strip").estimates
    assert (row.value, row.n, row.missing) == (None, 0, 3)
    assert "reasoning:strip/1" in row.signature
