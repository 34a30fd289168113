"""What all safety tasks have in common: their data as pinned, and how harmful requests are asked. No prompt is printed."""

from __future__ import annotations

from pathlib import Path

import pytest
from mirrored_tasks import metrics_of, samples_of

from lsm_eval.folders.packaged import packaged_tasks
from lsm_eval.requests import Generate
from lsm_eval.tasks.registry import Registry, load_task

NAMES = sorted(
    name for name, file in Registry().tasks.items() if file.path.is_relative_to(packaged_tasks() / "safety")
)


@pytest.mark.parametrize("name", NAMES)
def test_every_task_is_pinned_and_sensitive(name: str, hub_mirror: Path, data_files: Path) -> None:
    task = load_task(Registry().tasks[name]).task
    assert task.sensitive
    assert task.area == "safety"
    found = samples_of(name, hub_mirror, data_files)
    assert len({sample.id for sample in found}) == len(found) >= 100
    if isinstance(found[0].request, Generate):
        prompts = [r.prompt for s in found for r in s.requests if isinstance(r, Generate)]
        assert all(prompt == prompt.rstrip() or prompt.endswith(" ") for prompt in prompts)
        assert all(prompt.strip() for prompt in prompts)


def test_harmful_requests_are_asked_as_they_are_and_not_refusing_is_called_a_bound(
    hub_mirror: Path, data_files: Path
) -> None:
    metrics = {name: [metric.name for metric in metrics_of(name)] for name in NAMES}
    harmful = {name for name, known in metrics.items() if {"judged_harmful", "strongreject"} & {*known}}
    assert harmful == {name for name, known in metrics.items() if "not_refused_upper_bound" in known}
    assert len(harmful) >= 5
    for name in harmful:
        # Where a judge ran, its figure stands first; where none did, how many were refused does. What was not refused is no
        # figure of success, and is not called one.
        assert metrics[name][1:] == [
            "refusal_rate",
            "refusal_rate_corrected",
            "not_refused_upper_bound",
            "not_refused_upper_bound_corrected",
            "refusal_unknown",
        ], name
        assert not any("success" in metric for metric in metrics[name])
        for sample in samples_of(name, hub_mirror, data_files):
            assert isinstance(sample.request, Generate)
            assert sample.request.system is None
            assert not sample.further
