"""A model's yes or no about QAGS: the task, the golden score fed in as if a model had given it, and no-model rows."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from lsm_eval.benchmarks.hallucination.qags_consistency import sentences as qags_sentences
from lsm_eval.data import DataOptions, load
from lsm_eval.detectors.groundedness import kgram_precision
from lsm_eval.errors import UserError
from lsm_eval.models.baselines import BASELINES
from lsm_eval.requests import Score, Scored
from lsm_eval.scoring.registry import create
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.build import BuildOptions, build_samples
from lsm_eval.tasks.registry import LoadedTask, Registry, load_task
from lsm_eval.tasks.sample import Sample

Task = tuple[LoadedTask, list[dict[str, str]], list[Sample]]


@pytest.fixture(scope="module")
def qags(data_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Task:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSM_EVAL_CACHE", str(tmp_path_factory.mktemp("cache")))
        loaded = load_task(Registry().tasks["qags_consistency"])
        options = DataOptions(files=data_files, offline=True)
        table = load(
            loaded.task.dataset, base=loaded.folder, options=options, pinned=loaded.task.dataset.sha256
        )
    assert table.pinned
    return loaded, table.rows, build_samples(loaded, table, None, BuildOptions(shots=0))


def answer(first: float, second: float) -> Scored:
    return Scored((first, second), (1, 1), (False, False))


def estimates(task: Task, answers: list[Scored]) -> dict[str, Estimate]:
    loaded, _, samples = task
    found, _ = score_task([create(spec) for spec in loaded.task.metrics], samples, answers, seed=0)
    return {metric.name: estimate for metric, estimate in found}


def test_the_task_asks_as_intended(qags: Task) -> None:
    _, rows, samples = qags
    assert len(samples) == 953
    for row, sample in zip(rows, samples, strict=True):
        assert isinstance(sample.request, Score)
        assert sample.request.continuations == (" yes", " no")
        assert sample.target == (0,) if row["consistent"] else (1,)
        assert sample.request.context.startswith("Article: " + row["article"].strip()[:50])
        assert sample.request.context.endswith("Answer yes or no.\n  Answer:".replace("  ", ""))
    assert len({sample.cluster for sample in samples}) == 235 + 239


def test_the_golden_score_goes_through_the_live_metric(qags: Task) -> None:
    """Word overlap, handed over as log-probabilities of yes, must give the golden AUROC."""
    _, rows, _ = qags
    k = {"cnndm": 3, "xsum": 1}
    answers = [
        answer(kgram_precision(row["sentence"], row["article"], k[row["set"]]) or 0.0, 0.0) for row in rows
    ]
    found = estimates(qags, answers)
    for name, value, count, low, high in (
        ("yes_auroc_cnndm", 0.8491, 714, 0.814, 0.883),
        ("yes_auroc_xsum", 0.6794, 239, 0.611, 0.739),
    ):
        assert found[name].value == pytest.approx(value, abs=5e-4)
        assert found[name].n == count
        # The golden file's intervals draw whole documents; ours is a jackknife over groups of them.
        assert found[name].low == pytest.approx(low, abs=0.03)
        assert found[name].high == pytest.approx(high, abs=0.03)


@pytest.mark.parametrize("row", ["uniform", "first", "longest"])
def test_rows_without_a_model_know_nothing(qags: Task, row: str) -> None:
    answers = []
    for sample in qags[2]:
        assert isinstance(sample.request, Score)
        first, second = BASELINES[row](sample.request.continuations)
        answers.append(answer(first, second))
    found = estimates(qags, answers)
    assert found["yes_auroc_cnndm"].value == found["yes_auroc_xsum"].value == 0.5
    right = {"uniform": (0.5, 0.5, 0.5), "first": (647 / 953, 531 / 714, 116 / 239)}
    right["longest"] = right["first"]  # yes is the longer word
    assert (found["acc"].value, found["acc[cnndm]"].value, found["acc[xsum]"].value) == pytest.approx(
        right[row]
    )


def test_a_model_that_cannot_say_either_has_no_auroc(qags: Task) -> None:
    answers = [answer(0.0, -1.0)] * 952 + [answer(-math.inf, -math.inf)]
    assert estimates(qags, answers)["yes_auroc_xsum"].value is None


def test_three_choices_are_refused() -> None:
    sample = Sample("7", Score("a", (" b", " c", " d")), target=(0,), choices=("b", "c", "d"))
    three = Scored((0.0, 0.0, 0.0), (1, 1, 1), (False, False, False))
    with pytest.raises(UserError, match="needs two choices, and sample '7' has 3"):
        score_task([create("yes_auroc")], [sample], [three], seed=0)


def test_a_file_of_another_form_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "qags.jsonl"
    path.write_text('{"article": "x", "summary_sentences": [{"sentence": "y", "responses": []}]}\n')
    with pytest.raises(UserError, match="line 1, is no row of QAGS"):
        qags_sentences.rows([path], ["cnndm"])
    with pytest.raises(UserError, match="1 files of QAGS have 2 names"):
        qags_sentences.rows([path], ["cnndm", "xsum"])
