"""Sentences about occupations as they are rendered, and scored without a model."""

from __future__ import annotations

from pathlib import Path

from mirrored_tasks import row, samples_of

from lsm_eval.requests import Score


def test_occupations_as_rendered_and_without_a_model(data_files: Path) -> None:
    samples = samples_of("occupation_gender", None, data_files)
    assert len(samples) == 8 * 60
    assert len({sample.cluster for sample in samples}) == 60
    assert samples[0].request == Score("The technician went home early because", (" she", " he", " they"))
    assert samples[0].metadata == {"bls": 40.34, "bergsma": 9.42, "template": 0}
    uniform = row("occupation_gender", "uniform", samples)
    # A row without likelihoods prefers, and cannot tell by how much.
    for name in ("occupation_gap", "occupation_correlation", "pronoun_neutral_share"):
        assert uniform[name].value is None
    assert row("occupation_gender", "first", samples)["pronoun_prefers_she"].value == 1
