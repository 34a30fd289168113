"""Stop strings that special tokens spell, and empty ones: as the harness's hf backend ends texts by them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lm_eval_checks import same_samples
from tiny_models import save_model
from writing_models import MARK, writes_a_mark

from lsm_eval.models.base import ModelOptions
from lsm_eval.models.create import create
from lsm_eval.progress import Silent
from lsm_eval.results.reader import read_record
from lsm_eval.runner.run import run
from lsm_eval.runner.spec import RunSpec

QUESTIONS = [{"q": q, "a": "x"} for q in ("the cat sat on", "what is the name of", "1 2 3", "the log and")]


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that writes a special token, and not at once."""
    folder = tmp_path_factory.mktemp("writer")
    return writes_a_mark(save_model(folder / "plain"), folder / "writer")


@pytest.fixture
def task(task_folder: Path) -> Callable[[str, Any], str]:
    """Writes a task of the harness that generates until the given strings; gives its name."""

    def write(name: str, until: Any) -> str:
        file = task_folder / f"{name}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in QUESTIONS))
        (task_folder / f"{name}.yaml").write_text(
            f"task: {name}\ndataset_path: json\ndataset_kwargs: {{data_files: {{test: {file}}}}}\n"
            "test_split: test\noutput_type: generate_until\n"
            'doc_to_text: "{{q}}"\ndoc_to_target: "{{a}}"\n'
            f"generation_kwargs: {{until: {json.dumps(until)}, max_gen_toks: 12, do_sample: false}}\n"
            "metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]\n"
        )
        return name

    return write


@pytest.mark.parametrize(
    ("name", "until"),
    [
        ("own_mark", [MARK]),
        ("own_end_and_mark", ["</s>", MARK, MARK]),
        ("own_part_of_a_mark", ["<|"]),
        ("own_text_and_mark", ["er" + MARK, "a" + MARK, " " + MARK]),
        ("own_mark_and_text", [MARK + " ", MARK + "a"]),
        ("own_empty", [""]),
        ("own_empty_and_more", ["", " "]),
        ("own_none", []),
    ],
)
def test_texts_end_as_with_hf(
    name: str,
    until: Any,
    task: Any,
    writer: Path,
    evaluate: Any,
    task_folder: Path,
    tmp_path: Path,
    own_cache: Path,
    one_thread: None,
) -> None:
    """Our engine in the harness, and the harness's task in our runner."""
    task(name, until)
    theirs, ours = (evaluate(model, writer, name) for model in ("hf", "lsm-eval"))
    same_samples(theirs, ours, name)
    options = ModelOptions(device="cpu", dtype="float32", overflow="truncate")
    spec = RunSpec([f"lm-eval:{task_folder / name}.yaml"], str(writer), options=options, out=tmp_path)
    record = read_record(run(spec, create(spec.model, spec.options), Silent()).record)
    rows = record.samples(f"lm-eval.{name}").to_pylist()
    texts = [sample["resps"][0][0] for sample in theirs["samples"][name]]
    assert [row["completion"] for row in rows] == texts
    assert not any(MARK in text for text in texts)
