"""`--sample-ids`: only the samples that are named, and numbers that are held against no others."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Outcome, Runner, call

from lsm_eval.errors import UserError
from lsm_eval.leaderboard.precedence import extent, limited
from lsm_eval.results.reader import Record, read_record
from lsm_eval.tasks.chosen import by_task, digest, read_chosen


def asked(run: Runner, *more: str | Path, tasks: str = "choose") -> tuple[Outcome, Record]:
    done = run("--store", "none", *more, tasks=tasks, model="builtin:first")
    assert done.code == 0, done.err
    return done, read_record(done.record)


def ids(record: Record, task: str = "choose") -> list[str]:
    return [str(name) for name in record.samples(task)["sample"].to_pylist()]


def test_only_those_are_asked_in_the_order_of_the_data(run: Runner, tmp_path: Path) -> None:
    _, whole = asked(run)
    _, record = asked(run, "--sample-ids", "7,2,2")
    assert ids(record) == ["2", "7"]
    everything = {row["sample"]: row["prompt"] for row in whole.samples("choose").to_pylist()}
    assert all(row["prompt"] == everything[row["sample"]] for row in record.samples("choose").to_pylist())
    file = tmp_path / "ids.txt"
    file.write_text("7\n\n2\n")
    _, other = asked(run, "--sample-ids", file)
    assert ids(other) == ["2", "7"]
    signatures = {row.signature for row in (*record.estimates, *other.estimates) if row.metric == "acc"}
    (signature,) = signatures
    assert f" chosen:{digest(['2', '7'])} " in signature
    row = record.tasks["choose"]
    assert (row.chosen, row.samples, limited(row)) == (digest(["2", "7"]), 2, True)
    assert extent(row) == "2 of 24 samples, chosen by name"
    assert whole.tasks["choose"].chosen is None
    assert "chosen" not in (whole.folder / "manifest.json").read_text()


def test_they_are_held_against_no_run_of_the_whole_task(run: Runner) -> None:
    whole, _ = asked(run)
    some, _ = asked(run, "--sample-ids", "2,7,9")
    again, _ = asked(run, "--sample-ids", "9,7,2", "--seed", "1")
    refused = call("compare", whole.record, some.record)
    assert refused.code == 4
    assert "chosen" in refused.err + refused.out
    assert call("compare", some.record, again.record).code == 0
    assert call("compare", whole.record, some.record, "--across", "chosen").code == 0
    assert call("record", "check", some.record).code == 0


def test_a_line_may_name_its_task(run: Runner, tmp_path: Path) -> None:
    file = tmp_path / "ids.tsv"
    file.write_text("choose\t3\nread 4\n0\n")
    _, record = asked(run, "--sample-ids", file, tasks="choose,read")
    assert (ids(record), ids(record, "read")) == (["0", "3"], ["0", "4"])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2,99", "--sample-ids: choose has no sample '99': did you mean '9'?"),
        ("", "--sample-ids : names no sample; give ids between commas, or a file with one a line."),
        ("chose\t2", "--sample-ids names the task 'chose', which is not asked: did you mean 'choose'?"),
    ],
)
def test_what_is_not_there_is_named(run: Runner, given: str, expected: str) -> None:
    assert run("--sample-ids", given, model="builtin:first").sentence() == expected


def test_a_limit_says_the_same_thing(run: Runner) -> None:
    sentence = run("--sample-ids", "2", "--limit", "3").sentence()
    assert sentence.startswith("--limit and --sample-ids both say which samples are asked")


def test_one_task_of_two_that_lacks_a_sample_is_left_out(run: Runner, tmp_path: Path) -> None:
    file = tmp_path / "ids.txt"
    file.write_text("choose 3\nread nowhere\n")
    done = run("--sample-ids", file, "--store", "none", tasks="choose,read", model="builtin:first")
    assert done.code == 2
    assert "read has no sample 'nowhere'" in done.err
    assert ids(read_record(done.record)) == ["3"]


def test_ids_may_hold_spaces() -> None:
    lines = read_chosen(["b c", "own b c"])
    assert by_task(lines, ["own"]) == {"own": ("b c",)}
    assert by_task(["b c"], ["own", "other"]) == {"own": ("b c",), "other": ("b c",)}
    with pytest.raises(UserError, match="names no sample of other"):
        by_task(["own x"], ["own", "other"])
