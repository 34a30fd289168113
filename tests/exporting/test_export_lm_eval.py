"""lm-evaluation-harness's files: the same numbers and samples when read back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from command_line import QUESTIONS, Runner, call, write_task
from exported_records import LEVELS, change_manifest, closed_by_licence

from lsm_eval.importing.importing import import_file
from lsm_eval.recount.check import check_record
from lsm_eval.results.reader import read_record

THEIRS = Path(__file__).parent.parent / "importing" / "files" / "lm_eval"


def export(record: Path, out: Path, *more: str) -> list[Path]:
    done = call("export", record, "--format", "lm-eval", "--out", out, *more)
    assert done.code == 0, done.err
    return [Path(line) for line in done.out.splitlines()]


@pytest.fixture
def run_of_alike(tiny_llama: Path, tmp_path: Path) -> Path:
    """A record of two tasks whose names differ by a sign that the harness's file names do not have."""
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    for name in ("a-b", "a.b"):
        write_task(tasks, name, QUESTIONS[:3], request="generate", prompt=name + " {{ question }}",
                   target="{{ choices[answer] }}", max_tokens=2, metrics=["exact_match"])  # fmt: skip
    return Runner(tiny_llama, tasks, tmp_path / "reports")(
        "--chat", "off", tasks="a-b,a.b", include=tasks
    ).record


def test_same_numbers_when_read_back(record: Path, tmp_path: Path) -> None:
    own = read_record(record)
    results, *samples = export(record, tmp_path / "out")
    assert len(samples) == len(own.manifest.tasks)
    made = import_file(results, tmp_path / "again")
    assert check_record(made.record).problems == ()
    back = read_record(made.record)
    assert back.created == own.created
    ours = {(row.task, row.metric): row for row in own.estimates}
    assert {(row.task, row.metric) for row in back.estimates} == set(ours)
    for row in back.estimates:
        first = ours[row.task, row.metric]
        assert row.value == first.value
        assert row.imported is not None
        assert row.imported["stderr"] == first.stderr
        assert row.imported["differs"] is (row.metric == "byte_perplexity"), "all others are plain means"
        assert row.higher_is_better == first.higher_is_better
        if first.method in ("wilson", "t"):
            assert (row.n, row.low, row.high) == (first.n, first.low, first.high), (
                "a plain mean has our interval"
            )
    for task, told in own.tasks.items():
        again = back.tasks[task]
        assert (again.request, again.shots, again.chat, again.samples) == (
            told.request,
            told.shots,
            False,
            told.samples,
        )
        rows = zip(own.samples(task).to_pylist(), back.samples(task).to_pylist(), strict=True)
        for one, other in rows:
            for name in ("prompt", "target", "logprobs", "greedy", "completion", "continuations"):
                assert other[name] == one[name], (task, name)
            for name in (key for key in one if key.startswith("score.")):
                assert other[name] == one[name]


def test_names_that_become_one_lose_no_samples(run_of_alike: Path, tmp_path: Path) -> None:
    done = call("export", run_of_alike, "--format", "lm-eval", "--out", tmp_path / "out")
    assert done.code == 0, done.err
    _, *samples = done.out.splitlines()
    assert len(set(samples)) == 2
    assert "its samples have the name that the format gives to those of" in done.err
    questions = [
        json.loads(Path(one).read_text().splitlines()[0])["arguments"]["gen_args_0"]["arg_0"]
        for one in samples
    ]
    assert len(set(questions)) == 2


def test_two_records_of_one_moment_are_not_one_file(record: Path, tmp_path: Path) -> None:
    other = record.with_name("20991231T000000.000000Z")
    shutil.copytree(record, other)
    change_manifest(other, run=other.name)
    done = call("export", record.parent, "--format", "lm-eval", "--out", tmp_path / "out")
    assert "are of one model and one moment" in done.sentence()
    assert not (tmp_path / "out").exists()


def test_their_own_files_survive_the_way_there_and_back(tmp_path: Path) -> None:
    path = next(THEIRS.glob("results_*.json"))
    first = import_file(path, tmp_path / "first")
    results, *_ = export(first.record, tmp_path / "out")
    theirs, ours = json.loads(path.read_text()), json.loads(results.read_text())
    for task, numbers in theirs["results"].items():
        for key, value in numbers.items():
            if "," in key:
                assert ours["results"][task][key] == value, key
        assert str(ours["versions"][task]) == str(theirs["versions"][task])
        assert ours["n-shot"][task] == theirs["n-shot"].get(task)
        effective = theirs["n-samples"].get(task, {}).get("effective")
        assert effective is None or ours["n-samples"][task]["effective"] == effective
    second = import_file(results, tmp_path / "second")
    assert [(r.task, r.metric, r.value, r.low, r.high) for r in second.estimates] == [
        (r.task, r.metric, r.value, r.low, r.high) for r in first.estimates
    ]


def test_the_harness_reads_them(record: Path, tmp_path: Path) -> None:
    """Its own table of results, made of ours."""
    utils = pytest.importorskip("lm_eval.utils")
    results, *_ = export(record, tmp_path / "out")
    content = json.loads(results.read_text())
    table = utils.make_table(content)
    for row in read_record(record).estimates:
        assert f"{row.value:.3f}" in table, row.metric
    assert utils.get_latest_filename([str(results)]) == str(results)


@pytest.mark.parametrize(("redact", "hidden"), LEVELS)
def test_redaction(record: Path, tmp_path: Path, redact: str, hidden: set[str]) -> None:
    closed_by_licence(record, "say")
    _, *samples = export(record, tmp_path / "out", "--redact", redact)
    for task, text in {
        "harm": "unmentionable what",
        "say": "what is 1 and 1",
        "choose": "what is 1 and 1",
    }.items():
        (path,) = (path for path in samples if path.name.startswith(f"samples_{task}_"))
        assert (text in path.read_text()) == (task not in hidden), task
        assert ("withheld sha256:" in path.read_text()) == (task in hidden), task
