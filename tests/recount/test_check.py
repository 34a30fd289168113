"""Records counted again: a real one is whole, and each way of tampering with it is named."""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command_line import call, spawn

from lsm_eval.comparison.find import find
from lsm_eval.errors import UserError
from lsm_eval.recount.check import check_record

REPORTS = Path(__file__).resolve().parents[2] / "reports"
TASK = "quickstart_accuracy_en"
WRITTEN = "quickstart_en_de"


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A copy of a published record of the built-in model."""
    published = next((REPORTS / "builtin--smollm2-135m").iterdir())
    return Path(shutil.copytree(published, tmp_path / "record"))


def edit(path: Path, change: Callable[[Any], Any]) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    changed = change(content)
    path.write_text(json.dumps(content if changed is None else changed), encoding="utf-8")


def manifest(record: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    edit(record / "manifest.json", change)


def estimate(record: Path, **values: Any) -> None:
    """Change the row of `acc` of TASK."""
    edit(record / "estimates.json", lambda rows: rows[0].update(values))


def table(record: Path, column: str, values: Callable[[list[Any]], list[Any]], task: str = TASK) -> None:
    path = record / "samples" / f"{task}.parquet"
    old = pq.read_table(path)
    at = old.column_names.index(column)
    new = values(old.column(column).to_pylist())
    pq.write_table(
        old.set_column(at, old.schema.field(column), pa.array(new, old.schema.field(column).type)), path
    )


def first(value: Any) -> Callable[[list[Any]], list[Any]]:
    return lambda values: [value, *values[1:]]


def set_task(record: Path, **values: Any) -> None:
    def change(content: dict[str, Any]) -> None:
        next(row for row in content["tasks"] if row["task"] == TASK).update(values)

    manifest(record, change)


def test_published_records_are_whole() -> None:
    for folder in sorted(path.parent for path in REPORTS.glob("*/*/manifest.json")):
        found = check_record(folder)
        assert found.whole, found.problems
        assert found.tasks == 8
        assert found.samples > 100
        assert 0 < found.recomputed < found.estimates
        assert found.why() == ""


@pytest.mark.slow
def test_records_of_the_published_board_are_whole() -> None:
    """Some metrics of theirs rest on more samples than have a score: a difference of two groups, one of them without."""
    folders = sorted(path.parent for path in (REPORTS / "board").rglob("manifest.json"))
    assert len(folders) >= 8
    for folder in folders:
        found = check_record(folder)
        assert found.whole, found.problems


def _truncate(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _drop_row(record: Path) -> None:
    path = record / "samples" / f"{TASK}.parquet"
    old = pq.read_table(path)
    pq.write_table(old.slice(1), path)


def _without_column(record: Path, column: str) -> None:
    path = record / "samples" / f"{TASK}.parquet"
    pq.write_table(pq.read_table(path).drop_columns([column]), path)


def with_seconds(record: Path, one: Any) -> None:
    """Give TASK's table the time of its first sample; those of the others are not known."""
    path = record / "samples" / f"{TASK}.parquet"
    old = pq.read_table(path)
    pq.write_table(old.append_column("seconds", pa.array([one, *[None] * (old.num_rows - 1)])), path)


TAMPERED: dict[str, tuple[Callable[[Path], object], str]] = {
    "no manifest": (lambda r: (r / "manifest.json").unlink(), "manifest.json is missing."),
    "torn manifest": (lambda r: _truncate(r / "manifest.json"), "manifest.json cannot be read"),
    "manifest no object": (lambda r: manifest(r, lambda m: [m]), "manifest.json is not a JSON object."),
    "deep manifest": (
        lambda r: (r / "manifest.json").write_text("[" * 200_000), "manifest.json cannot be read"
    ),
    "newer version": (
        lambda r: manifest(r, lambda m: m.update(schema_version=7)), "schema_version 7, and this lsm-eval knows 1"
    ),
    "no phases": (lambda r: manifest(r, lambda m: m.pop("phases") and m), "phases is missing"),
    "a phase less": (lambda r: manifest(r, lambda m: m["phases"].pop(0) and m), "the phases add up to"),
    "a phase twice": (
        lambda r: manifest(r, lambda m: m["phases"].append(m["phases"][0])), "has the phase data twice"
    ),
    "negative phase": (
        lambda r: manifest(r, lambda m: m["phases"][0].update(seconds=-1.0)), "which is negative"
    ),
    "NaN in the work": (
        lambda r: manifest(r, lambda m: m["work"].update(planner_share=math.nan)), "work.planner_share is nan"
    ),
    "requests": (
        lambda r: manifest(r, lambda m: m["requests"].update(computed=1)), "are not the 216 distinct ones"
    ),
    "generated tokens": (
        lambda r: manifest(r, lambda m: m["tokens"].update(generated=1)), "says that 1 tokens were generated"
    ),
    "no time": (lambda r: manifest(r, lambda m: m.update(created="yesterday")), "created is 'yesterday', which is not a time"),
    "redacted": (lambda r: manifest(r, lambda m: m.update(redacted=True)), "says that texts are withheld"),
    "task twice": (
        lambda r: manifest(r, lambda m: m["tasks"].append(m["tasks"][0])), f"has the task {TASK} twice"
    ),
    "a task's path": (lambda r: set_task(r, task="../../etc"), "which is not the name of a task"),
    "samples": (lambda r: set_task(r, samples=41), "says 41 samples, and the table has 40"),
    "row gone": (_drop_row, "says 40 samples, and the table has 39"),
    "failures said": (
        lambda r: set_task(r, failures={"nan": 2}), "says that 2 samples failed as 'nan', and the table has 0"
    ),
    "failures hidden": (
        lambda r: table(r, "failure", first("too_long")),
        "says that 0 samples failed as 'too_long', and the table has 1",
    ),
    "failed with a score": (
        lambda r: table(r, "failure", first("too_long")), "failed (too_long) but has a score.acc"
    ),
    "truncated": (
        lambda r: table(r, "failure", first("truncated"), WRITTEN), "0 samples failed as 'truncated'"
    ),
    "thoughts": (lambda r: set_task(r, thoughts=3), "says that 3 samples had thoughts, and the table has 0"),
    "cut off": (
        lambda r: set_task(r, cut_off={"samples": 3, "in_thoughts": 0, "bounds": []}), "says that 3 answers ran out of tokens"
    ),
    "request": (lambda r: set_task(r, request="generate"), "asks by generate, and its table has score"),
    "no table": (lambda r: (r / "samples" / f"{TASK}.parquet").unlink(), f"samples/{TASK}.parquet is missing"),
    "torn table": (
        lambda r: _truncate(r / "samples" / f"{TASK}.parquet"), f"samples/{TASK}.parquet cannot be read"
    ),
    "a table too many": (
        lambda r: shutil.copy(r / "samples" / f"{TASK}.parquet", r / "samples" / "other.parquet"),
        "samples/other.parquet belongs to no task",
    ),
    "another task's table": (
        lambda r: shutil.copy(r / "samples" / f"{WRITTEN}.parquet", r / "samples" / f"{TASK}.parquet"),
        f"its table has samples of {WRITTEN}",
    ),
    "column gone": (lambda r: _without_column(r, "failure"), "lacks the column 'failure'"),
    "duplicate id": (lambda r: table(r, "sample", lambda ids: [ids[1], *ids[1:]]), "is there 2 times"),
    "index": (lambda r: table(r, "index", first(7)), "the indices of its samples are not 0 to 39"),
    "NaN score": (lambda r: table(r, "score.acc", first(math.nan)), "score.acc of sample"),
    "infinite score": (lambda r: table(r, "score.acc", first(math.inf)), "is not finite"),
    "score taken away": (lambda r: table(r, "score.acc", first(None)), "it says that it rests on 40 samples, and 39"),
    "clusters": (lambda r: table(r, "cluster", lambda ids: ["one"] * len(ids)), "it says None clusters"),
    "a time below 0": (lambda r: with_seconds(r, -0.5), "the seconds of a sample are not a number of 0 or more"),
    "an endless time": (lambda r: with_seconds(r, math.inf), "the seconds of a sample are not a number of 0 or more"),
    "a time that is none": (lambda r: with_seconds(r, math.nan), "the seconds of a sample are not a number of 0 or more"),
    "a time in words": (lambda r: with_seconds(r, "long"), "the column 'seconds' holds string, which cannot be counted"),
    "cut": (lambda r: table(r, "truncated", first(-1)), "has a negative number of truncated tokens"),
    "torn estimates": (lambda r: _truncate(r / "estimates.json"), "estimates.json cannot be read"),
    "no estimates": (lambda r: (r / "estimates.json").unlink(), "estimates.json is missing"),
    "estimates no list": (lambda r: edit(r / "estimates.json", lambda rows: {}), "is not a list of objects"),
    "half an estimate": (
        lambda r: edit(r / "estimates.json", lambda rows: rows[0].pop("method") and rows), "is not an estimate: method is missing"
    ),
    "value": (lambda r: estimate(r, value=0.5000001), "acc: it says 0.5000001, and the mean of its 40 scores is 0.5"),
    "outside": (lambda r: estimate(r, low=0.6), "is not inside its interval, 0.6 to"),
    "one end": (lambda r: estimate(r, low=None), "its interval has one end only"),
    "interval of nothing": (lambda r: estimate(r, value=None), "it has an interval and no value"),
    "NaN value": (lambda r: estimate(r, value=math.nan), "value is nan"),
    "infinite end": (lambda r: estimate(r, high=math.inf), "high is inf"),
    "n": (lambda r: estimate(r, n=39), "it says that it rests on 39 samples, and 40 have a score"),
    "value of none": (lambda r: estimate(r, n=0), "it has the value 0.5 and no sample"),
    "missing": (lambda r: estimate(r, missing=3), "it says 3 missing, and 0 samples failed"),
    "negative ties": (lambda r: estimate(r, ties=-1), "is not an estimate: ties is -1"),
    "stderr": (lambda r: estimate(r, stderr=-0.1), "its standard error is -0.1"),
    "estimate twice": (
        lambda r: edit(r / "estimates.json", lambda rows: rows.append(rows[0])), "there are two estimates of it"
    ),
    "estimate of no task": (lambda r: estimate(r, task="elsewhere"), "the task is not in manifest.json"),
    "estimate gone": (
        lambda r: edit(r / "estimates.json", lambda rows: rows.pop(0) and rows),
        f"{TASK}, acc: samples have scores, and there is no estimate of them",
    ),
    "absent and there": (
        lambda r: manifest(r, lambda m: m["absent"].append({"task": TASK, "metric": "acc", "why": "no judge"})),
        "says that it was left out, and there is an estimate",
    ),
    "title": (lambda r: estimate(r, title="Another"), "its title is 'Another', and manifest.json has"),
    "unit": (lambda r: estimate(r, unit="percent"), "is not an estimate: unit is 'percent'"),
    "level": (lambda r: estimate(r, level=95), "is not an estimate: level is 95"),
    "ties": (lambda r: estimate(r, ties=41), "41 ties are more than its 40 samples"),
    "no n": (lambda r: estimate(r, n=None), "does not state its number of samples"),
    "huge value": (lambda r: estimate(r, value=10**400), "value is a whole number of 1329 bits"),
    "failures no counts": (lambda r: set_task(r, failures=[[]]), "failures is [[]]"),
    "negative work": (lambda r: manifest(r, lambda m: m["work"].update(passes=-1)), "work.passes is -1"),
    "no seconds": (lambda r: manifest(r, lambda m: m["work"].pop("seconds") and None), "without seconds"),
    "version": (lambda r: set_task(r, version=2), "it is of version 1 of the task, and manifest.json has 2"),
    "signature: task": (lambda r: estimate(r, signature="other:v1 n:40"), "which is not its task and version"),
    "signature: shots": (lambda r: set_task(r, shots=5), "its signature says shots:0"),
    "signature: choices": (
        lambda r: set_task(r, choices="generated/parsed"), "its signature says nothing of how choices were asked"
    ),
    "signature: likelihoods": (
        lambda r: edit(r / "estimates.json", lambda rows: rows[0].update(signature=rows[0]["signature"].replace(" chat:", " choices:generated/parsed/v2/reader2 chat:"))),
        "of how choices were asked, and manifest.json nothing",
    ),
    "signature: budget": (
        lambda r: manifest(r, lambda m: m["settings"].update(reasoning_tokens=5) or m["tasks"][0].update(request="generate")),
        "its signature says nothing of reasoning_tokens, and manifest.json 5",
    ),
    "signature: chat": (lambda r: set_task(r, chat=True), "its signature says chat:off"),
    "signature: data": (
        lambda r: manifest(r, lambda m: m["tasks"][0]["dataset"].update(sha256="f" * 64)), "its signature says data:"
    ),
    "signature: pinned": (
        lambda r: manifest(r, lambda m: m["tasks"][0]["dataset"].update(pinned=False)), "!unpinned"
    ),
    "signature: model": (
        lambda r: manifest(r, lambda m: m["model"].update(fingerprint="f" * 64)), "its signature says model:"
    ),
    "signature: metric": (lambda r: estimate(r, metric_signature="other"), "its signature says metric:acc"),
}  # fmt: skip


@pytest.mark.parametrize("how", list(TAMPERED))
def test_tampering_is_named(record: Path, how: str) -> None:
    tamper, said = TAMPERED[how]
    tamper(record)
    found = check_record(record)
    assert not found.whole
    assert any(said in problem for problem in found.problems), found.problems
    assert all("\n" not in problem and problem.endswith(".") for problem in found.problems)


def test_missing_counts(record: Path) -> None:
    """A sample that failed is missing in its estimates: with all counts put right the record is whole again."""
    table(record, "failure", first("nan"))
    table(record, "score.acc", first(None))
    table(record, "stats.acc", first(None))
    table(record, "score.acc_norm", first(None))
    table(record, "stats.acc_norm", first(None))
    set_task(record, failures={"nan": 1})
    scores = pq.read_table(record / "samples" / f"{TASK}.parquet").to_pydict()

    def mend(rows: list[dict[str, Any]]) -> None:
        for row in rows[:2]:
            kept = [score for score in scores[f"score.{row['metric']}"] if score is not None]
            row.update(n=39, missing=1, value=sum(kept) / 39)

    edit(record / "estimates.json", mend)
    assert check_record(record).problems == ()
    estimate(record, missing=0)
    assert check_record(record).problems == (
        f"{TASK}, acc: it says 0 missing, and 1 samples failed or could not be judged.",
    )


@pytest.mark.parametrize("name", ["manifest.json", "estimates.json"])
def test_what_has_no_end_is_not_read(record: Path, name: str) -> None:
    (record / name).unlink()
    (record / name).symlink_to("/dev/null")
    assert check_record(record).problems[0] == f"{name} is not a file."
    with pytest.raises(UserError, match=r"it is no file|holds no record"):
        find(str(record))


def weighted(record: Path, weights: list[float]) -> None:
    """Give the samples of TASK weights, and its numbers what they are then."""
    path = record / "samples" / f"{TASK}.parquet"
    made = pq.read_table(path).append_column("weight", pa.array(weights, pa.float64()))
    pq.write_table(made, path)

    def mend(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            if row["task"] == TASK and row["metric"] in ("acc", "acc_norm"):
                scores = made[f"score.{row['metric']}"].to_pylist()
                row["value"] = math.fsum(map(math.prod, zip(scores, weights, strict=True))) / math.fsum(
                    weights
                )
                row.update(low=None, high=None)

    edit(record / "estimates.json", mend)


def test_samples_that_stand_for_several(record: Path) -> None:
    """The value is their weighted mean, and no other."""
    plain = json.loads((record / "estimates.json").read_text())[0]["value"]
    weighted(record, [1.0 + at % 3 for at in range(40)])
    assert check_record(record).problems == ()
    estimate(record, value=plain)
    assert any(
        f"{TASK}, acc: it says {plain}, and the weighted mean of its 40 scores is" in why
        for why in check_record(record).problems
    )


@pytest.mark.parametrize("weight", [0.0, -1.0, math.nan, math.inf])
def test_a_weight_that_is_none(record: Path, weight: float) -> None:
    weighted(record, [weight] + [1.0] * 39)
    assert f"{TASK}: a sample's weight is not a number above 0." in check_record(record).problems


def test_a_mean_without_an_interval_is_counted_too(record: Path) -> None:
    """Of too few clusters, say: its value is that of its samples all the same."""
    estimate(record, method="none (only 4 clusters)", low=None, high=None)
    assert check_record(record).problems == ()
    estimate(record, value=0.99)
    assert any("it says 0.99, and the mean of its 40 scores" in why for why in check_record(record).problems)


def test_no_record(tmp_path: Path) -> None:
    for folder, said in ((tmp_path / "none", "is no folder"), (tmp_path, "is no record")):
        with pytest.raises(UserError, match=said):
            check_record(folder)


def test_command(record: Path, tmp_path: Path) -> None:
    done = call("record", "check", record)
    assert done.code == 0
    assert "whole. 8 tasks, 216 samples, 17 estimates (13 computed again)" in done.out
    assert "is no folder" in call("record", "check", tmp_path / "none").sentence()
    estimate(record, n=39)
    done = call("record", "check", record, "--json")
    assert done.code == 4
    assert json.loads(done.out)[0]["whole"] is False
    done = call("record", "check", next((REPORTS / "builtin--first").iterdir()), record)
    assert done.code == 4
    assert "not what it says in 1 place:" in done.out
    assert "rests on 39 samples, and 40 have a score" in done.out


def test_what_it_prints_is_no_command_and_always_json(record: Path, tmp_path: Path) -> None:
    """A record from elsewhere and its folder may be called anything; a console may know ASCII alone."""
    made = record.rename(tmp_path / "\x1b[31m\n::error::x😀")
    manifest(made, lambda content: content["tokens"].update({"##[error]\u202e😀": -1}))
    done = call("record", "check", made)
    assert done.code == 4
    assert not {"\x1b", "\u202e"} & set(done.out)
    assert not any(line.startswith("::") for line in done.out.splitlines())
    assert "##[" not in done.out
    printed = subprocess.run(
        [sys.executable, "-m", "lsm_eval", "record", "check", made, "--json"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert printed.returncode == 4, printed.stderr
    assert json.loads(printed.stdout)[0]["folder"] == str(made)


def test_nothing_of_the_writer_is_imported(record: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from lsm_eval.recount.check import check_record\n"
        f"assert check_record(Path({str(record)!r})).whole\n"
        "print([m for m in sys.modules if m.startswith(('lsm_eval.results', 'lsm_eval.runner', 'pydantic', 'torch'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_is_fast() -> None:
    assert "check" in spawn("record", "--help").out


ODD: list[Any] = [
    None,
    "",
    "\ud800",
    -1,
    1e308,
    math.nan,
    math.inf,
    10**400,
    True,
    [],
    [[]],
    {},
    {"a": None},
    ["a", 1],
    2**70,
]


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at] if at else []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        found += places(part, (*at, key))
    return found


def test_any_value_in_any_place(record: Path) -> None:
    """Nothing that stands in a record makes counting it fail."""
    chance = random.Random(10)
    for turn in range(80):
        path = record / ("manifest.json", "estimates.json")[turn % 2]
        text = path.read_text()
        content = json.loads(text)
        *way, last = chance.choice(places(content))
        inner = content
        for key in way:
            inner = inner[key]
        inner[last] = chance.choice(ODD)
        path.write_text(json.dumps(content))
        assert isinstance(check_record(record).problems, tuple), (way, last)
        path.write_text(text)
