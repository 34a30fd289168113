"""About how long a run takes, by the runs before it; nothing is said where nothing was measured."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from command_line import Runner
from tiny_models import save_model

from lsm_eval.cli.time_estimate import duration, time_line
from lsm_eval.models.create import create
from lsm_eval.progress import Silent
from lsm_eval.runner import speeds
from lsm_eval.runner.prepare import prepare
from lsm_eval.runner.spec import RunSpec


@pytest.fixture(autouse=True)
def _all_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of tiny models take no second."""
    monkeypatch.setattr(speeds, "LEAST_SECONDS", 0.0)


def test_a_dry_run_says_it_once_there_was_a_run(run: Runner) -> None:
    assert "About" not in run("--dry-run").out
    assert run("--limit", "4").code == 0
    said = run("--dry-run").out
    assert "on this machine, where no answer is in the store." in said
    assert f"by the run of {datetime.now(UTC).day} " in said


def test_another_model_or_another_machine_is_not_known(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("--limit", "4").code == 0
    assert "About" not in run("--dry-run", model=save_model(tmp_path / "other")).out
    assert "About" not in run("--dry-run", "--dtype", "bfloat16").out
    assert "About" in run("--dry-run", "--overflow", "skip").out
    monkeypatch.setattr("platform.node", lambda: "elsewhere")
    assert "About" not in run("--dry-run").out


def test_a_kind_that_was_never_timed_is_named(run: Runner) -> None:
    assert run("--limit", "4").code == 0
    said = run("--dry-run", tasks="choose,say").out
    assert "without written answers, of which no time is known here." in said


def test_what_came_from_the_store_is_no_speed(run: Runner, own_cache: Path) -> None:
    assert run("--limit", "4").code == 0
    kept = (own_cache / "speeds.json").read_text()
    assert run("--limit", "4").code == 0
    assert (own_cache / "speeds.json").read_text() == kept


def test_a_short_run_says_nothing_and_baselines_neither(
    run: Runner, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(model="builtin:first").code == 0
    monkeypatch.setattr(speeds, "LEAST_SECONDS", 1000.0)
    assert run("--limit", "4").code == 0
    assert not (own_cache / "speeds.json").exists()


@pytest.mark.parametrize("content", ["", "[]", "null", "{", '{"a": 3}'])
def test_a_file_that_is_none_of_ours_is_no_measurement(run: Runner, own_cache: Path, content: str) -> None:
    (own_cache / "speeds.json").write_text(content)
    assert "About" not in run("--dry-run").out
    assert run("--limit", "4").code == 0
    assert "About" in run("--dry-run").out


def test_twice_as_much_takes_twice_as_long(
    run: Runner, tiny_llama: Path, small_tasks: Path, own_cache: Path
) -> None:
    assert run().code == 0
    place = own_cache / "speeds.json"
    ((key, own),) = json.loads(place.read_text()).items()
    own["score"] |= {"seconds": 600.0, "day": "2024-11-29"}
    own["load"]["seconds"] = 0.0
    place.write_text(json.dumps({key: own}))
    model = create(str(tiny_llama), RunSpec([], "").options)
    for limit, expected in ((None, "About 10 min"), (12, "About 5 min")):
        spec = RunSpec(["choose"], str(tiny_llama), include=[small_tasks], limit=limit, first=True)
        said = time_line(spec, model, prepare(spec, model, Silent()), today=date(2026, 1, 1))
        assert said is not None
        if limit is None:
            assert said.startswith(f"{expected}, by the run of 29 November 2024 on this machine")
        else:
            assert said.startswith(("About 4 min", expected, "About 6 min")), (
                "its samples are not of one length"
            )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (40.4, "40 s"), (240, "4 min"), (5300, "88 min"), (9000, "2.5 h"), (50_000, "14 h")],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words
