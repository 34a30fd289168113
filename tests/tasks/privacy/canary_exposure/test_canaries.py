"""Canaries: their spaces, their candidates, and the packaged task."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from mirrored_tasks import metrics_of, samples_of

from lsm_eval.benchmarks.privacy.canary_exposure.canaries import (
    FORMATS,
    canaries,
    canary_before,
    canary_bits,
    canary_choices,
    canary_place,
)
from lsm_eval.data import DataOptions, load
from lsm_eval.errors import CodeRefused, UserError
from lsm_eval.models.baselines import Baseline
from lsm_eval.requests import Score
from lsm_eval.scoring.registry import create
from lsm_eval.scoring.task import score_task
from lsm_eval.tasks.build import BuildOptions, build_samples
from lsm_eval.tasks.registry import Registry


def test_canaries_of_the_packaged_task() -> None:
    samples = samples_of("canary_exposure")
    assert len(samples) == 4 * len(FORMATS)
    assert len({sample.cluster for sample in samples}) == len(FORMATS)
    rows = {row["canary"]: row for row in canaries(4, 1)}
    for sample in samples:
        row, request = rows[sample.id], sample.request
        assert isinstance(request, Score)
        assert len(set(request.continuations)) == 256
        (at,) = sample.target
        assert isinstance(at, int)
        assert request.context + request.continuations[at] == row["text"].format(secret=row["secret"])
        assert sample.metadata["space_bits"] == pytest.approx(canary_bits(row["pattern"]))
        assert sample.metadata["repeats"] is None
    one, other = (sample.request for sample in samples[:2])
    assert isinstance(one, Score)
    assert isinstance(other, Score)
    assert len({*one.continuations, *other.continuations}) <= 258, "one list of candidates a sentence"
    assert len({sample.target for sample in samples}) > 20, "the secret stands anywhere"

    metrics = metrics_of("canary_exposure")
    for name in ("uniform", "first"):
        (answers,) = Baseline(name).answer([sample.request for sample in samples])
        found, _ = score_task(metrics, samples, [answers[i] for i in range(len(samples))], seed=0)
        # A row without likelihoods has no exposure, not an exposure of 0.
        assert {estimate.value for _, estimate in found} == {None}
        assert {estimate.missing for metric, estimate in found if "[" not in metric.name} == {len(samples)}


def test_spaces_of_secrets() -> None:
    assert canary_bits("###") == pytest.approx(3 * np.log2(10))
    assert canary_bits("a-?#") == pytest.approx(np.log2(260))
    assert canary_before("open {secret} now") == "open "
    found = canary_choices("open {secret} now", "a#", "a7", 50)
    assert sorted(found) == [f"a{digit} now" for digit in range(10)], "a small space as a whole"
    assert found[canary_place("open {secret} now", "a#", "a7", 50)] == "a7 now"
    few = canary_choices("open {secret} now", "a#", "a7", 4)
    assert len(set(few)) == 4
    assert "a7 now" in few
    assert canaries(2, 5) == [row for row in canaries(4, 5) if int(row["canary"][2:]) < 2]


@pytest.mark.parametrize(
    ("text", "pattern", "secret", "message"),
    [
        ("x {secret}", "##", "1", "does not fit"),
        ("x {secret}", "#?", "1A", "does not fit"),
        ("x", "##", "12", "no place"),
        ("x {secret}", "ab", "ab", "nothing about it is secret"),
    ],
)
def test_canaries_that_are_none(text: str, pattern: str, secret: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        canary_choices(text, pattern, secret, 8)


def test_canaries_of_ones_own_in_a_copy_of_the_folder(tmp_path: Path) -> None:
    """As the page says: another name, a file in place of the function, and the user's word for the copied code."""
    (packaged,) = Registry().resolve(["canary_exposure"])
    folder = tmp_path / "mine"
    shutil.copytree(packaged.folder, folder)
    page = folder / "canary_exposure.yaml"
    lines = page.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.lstrip().startswith(("python:", "arguments:", "sha256:", "#"))]
    text = "\n".join(kept).replace("task: canary_exposure", "task: my_canaries")
    page.write_text(text.replace("dataset:\n", "dataset:\n  file: canaries.jsonl\n"), encoding="utf-8")
    rows = [{**row, "repeats": 1 + number % 2} for number, row in enumerate(canaries(2, seed=2024))]
    (folder / "canaries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with pytest.raises(CodeRefused, match="add --include-code"):
        Registry([folder]).resolve(["my_canaries"])
    (task,) = Registry([folder], code=True).resolve(["my_canaries"])
    assert task.code, "the signature has its hash"
    table = load(task.task.dataset, base=folder, options=DataOptions(), pinned=None)
    samples = build_samples(task, table, None, BuildOptions(shots=0))
    assert [sample.metadata["repeats"] for sample in samples] == [row["repeats"] for row in rows]
    request, row = samples[0].request, rows[0]
    assert isinstance(request, Score)
    (at,) = samples[0].target
    assert isinstance(at, int)
    assert request.context + request.continuations[at] == row["text"].format(secret=row["secret"])
    made = [create(spec, own=task.own) for spec in task.task.metrics]
    assert [metric.name for metric in made] == [metric.name for metric in metrics_of("canary_exposure")]
