"""`lsm_eval.run`, `load` and the record that both give."""

from __future__ import annotations

import asyncio
import logging
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from command_line import call
from own_models import Echo, Lengths

import lsm_eval
from lsm_eval.results.reader import read_record


def test_a_run_is_that_of_the_command_line(small_tasks: Path) -> None:
    record = lsm_eval.run("choose", "builtin:longest", include=small_tasks, limit=7, seed=3, store=None)
    done = call(
        "run", "--tasks", "choose", "--model", "builtin:longest", "--include", small_tasks, "--limit", "7", "--seed", "3",
        "--store", "none",
    )  # fmt: skip
    assert done.code == 0, done.err
    other = lsm_eval.load(done.record)
    assert record.path.parent == other.path.parent == Path("reports/builtin--longest")
    pd.testing.assert_frame_equal(record.estimates, other.estimates)
    pd.testing.assert_frame_equal(record.samples("choose"), other.samples("choose"))
    assert record.manifest.settings == other.manifest.settings
    assert record.manifest.model == other.manifest.model


def test_the_command_that_it_keeps_repeats_it(small_tasks: Path, tmp_path: Path) -> None:
    record = lsm_eval.run(
        ["choose", "say"], "builtin:says_no", include=[small_tasks], limit=3, from_start=True, shots=0, max_tokens=4, store=None,
        perturb=["typos", "lower"], strict=False, out="other", redact="all", offline=True,
    )  # fmt: skip
    command = record.manifest.command
    assert command[:6] == ["lsm-eval", "run", "--tasks", "choose,say", "--model", "builtin:says_no"]
    done = call(*command[1:])
    assert done.code == 0, done.err
    assert done.record.parent == record.path.parent
    again = lsm_eval.load(done.record)
    assert again.manifest.command == command
    assert again.manifest.settings == record.manifest.settings
    pd.testing.assert_frame_equal(again.estimates, record.estimates)


def test_defaults_stand_in_no_command(small_tasks: Path) -> None:
    record = lsm_eval.run("choose", "builtin:first", include=small_tasks)
    assert record.manifest.command == [
        "lsm-eval", "run", "--tasks", "choose", "--model", "builtin:first", "--include", str(small_tasks)
    ]  # fmt: skip


def test_the_environment_names_data_as_for_the_command_line(
    small_tasks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSM_EVAL_DATA_MIRROR", str(tmp_path / "gone"))
    with pytest.raises(lsm_eval.UserError, match=r"--data-mirror .*gone: no such folder"):
        lsm_eval.run("choose", "builtin:first", include=small_tasks)
    monkeypatch.setenv("LSM_EVAL_DATA_MIRROR", "")
    lsm_eval.run("choose", "builtin:first", include=small_tasks, limit=1)


def test_numbers_and_samples_are_frames(small_tasks: Path) -> None:
    record = lsm_eval.run("choose,say", "builtin:first", include=small_tasks, limit=8)
    numbers = record.estimates
    assert list(numbers["task"].unique()) == ["choose", "say"]
    acc: Any = numbers.set_index(["task", "metric"]).loc[("choose", "acc")]
    samples = record.samples("choose")
    assert len(samples) == acc["n"] == 8
    assert samples["score.acc"].mean() == pytest.approx(acc["value"])
    assert acc["low"] <= acc["value"] <= acc["high"]
    nothing = numbers[numbers["task"] == "say"].iloc[0]  # it writes no texts: missing, and no 0
    assert pd.isna(nothing["value"])
    assert nothing["missing"] == 8
    assert "imported" not in numbers
    assert dict(numbers.dtypes.astype(str))["n"] == "Int64"
    numbers.loc[0, "value"] = 5.0
    assert record.estimates.loc[0, "value"] != 5.0
    few = record.samples("choose", columns=["score.acc", "sample"])
    assert list(few.columns) == ["score.acc", "sample"]
    assert few["sample"].tolist() == samples["sample"].tolist()
    assert [*record.tasks] == ["choose", "say"]
    assert record.tasks["choose"].samples == 8


def test_what_a_record_lacks_is_one_sentence(small_tasks: Path) -> None:
    record = lsm_eval.run("choose", "builtin:first", include=small_tasks, limit=2)
    with pytest.raises(lsm_eval.UserError, match=r"has no task 'chose': did you mean 'choose'\?$"):
        record.samples("chose")
    with pytest.raises(
        lsm_eval.UserError, match=r"of choose have no column 'scores': there are task, sample, "
    ):
        record.samples("choose", columns=["sample", "scores"])


def test_it_shows_itself(small_tasks: Path) -> None:
    record = lsm_eval.run("choose", "builtin:first", include=small_tasks, limit=2, name="<b>bold</b>")
    assert repr(record) == f"<lsm_eval.Record of <b>bold</b>, 1 task, 1 numbers, {record.path}>"
    page = record._repr_html_()
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert "<b>bold" not in page
    assert page.count("<tr") == 2
    assert len(page) < 2000


def test_a_record_is_loaded_by_its_folder_or_its_models(small_tasks: Path) -> None:
    old = lsm_eval.run("choose", "builtin:first", include=small_tasks, limit=2)
    new = lsm_eval.run("choose", "builtin:first", include=small_tasks, limit=3)
    assert lsm_eval.load(old.path).manifest.run == old.manifest.run
    assert lsm_eval.load(str(old.path.parent)).manifest.run == new.manifest.run
    lsm_eval.run("choose", "builtin:longest", include=small_tasks, limit=2)
    with pytest.raises(
        lsm_eval.UserError, match="reports holds records of 2 models: name one of them, such as"
    ):
        lsm_eval.load("reports")
    with pytest.raises(lsm_eval.UserError, match="none_such is no folder"):
        lsm_eval.load("none_such")


def test_records_are_compared_and_gated(small_tasks: Path) -> None:
    first = lsm_eval.run("choose", "builtin:first", include=small_tasks)
    longest = lsm_eval.run("choose", "builtin:longest", include=small_tasks)
    made = lsm_eval.compare(first, longest, include=[small_tasks])
    assert made == lsm_eval.compare(first.path, read_record(longest.path), include=[small_tasks])
    assert made == lsm_eval.compare(first, longest, include=str(small_tasks))
    gated = [lsm_eval.gate(first, first, include=one) for one in ([str(small_tasks)], small_tasks)]
    assert {one.answer for one in gated} <= {"pass", "not enough data"}


def test_a_task_that_is_left_out_is_named(small_tasks: Path) -> None:
    with pytest.warns(UserWarning, match=r"^1 of 2 tasks was left out \(read\)") as said:
        record = lsm_eval.run("read,choose", Lengths(), include=small_tasks)
    assert said[0].filename == __file__
    assert record.left_out.keys() == {"read"}


def test_strict_leaves_nothing_out(small_tasks: Path) -> None:
    model = Lengths()
    with pytest.raises(lsm_eval.UserError, match=r"^read: lengths can give answers"):
        lsm_eval.run("choose,read", model, include=small_tasks, strict=True)
    assert not model.pairs
    assert not list(Path("reports").rglob("manifest.json"))


def test_mistakes_are_the_sentences_of_the_command_line(small_tasks: Path) -> None:
    for tasks, model in (("chose", "builtin:first"), ("choose", "builtin:frist"), ("choose", "org/name")):
        done = call("run", "--tasks", tasks, "--model", model, "--include", small_tasks)
        with pytest.raises(lsm_eval.UserError) as caught:
            lsm_eval.run(tasks, model, include=small_tasks)
        assert str(caught.value) == done.sentence()


def test_notes_go_to_the_log_and_bars_to_standard_error(
    small_tasks: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.WARNING, logger="lsm_eval"):
        lsm_eval.run("choose", Echo(), include=small_tasks, limit=2)
    assert "choose is asked to write the label of a choice" in caplog.text
    assert capsys.readouterr() == ("", "")
    lsm_eval.run("choose", Echo(), include=small_tasks, limit=2, progress=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "generate: 2 of 2" in shown.err


def test_inside_of_a_running_event_loop(small_tasks: Path) -> None:
    async def work() -> lsm_eval.Record:
        return lsm_eval.run("choose", "builtin:first", include=small_tasks, limit=2)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(asyncio.run(work()).samples("choose")) == 2
