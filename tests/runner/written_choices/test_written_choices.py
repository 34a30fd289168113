"""Tasks with given choices, asked to write the letter of one: columns, metrics, records, models in process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from chosen_runs import questions_to, record_of, values_of
from command_line import QUESTIONS, Outcome, Runner, call
from openai_server import serving

from lsm_eval.models.base import Choosing, ModelOptions
from lsm_eval.models.given_choices import as_scored, refused, written
from lsm_eval.models.hf import HFModel
from lsm_eval.requests import Failure, Generate, Generated, Request, Score, Scored
from lsm_eval.runner.written_choices.metrics import metrics_of_written
from lsm_eval.tasks.registry import Registry

pytestmark = pytest.mark.usefixtures("one_thread", "own_cache")


@pytest.mark.parametrize(
    ("task", "why"),
    [
        ("lone", "lone cannot be asked to write a choice: a prompt has one choice only"),
        ("bare", "whole texts, with nothing before them"),
        ("likely", "none of its metrics has a meaning then (it reads likelihoods"),
    ],
)
def test_it_is_refused_by_name_before_anything_is_asked(
    task: str, why: str, near: Runner, far: Callable[..., Outcome]
) -> None:
    assert why in near("--choices", "generate", tasks=task).sentence()
    with serving() as server:
        sentence = far(server, tasks_named=task).sentence()
        assert why in sentence
        assert "openai:small tells no log-probabilities, and" in sentence
        assert questions_to(server) == []
        done = far(server, tasks_named=f"{task},choose")
        assert (done.code, len(questions_to(server))) == (2, 24)


def test_a_local_model_by_likelihoods_unless_asked(near: Runner) -> None:
    scored = record_of(near())
    assert set(values_of(scored)) == {"acc", "acc_norm", "ece"}
    assert scored.tasks["choose"].choices is None
    assert "choices" not in scored.tasks["choose"].model_dump()
    assert all("choices:" not in row.signature for row in scored.estimates)
    done = near("--choices", "generate")
    record = record_of(done)
    assert "--choices: choose is asked to write the label of a choice, held to its labels" in done.err
    assert "Left out for want of likelihoods: acc_norm, ece." in done.err
    assert set(values_of(record)) == {"acc(generated)"}
    assert {row.metric: row.why for row in record.manifest.absent} == {
        "acc_norm": "a written choice has no likelihood to divide by a length",
        "ece": "it reads likelihoods, and a written choice has none",
    }
    (row,) = record.estimates
    assert " choices:generated/constrained/v2 " in row.signature
    assert " seed:0 " in row.signature
    how = record.tasks["choose"]
    assert (how.choices, how.request, how.chat) == ("generated/constrained", "generate", True)
    table = record.samples("choose")
    assert set(table["completion"].to_pylist()) <= set("ABCD")
    assert table["choices"].to_pylist()[1] == QUESTIONS[1]["choices"]
    assert table["logprobs"].to_pylist() == [None] * 24
    parsed = record_of(near("--choices", "parsed"))
    assert parsed.tasks["choose"].choices == "generated/parsed"
    assert " choices:generated/parsed/v2/reader2 " in parsed.estimates[0].signature


def test_what_a_written_letter_is_worth(near: Runner) -> None:
    """Held to the letters of the task's own prompt, the model writes what the likelihoods say."""
    scored, held = (
        record_of(near(tasks="lettered")),
        record_of(near("--choices", "generate", "--chat", "off", tasks="lettered")),
    )
    assert values_of(held)["acc(generated)"] == values_of(scored)["acc"]
    logprobs = scored.samples("lettered")["logprobs"].to_pylist()
    letters = held.samples("lettered")["completion"].to_pylist()
    assert letters == [" A" if first >= second else " B" for first, second in logprobs]
    assert held.samples("lettered")["prompt"].to_pylist() == scored.samples("lettered")["prompt"].to_pylist()


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (["acc_norm"], ["acc"]),
        (["acc_bytes", "acc_norm"], ["acc"]),
        (["truthfulqa_mc1", "truthfulqa_mc2"], ["acc"]),
        ([{"acc": {"name": "right", "by": "x"}}, "acc_norm"], ["right"]),
        (["prefers_first", "likelihood_difference"], ["prefers_first"]),
        (["macro_f1", "ece", "yes_auroc", "pronoun_prefers_she", "stereoset_icat"], ["macro_f1"]),
        (["stereoset_icat", "brier"], []),
        ([{"stereoset_icat": {"by": "x"}}, {"acc_norm": {"by": "x"}}], ["acc"]),
    ],
)
def test_metrics_of_a_written_choice(given: list[Any], made: list[str], tasks: Path) -> None:
    (loaded,) = Registry([tasks]).resolve(["normed"])
    loaded = replace(loaded, task=loaded.task.model_copy(update={"metrics": tuple(given)}))
    metrics, dropped = metrics_of_written(loaded, offline=True)
    assert [metric.name for metric in metrics] == [f"{name}(generated)" for name in made]
    assert set(dropped) >= {one for one in given if isinstance(one, str)} - {*made, "acc"}
    assert all(dropped.values())


def test_samples_of_several_requests(near: Runner) -> None:
    record = record_of(near("--choices", "generate", "--chat", "off", tasks="twice"))
    scored = record_of(near(tasks="twice"))
    assert values_of(record)["halueval_acc(generated)"] == values_of(scored)["halueval_acc"]


def test_likelihoods_and_letters_never_meet(near: Runner, tasks: Path, tmp_path: Path) -> None:
    records = [
        record_of(near()),
        record_of(near("--choices", "generate")),
        record_of(near("--choices", "parsed")),
    ]
    folders = [record.folder for record in records]
    likely = call("compare", folders[0], folders[1])
    assert "The records have no number in common." in likely.out
    why = (
        "choose: choices differ: they were scored in the baseline and written (generated/constrained) in the candidate, so "
        "that their numbers are not comparable: run both with the same --choices."
    )
    assert why in likely.out
    gated = call("gate", "--baseline", folders[0], "--candidate", folders[1], "--include", tasks)
    assert (gated.code, f"not comparable: {why}" in gated.out) == (4, True), gated.out
    on_the_way = near("--choices", "generate", "--gate", "pull-request", "--baseline", str(folders[0]))
    assert on_the_way.code == 4
    assert "choices (not there against generated/constrained/v2)" in on_the_way.err
    parsed = call("compare", folders[1], folders[2])
    assert (
        "not compared: choices (generated/constrained/v2 against generated/parsed/v2/reader2) differs"
        in parsed.out
    )
    assert (likely.code, parsed.code) == (4, 4)
    other = record_of(near("--choices", "generate", "--seed", "3"))
    assert "have another prompt" in call("compare", folders[1], other.folder).out, "their order is another"
    table = other.folder / "samples" / "choose.parquet"
    content = pq.read_table(table)
    at = content.column_names.index("asked")
    pq.write_table(content.set_column(at, "asked", pa.array(map(str, range(24)))), table)
    drawn = call("compare", folders[1], other.folder)
    assert (
        "no sample of both runs has the same prompt, and seed (0 against 3) differs: --across seed"
        in drawn.out
    )
    assert call("compare", folders[1], other.folder, "--across", "seed").code == 0
    site = call("leaderboard", tmp_path / "reports", "--out", tmp_path / "site")
    assert site.code == 0, site.err
    page = (tmp_path / "site" / "index.html").read_text()
    assert 'data-id="task:choose:acc(generated)"' in page
    assert 'data-id="task:choose:acc"' in page
    assert "says otherwise" not in site.err


def test_a_local_model_writes_the_likeliest_of_given_texts(model: Path) -> None:
    local = HFModel("hf:tiny", ModelOptions(), folder=model)
    assert isinstance(local, Choosing)
    assert (local.scores(), local.constrains(chat=True)) == (True, True)
    texts = ("the mat", "a log", "yes")
    held = Generate("where is the cat", choices=texts, chat=True)
    score = Score("where is the cat", texts, chat=True)
    requests: list[Request] = [
        held,
        score,
        Generate("x", choices=("a", "ab")),
        Generate("x", choices=("a", "b"), temperature=1.0),
    ]
    found: dict[int, Any] = {}
    for batch in local.answer(requests):
        found.update(batch)
    best = max(range(3), key=lambda at: found[1].logprobs[at])
    assert found[0] == Generated(texts[best], found[1].tokens[best], "stop")
    assert (found[2].reason, found[3].reason) == ("unsupported", "unsupported")
    assert "begins with another" in found[2].detail
    assert local.render(held) == local.render(score)
    assert local.cost([held]) == local.cost([score])
    assert {at for batch in local.answer(requests, known={2, 3}) for at in batch} == {0, 1}


def test_other_requests_stay_as_they_are() -> None:
    plain = Generate("x")
    assert as_scored(plain) is plain
    assert refused(plain) is None
    failure = Failure("nan", "no")
    assert written(Generate("x", choices=("a",)), failure) is failure
    scored = Scored((0.0,), (1,), (True,))
    assert written(Score("x", ("a",)), scored) is scored
