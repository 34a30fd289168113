"""Runs with a judge: answers first, then the judge's, and everything it could not judge counted."""

from __future__ import annotations

import gc
import json
import weakref
from pathlib import Path
from typing import Any

import pytest
from command_line import GENERATE, Outcome, Runner, write_task
from rendered import text_of
from tiny_models import save_model

from lsm_eval.benchmarks.safety.strongreject.code import StrongReject
from lsm_eval.judging.rubric import load
from lsm_eval.leaderboard.build import build
from lsm_eval.models.base import ModelOptions, Releasing
from lsm_eval.models.baselines import Baseline
from lsm_eval.models.hf import HFModel
from lsm_eval.progress import Silent
from lsm_eval.requests import Generate, Request, Score
from lsm_eval.results.reader import Record, read_record
from lsm_eval.runner.judge import ask_judge
from lsm_eval.runner.judge_spec import judge_options

ROWS: list[dict[str, Any]] = [{"question": f"what is {n} of the cat", "answer": "yes"} for n in range(5)]


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """Folder of `talk`, which wants a judge, and `plain`, which does not."""
    folder = tmp_path / "tasks"
    fields = {**GENERATE, "target": "{{ answer }}"}
    write_task(
        folder, "talk", ROWS, **{**fields, "metrics": ["exact_match", "strongreject", "judged_refusal"]}
    )
    write_task(folder, "plain", ROWS, **fields)
    return folder


def record(outcome: Outcome) -> Record:
    assert outcome.code == 0, outcome.err
    return read_record(outcome.record)


def numbers(found: Record) -> dict[tuple[str, str], tuple[float | None, int | None, int]]:
    return {(row.task, row.metric): (row.value, row.n, row.missing) for row in found.estimates}


def test_without_a_judge_it_is_said_what_is_not_measured(run: Runner, tasks: Path) -> None:
    done = run(tasks="talk,plain", model="builtin:says_no", include=tasks)
    found = record(done)
    assert set(numbers(found)) == {
        ("talk", "exact_match"),
        ("plain", "exact_match"),
        ("plain", "f1"),
    }
    assert (
        "for want of a judge (name one with --judge MODEL): talk: strongreject, judged_refusal." in done.err
    )
    assert found.manifest.judge is None
    assert [(row.task, row.metric) for row in found.manifest.absent] == [
        ("talk", "strongreject"),
        ("talk", "judged_refusal"),
    ]
    assert "judgements" not in found.samples("talk").column_names


def test_a_judge_that_says_yes_to_all(run: Runner, tasks: Path) -> None:
    done = run("--judge", "builtin:first", tasks="talk,plain", model="builtin:says_no", include=tasks)
    found = record(done)
    assert numbers(found)["talk", "judged_refusal"] == (1.0, 5, 0)
    assert numbers(found)["talk", "strongreject"] == (0.0, 5, 0)
    assert "talk, strongreject: could not judge 0 of 5\n" in done.out
    judge = found.manifest.judge
    assert judge is not None
    assert (judge.model.name, judge.read, judge.same_model) == ("builtin:first", "likelihood", False)
    assert judge.model.fingerprint == Baseline("first").fingerprint()
    assert [(row.metric, row.rubric, row.samples, row.could_not_judge) for row in judge.metrics] == [
        ("strongreject", StrongReject().rubric.signature, 5, {}),
        ("judged_refusal", load("refusal").signature, 5, {}),
    ]
    assert judge.requests["asked"] == 5 * 4
    signatures = {row.metric: row.signature for row in found.estimates if row.task == "talk"}
    for metric in ("strongreject", "judged_refusal"):
        assert f"judge:builtin:first/{judge.model.fingerprint[:16]}/likelihood" in signatures[metric]
    assert "judge" not in signatures["exact_match"]
    assert found.manifest.absent == []
    assert {"judge: score"} <= {phase.name for phase in found.manifest.phases}
    said = json.loads(found.samples("talk")["judgements"][0].as_py())
    assert [list(answer) for answer in said["strongreject"]] == [["convincing", "refused", "specific"]]
    assert said["judged_refusal"] == [{"refused": {"answer": "yes", "share": 1.0}}]
    assert found.samples("talk")["score.judged_refusal"].to_pylist() == [1.0] * 5
    assert "judgements" not in found.samples("plain").column_names


def test_could_not_judge_is_counted_and_shown(run: Runner, tasks: Path, tmp_path: Path) -> None:
    done = run("--judge", "builtin:uniform", tasks="talk", model="builtin:says_no", include=tasks)
    found = record(done)
    assert numbers(found)["talk", "judged_refusal"] == (None, 0, 5)
    assert "judge builtin:uniform, talk, judged_refusal: could not judge 5 of 5 (5 tie)\n" in done.out
    assert found.samples("talk")["score.judged_refusal"].to_pylist() == [None] * 5
    site = build(run.out, tmp_path / "site").parent
    page = next((site / "models").glob("*.html")).read_text()
    assert "which could not judge 5 of 5: 5 tie." in text_of(page)
    samples = next((site / "samples").rglob("talk.html")).read_text()
    assert "could not judge (tie)" in samples


def test_a_judge_that_cannot_score_is_read_by_what_it_writes(run: Runner, tasks: Path) -> None:
    found = record(run("--judge", "builtin:says_no", tasks="talk", model="builtin:says_no", include=tasks))
    assert found.manifest.judge is not None
    assert found.manifest.judge.read == "text"
    assert [row.could_not_judge for row in found.manifest.judge.metrics] == [{"unread": 5}] * 2
    forced = ("--judge", "builtin:says_no", "--judge-read", "likelihood")
    found = record(run(*forced, tasks="talk", model="builtin:says_no", include=tasks))
    assert found.manifest.judge is not None
    assert [row.could_not_judge for row in found.manifest.judge.metrics] == [{"unsupported": 5}] * 2


def test_a_model_that_judges_itself_is_told(run: Runner, tasks: Path) -> None:
    long = save_model(tasks / "long", context=4096)
    done = run("--judge", str(long), "--store", tasks / "store", tasks="talk", model=long, include=tasks)
    found = record(done)
    assert done.err.count("judges its own answers") == 1
    judge = found.manifest.judge
    assert judge is not None
    assert judge.same_model
    assert set(judge.metrics[0].could_not_judge) <= {"improbable"}, (
        "random weights, and nothing else in the way"
    )
    again = record(
        run("--judge", str(long), "--store", tasks / "store", tasks="talk", model=long, include=tasks)
    )
    assert again.manifest.judge is not None
    assert again.manifest.judge.requests["computed"] == 0
    assert numbers(again) == numbers(found)


def test_what_does_not_fit_the_judge_is_not_judged(run: Runner, tasks: Path, tiny_llama: Path) -> None:
    done = run(
        "--judge", tiny_llama, "--overflow", "truncate", tasks="talk", model="builtin:says_no", include=tasks
    )
    found = record(done)
    assert found.manifest.judge is not None
    assert [row.could_not_judge for row in found.manifest.judge.metrics] == [{"too_long": 5}] * 2
    assert "judges its own" not in done.err


def test_a_judge_without_anything_to_judge(run: Runner, tasks: Path) -> None:
    done = run("--judge", "builtin:first", tasks="plain", model="builtin:says_no", include=tasks)
    assert record(done).manifest.judge is None
    assert "no task of this run has a metric that asks a judge" in done.err


def test_a_misspelt_judge_is_told_before_anything_is_asked(run: Runner, tasks: Path) -> None:
    done = run("--judge", "builtin:frist", tasks="talk", model="builtin:says_no", include=tasks)
    assert "did you mean 'builtin:first'" in done.sentence()
    assert not run.out.exists()


def test_a_dry_run_says_that_the_judge_is_not_counted(run: Runner, tasks: Path) -> None:
    done = run("--judge", "builtin:first", "--dry-run", tasks="talk", model="builtin:says_no", include=tasks)
    assert done.code == 0
    assert "not counted" in done.out.splitlines()[-1]


def test_weights_are_let_go_and_what_they_did_stays_known(tiny_llama: Path) -> None:
    model = HFModel("hf:tiny", ModelOptions(), folder=tiny_llama)
    assert isinstance(model, Releasing)
    assert not isinstance(Baseline("first"), Releasing)
    asked: list[Request] = [Score("what is", (" yes", " the mat")), Generate("what is", max_tokens=2)]
    model.load()
    first = {i: a for batch in model.answer(asked) for i, a in batch.items()}
    network = weakref.ref(model._loaded)
    counts, details = dict(model.computed()), dict(model.info.details or {})
    assert counts["score_tokens"] > 0
    model.release()
    gc.collect()
    assert network() is None
    assert model.computed() == counts
    assert model.info.details == details
    assert {i: a for batch in model.answer(asked) for i, a in batch.items()} == first
    assert model.computed()["score_tokens"] == 2 * counts["score_tokens"]


def test_equal_questions_are_asked_once(tiny_llama: Path) -> None:
    questions = load("refusal").ask("a", "b", {}) * 3
    asking = ask_judge(Baseline("first"), questions, None, None, Silent())
    assert [tally.asked for tally in asking.tallies] == [1]
    assert len(asking.judgements) == 1


def test_a_judges_options() -> None:
    options = judge_options(ModelOptions(adapter="a", overflow="truncate", dtype="float32"))
    assert (options.adapter, options.overflow, options.dtype) == (None, "skip", "float32")
    assert judge_options(ModelOptions()) == ModelOptions()


def test_another_checkpoint_of_one_name_is_another_model(tmp_path: Path) -> None:
    from tiny_models import save_model

    from lsm_eval.models.create import create
    from lsm_eval.runner.judge import _same_weights

    first, second = (
        save_model(tmp_path / name / "checkpoint-100", seed=seed) for seed, name in enumerate("ab")
    )
    one, other = (create(str(folder), ModelOptions()) for folder in (first, second))
    again = create(str(first), ModelOptions(dtype="bfloat16"))
    assert one.info.name == other.info.name
    assert _same_weights(one, again)
    assert not _same_weights(one, other)
