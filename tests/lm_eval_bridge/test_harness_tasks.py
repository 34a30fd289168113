"""Tasks of the harness in our runner: its own prompts, its own numbers, our intervals."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from lsm_eval.errors import UserError
from lsm_eval.lm_eval_bridge.names import resolve
from lsm_eval.lm_eval_bridge.tasks import build
from lsm_eval.metrics.joint import join
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.create import create
from lsm_eval.progress import Silent
from lsm_eval.requests import Failure, Generate, Score
from lsm_eval.results.reader import Record, read_record
from lsm_eval.runner.generation_options import Generation
from lsm_eval.runner.run import run
from lsm_eval.runner.spec import RunSpec
from lsm_eval.scoring.task import score_task


def ask(checkpoint: Path, out: Path, *names: str, **options: Any) -> Record:
    """The record of a run."""
    model_options = ModelOptions(device="cpu", dtype="float32", overflow="truncate")
    spec = RunSpec(names, str(checkpoint), options=model_options, out=out, **options)
    return read_record(run(spec, create(spec.model, spec.options), Silent()).record)


def values(record: Record, task: str) -> dict[str, float | None]:
    return {row.metric: row.value for row in record.estimates if row.task == f"lm-eval.{task}"}


def expected(results: dict[str, Any], task: str) -> dict[str, float]:
    """The harness's results under our names of the metrics."""
    return {
        key.removesuffix(",none").replace(",", "."): value
        for key, value in results["results"][task].items()
        if "," in key and "stderr" not in key and isinstance(value, float)
    }


@pytest.mark.parametrize("which", ["checkpoint", "plain_checkpoint"])
def test_the_same_numbers_as_the_harness(
    which: str,
    evaluate: Any,
    task_folder: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    one_thread: None,
) -> None:
    names = ["own_choice", "own_shots", "own_pairs", "own_last_word", "own_texts", "own_sums"]
    folder = request.getfixturevalue(which)
    theirs = evaluate("hf", folder, *names)
    record = ask(folder, tmp_path, *(f"lm-eval:{task_folder / name}.yaml" for name in names))
    for name in names:
        assert values(record, name) == pytest.approx(expected(theirs, name), rel=1e-4, abs=1e-6), name
        logged = theirs["samples"][name]
        assert len(record.samples(f"lm-eval.{name}").to_pylist()) == len(
            {sample["doc_id"] for sample in logged}
        )


@pytest.mark.parametrize("chat", [False, True])
def test_a_share_and_a_system_message_as_the_harness_takes_them(
    evaluate: Any, task_folder: Path, checkpoint: Path, tmp_path: Path, one_thread: None, chat: bool
) -> None:
    options = {"limit": 0.5, "system_instruction": "Be brief.", "apply_chat_template": chat}
    theirs = evaluate("hf", checkpoint, "own_sums", fewshot_as_multiturn=chat, **options)
    record = ask(
        checkpoint,
        tmp_path,
        f"lm-eval:{task_folder}/own_sums.yaml",
        limit=Fraction(1, 2),
        chat="on" if chat else "off",
        generation=Generation(system="Be brief."),
    )
    logged = [sample for sample in theirs["samples"]["own_sums"] if sample["filter"] == "strict"]
    rows = record.samples("lm-eval.own_sums").to_pylist()
    assert [row["prompt"] for row in rows] == [sample["arguments"][0][0] for sample in logged]
    assert [row["completion"] for row in rows] == [sample["resps"][0][0] for sample in logged]
    (task,) = record.manifest.tasks
    assert (task.limit, task.samples) == (3, 3)
    assert all(" system:" in row.signature for row in record.estimates)


def test_chosen_documents(task_folder: Path, checkpoint: Path, tmp_path: Path, one_thread: None) -> None:
    name = f"lm-eval:{task_folder}/own_choice.yaml"
    whole = ask(checkpoint, tmp_path, name).samples("lm-eval.own_choice").to_pylist()
    record = ask(checkpoint, tmp_path, name, sample_ids=("3", "1"))
    rows = record.samples("lm-eval.own_choice").to_pylist()
    assert [row["sample"] for row in rows] == ["1", "3"]
    assert [row["prompt"] for row in rows] == [whole[1]["prompt"], whole[3]["prompt"]]
    with pytest.raises(UserError, match=r"own_choice has no sample '7': did you mean '\d'"):
        ask(checkpoint, tmp_path, name, sample_ids=("7",))


def test_a_task_that_repeats_says_itself_how_it_draws(
    task_folder: Path, checkpoint: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="asks several times"):
        ask(
            checkpoint,
            tmp_path,
            f"lm-eval:{task_folder}/own_draws.yaml",
            generation=Generation(temperature=1.0),
        )


def test_the_same_numbers_in_chat_with_shots_and_limit(
    evaluate: Any, task_folder: Path, checkpoint: Path, tmp_path: Path, one_thread: None
) -> None:
    options = {"num_fewshot": 1, "limit": 3, "apply_chat_template": True, "fewshot_as_multiturn": True}
    theirs = evaluate("hf", checkpoint, "own_shots", **options)
    record = ask(checkpoint, tmp_path, f"lm-eval:{task_folder}/own_shots.yaml", shots=1, limit=3, chat="on")
    rows = record.samples("lm-eval.own_shots").to_pylist()
    assert [row["prompt"] for row in rows] == [s["arguments"][0][0] for s in theirs["samples"]["own_shots"]]
    for row, sample in zip(rows, theirs["samples"]["own_shots"], strict=True):
        assert row["logprobs"] == pytest.approx([resp[0][0] for resp in sample["resps"]], abs=1e-3)
        assert row["score.acc"] == sample["acc"]
    (task,) = record.manifest.tasks
    assert (task.shots, task.chat, task.samples) == (1, True, 3)


def test_a_record_says_what_was_asked(task_folder: Path, checkpoint: Path, tmp_path: Path) -> None:
    record = ask(checkpoint, tmp_path, f"lm-eval:{task_folder}/own_pairs.yaml")
    row = record.samples("lm-eval.own_pairs").to_pylist()[0]
    (further,) = json.loads(row["further"])
    assert row["prompt"].endswith("because the cat")
    assert further["prompt"].endswith("because the mat")
    assert len(row["logprobs"]) == len(further["logprobs"]) == 1
    estimate = next(row for row in record.estimates if row.metric == "acc")
    assert estimate.n == 3
    assert estimate.method == "clopper-pearson"
    from importlib import metadata

    assert f"lm-eval:{metadata.version('lm_eval')}/own_pairs/" in estimate.signature
    assert "config:" in estimate.signature


def test_the_signature_follows_the_configuration(task_folder: Path, checkpoint: Path, tmp_path: Path) -> None:
    def signature(file: Path) -> str:
        (task,) = resolve(f"lm-eval:{file}")
        built = build(task, shots=None, limit=2, seed=0, mirror=None, encoder=None, chat_template=False)
        return built.metrics[0].signature

    first = signature(task_folder / "own_pairs.yaml")
    assert signature(task_folder / "own_pairs.yaml") == first
    changed = tmp_path / "own_pairs.yaml"
    text = (task_folder / "own_pairs.yaml").read_text()
    changed.write_text(text + "target_delimiter: '  '\n")
    assert signature(changed) != first


def test_a_failed_answer_is_missing_and_no_zero(task_folder: Path) -> None:
    (task,) = resolve(f"lm-eval:{task_folder}/own_pairs.yaml")
    built = build(task, shots=None, limit=None, seed=0, mirror=None, encoder=None, chat_template=False)
    from lsm_eval.requests import Scored

    def answer(logprob: float) -> Scored:
        return Scored((logprob,), (3,), (False,))

    responses = [
        join([answer(-1.0), answer(-2.0)]),  # right: the first one
        join([answer(-1.0), Failure("nan", "")]),
        join([answer(-3.0), answer(-2.0)]),  # right: the second one
    ]
    estimates, rows = score_task(built.metrics, built.samples, responses, seed=0)
    found = {metric.name: estimate for metric, estimate in estimates}
    assert (found["acc"].value, found["acc"].n, found["acc"].missing) == (1.0, 2, 1)
    assert rows[1]["acc"] is None
    # brier_score goes through the harness's own function, over the documents that have an answer.
    odds = [1 / (1 + math.exp(-1.0))] * 2
    assert found["brier_score"].value == pytest.approx(sum(2 * (1 - p) ** 2 for p in odds) / 2)
    assert found["brier_score"].method == "none (only 2 samples)"
    assert found["brier_score"].missing == 1


def test_metrics_that_only_the_results_name(task_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "own_code.py").write_text(
        "def score(doc, results):\n    return {'acc': 1.0, 'long': float(len(results[0]))}\n"
    )
    text = (task_folder / "own_sums.yaml").read_text()
    text = text[: text.index("filter_list")] + "process_results: !function own_code.score\n"
    text = (
        text.replace("exact_match", "acc")
        .replace(", ignore_case: true", "")
        .replace("  - {metric: bleu}\n", "")
    )
    (tmp_path / "own_code.yaml").write_text(text)
    (task,) = resolve(f"lm-eval:{tmp_path}/own_code.yaml", code=True)
    built = build(task, shots=None, limit=2, seed=0, mirror=None, encoder=None, chat_template=False)
    from lsm_eval.requests import Generated

    answers = [Generated("one", 1, "stop"), Generated("three", 1, "stop")]
    # A part is scored before the whole where a gate looks on the way.
    score_task(built.metrics, built.samples[:1], answers[:1], seed=0)
    estimates, rows = score_task(built.metrics, built.samples, answers, seed=0)
    assert {metric.name: estimate.value for metric, estimate in estimates} == {"acc": 1.0, "long": 4.0}
    assert [row["long"].value for row in rows if row["long"]] == [3.0, 5.0]


def test_repeated_draws_are_requests_of_their_own(
    task_folder: Path, checkpoint: Path, tmp_path: Path
) -> None:
    (task,) = resolve(f"lm-eval:{task_folder}/own_draws.yaml")
    built = build(task, shots=None, limit=2, seed=0, mirror=None, encoder=None, chat_template=False)
    requests = built.samples[0].requests
    assert [request.seed for request in requests if isinstance(request, Generate)] == [0, 1, 2]
    assert len({request.prompt for request in requests if isinstance(request, Generate)}) == 1
    record = ask(checkpoint, tmp_path, f"lm-eval:{task_folder}/own_draws.yaml")
    assert values(record, "own_draws").keys() == {"exact_match.vote"}
    assert len(json.loads(record.samples("lm-eval.own_draws").to_pylist()[0]["further"])) == 2


def test_choices_of_one_context_are_one_request(task_folder: Path) -> None:
    (task,) = resolve(f"lm-eval:{task_folder}/own_choice.yaml")
    built = build(task, shots=None, limit=None, seed=0, mirror=None, encoder=None, chat_template=False)
    asked, alone = built.samples[0].requests
    assert isinstance(asked, Score)
    assert isinstance(alone, Score)
    assert asked.continuations == alone.continuations == (" mat", " dog", " rather long log")
    assert alone.context == ""  # the unconditional half of mutual information


def test_a_mirror_stands_in_for_the_hub(tmp_path: Path, task_folder: Path) -> None:
    import pandas as pd

    place = tmp_path / "mirror" / "some" / "set" / "default"
    place.mkdir(parents=True)
    pd.read_json(task_folder / "own_shots.jsonl", lines=True).to_parquet(place / "test.parquet")
    text = (task_folder / "own_shots.yaml").read_text()
    kept = [line for line in text.splitlines() if not line.startswith(("dataset_path", "dataset_kwargs"))]
    kept += ["dataset_path: some/set", "training_split: train", "validation_split: dev"]
    (tmp_path / "own_hub.yaml").write_text("\n".join(kept))
    (task,) = resolve(f"lm-eval:{tmp_path}/own_hub.yaml")
    options: dict[str, Any] = {"limit": None, "seed": 0, "encoder": None, "chat_template": False}
    built = build(task, shots=0, mirror=tmp_path / "mirror", **options)
    assert (built.data.source, built.data.name, len(built.samples)) == ("mirror", "some/set", 5)
    with pytest.raises(UserError, match=r"has no some/set/default/train\.parquet"):
        build(task, shots=2, mirror=tmp_path / "mirror", **options)
    pd.read_json(task_folder / "own_shots.jsonl", lines=True).to_parquet(place / "train.parquet")
    shown = build(task, shots=2, mirror=tmp_path / "mirror", **options)
    assert shown.shots == 2
    assert shown.metrics[0].signature == built.metrics[0].signature
