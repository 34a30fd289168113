"""CMMLU's subjects."""

from __future__ import annotations

from lsm_eval.benchmarks.accuracy.cmmlu.code import SUBJECTS, cmmlu_subject
from lsm_eval.tasks.registry import Registry, load_task


def test_subject_in_chinese() -> None:
    assert cmmlu_subject("agronomy") == "农学"


def test_the_task_reads_the_subjects_that_its_departures_say() -> None:
    task = load_task(Registry().tasks["cmmlu"]).task
    assert len(SUBJECTS) == 67
    assert len(task.dataset.configs) == 61
    missing = set(SUBJECTS) - set(task.dataset.configs)
    text = " ".join(task.departures)
    assert all(subject in text for subject in missing)
