"""CBBQ as it is rendered."""

from __future__ import annotations

from pathlib import Path

from mirrored_tasks import samples_of

from lsm_eval.requests import Score


def test_cbbq_is_asked_in_chinese(data_files: Path) -> None:
    sample = samples_of("cbbq", None, data_files)[0]
    assert isinstance(sample.request, Score)
    context, question, answer = sample.request.context.split("\n")
    assert question.startswith("问题：")
    assert answer == "回答："
    assert context
    assert sample.request.continuations == sample.choices
    assert sample.cluster == "disease-1"
