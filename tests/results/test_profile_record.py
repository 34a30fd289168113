"""A profile as a record: what is written, what readers of records make of it, and what is found where it was changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_profiles import write_serving

from lsm_eval.comparison.compare import compare
from lsm_eval.comparison.find import find
from lsm_eval.errors import UserError
from lsm_eval.leaderboard.build import build
from lsm_eval.profiling.cells import cell_name
from lsm_eval.recount.check import check_record
from lsm_eval.recount.shapes import UNITS
from lsm_eval.results.profile_rows import PROFILE_UNITS, REQUEST_COLUMNS, unranked
from lsm_eval.results.reader import read_record

Change = Callable[[dict[str, Any]], None]


def test_a_cell_is_a_task_and_a_metric_an_estimate(tmp_path: Path) -> None:
    record = read_record(write_serving(tmp_path, failed=2))
    assert list(record.tasks) == ["profile_serving_closed_c1_p16_o4", "profile_serving_closed_c2_p16_o4"]
    assert record.tasks["profile_serving_closed_c1_p16_o4"].failures == {"timeout": 2}
    row = record.estimates[0]
    assert (row.area, row.metric, row.unit, row.value, row.n, row.missing) == (
        "speed",
        "ttft_p50",
        "s",
        0.1,
        8,
        2,
    )
    assert "concurrency:1 " in row.signature
    assert "cache:cold" in row.signature
    assert "lsm-eval:" not in row.signature, "another version measures alike, or ProfileRow.version says so"
    assert check_record(record.folder).whole


def test_raw_measurements_keep_every_column(tmp_path: Path) -> None:
    record = read_record(write_serving(tmp_path, failed=1))
    table = record.measurements("requests")
    assert table.column_names == list(REQUEST_COLUMNS)
    rows = table.to_pylist()
    assert len(rows) == 20
    assert rows[0]["chunk_tokens"] == [1, 1, 1, 1]
    assert rows[9]["failure"] == "timeout"
    with pytest.raises(UserError, match=r"repeats\.parquet is missing"):
        record.measurements("repeats")


def test_other_records_say_nothing_of_a_profile(tmp_path: Path) -> None:
    made = write_serving(tmp_path)
    text = json.loads((made / "manifest.json").read_text())
    assert "profile" in text
    manifest = read_record(made).manifest.model_copy(update={"profile": None})
    assert "profile" not in json.loads(manifest.model_dump_json())


def test_what_is_in_no_ranking_says_so_in_its_signature(tmp_path: Path) -> None:
    own = {
        row.metric: unranked(row.signature) for row in read_record(write_serving(tmp_path / "a")).estimates
    }
    assert own == {"ttft_p50": None, "ttft_p99": "too_few"}
    bound = read_record(write_serving(tmp_path / "b", client_bound=True))
    assert {row.metric: unranked(row.signature) for row in bound.estimates} == {
        "ttft_p50": "client_bound", "ttft_p99": "client_bound+too_few",
    }  # fmt: skip
    assert bound.manifest.profile is not None
    assert len(bound.manifest.profile.client_bound) == 2
    stopped = read_record(write_serving(tmp_path / "c", stopped="Ctrl-C."))
    assert unranked(stopped.estimates[0].signature) == "stopped"
    assert all(check_record(one.folder).whole for one in (bound, stopped))


def test_a_cell_that_was_not_measured_is_left_out_with_the_reason(tmp_path: Path) -> None:
    record = read_record(write_serving(tmp_path, missing="There was not enough memory."))
    assert [(row.task, row.why) for row in record.manifest.left_out] == [
        ("profile_serving_closed_c2_p16_o4", "There was not enough memory.")
    ]
    assert check_record(record.folder).whole


def test_names_of_cells_are_names_of_tasks() -> None:
    assert (
        cell_name({"phase": "decode", "batch": 8, "prompt_tokens": 128, "output_tokens": 64})
        == "decode_b8_p128_o64"
    )
    assert (
        cell_name({"loop": "open", "arrivals": "poisson", "rate": 2.5, "burstiness": None})
        == "open_poisson_r2.5"
    )
    long = cell_name({"phase": "Trace of /somewhere " + "x" * 200})
    assert len(long) <= 80
    assert long != cell_name({"phase": "Trace of /somewhere " + "x" * 201})


def test_the_units_of_both_accounts_are_the_same() -> None:
    assert PROFILE_UNITS <= UNITS


def test_readers_of_records_read_it_or_say_why_not(tmp_path: Path) -> None:
    one = write_serving(tmp_path / "reports")
    other = write_serving(tmp_path / "reports", model="openai:other", minutes=1, client_bound=True)
    page = build(tmp_path / "reports", tmp_path / "site").read_text(encoding="utf-8")
    assert "profile_serving_closed_c1_p16_o4" in page or "Serving, 1 at once" in page
    found = compare(read_record(one), [read_record(one)])
    assert {row.verdict for row in found.rows} == {"not compared"}
    assert all("is a profile, whose speeds have no pairs" in (row.why or "") for row in found.rows)
    apart = compare(read_record(one), [read_record(other)])
    assert any("unranked (not there against client_bound)" in (row.why or "") for row in apart.rows)


def test_the_newest_record_of_a_model_is_a_run_where_there_is_one(tiny_llama: Path, tmp_path: Path) -> None:
    from command_line import call, write_tasks

    profile = write_serving(tmp_path / "only")
    assert find(str(tmp_path / "only")).folder == profile
    tasks = write_tasks(tmp_path / "tasks")
    made = call(
        "run", "--tasks", "choose", "--include", str(tasks), "--model", str(tiny_llama), "--store", "none", "--device", "cpu",
        "--out", str(tmp_path / "out"),
    )  # fmt: skip
    assert made.code == 0, made.err
    run = read_record(made.record)
    later = write_serving(tmp_path / "other", model="hf:tiny-llama", minutes=60 * 24 * 365 * 50)
    later.rename(made.record.parent / later.name)
    assert find(str(tmp_path / "out")).folder == run.folder
    assert find(str(made.record.parent / later.name)).manifest.profile is not None


def _cell(content: dict[str, Any]) -> dict[str, Any]:
    cell: dict[str, Any] = content["profile"]["cells"][0]
    return cell


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: _cell(m)["metrics"][0].update(value=0.11), "value is 0.1, and the profile has 0.11"),
        (
            lambda m: _cell(m)["metrics"][0].update(metric="ttft"),
            "the profile has it, and there is no estimate",
        ),
        (lambda m: _cell(m)["metrics"][0].update(value="fast"), "value is 'fast'"),
        (lambda m: _cell(m).update(n=9), "it rests on 9, and 10 measurements count"),
        (lambda m: _cell(m).update(failures={"timeout": 1}), "its failures are"),
        (lambda m: _cell(m).update(missing="gone"), "it was not measured, and has numbers"),
        (lambda m: _cell(m)["check"].update(client_bound=True), "the profile ['client_bound']"),
        (lambda m: m["profile"]["cells"].append(m["profile"]["cells"][0]), "twice"),
        (lambda m: m["profile"].update(kind="quick"), "kind is 'quick'"),
        (lambda m: m["profile"].update(cells=[1]), "it is not an object"),
        (lambda m: m["profile"].update(stopped="Ctrl-C."), "the profile ['stopped']"),
        (lambda m: m.pop("profile"), "says nothing about a profile"),
    ],
)
def test_what_was_changed_is_found(change: Change, said: str, tmp_path: Path) -> None:
    folder = write_serving(tmp_path)
    path = folder / "manifest.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    problems = check_record(folder).problems
    assert any(said in problem for problem in problems), problems


@pytest.mark.parametrize("kind", ["gone", "cut", "text", "other columns"])
def test_raw_measurements_that_are_damaged_are_found(kind: str, tmp_path: Path) -> None:
    import pandas as pd

    folder = write_serving(tmp_path)
    path = folder / "profile" / "requests.parquet"
    if kind == "gone":
        path.unlink()
    elif kind == "cut":
        path.write_bytes(path.read_bytes()[:200])
    elif kind == "text":
        pd.read_parquet(path).assign(warm_up="maybe").to_parquet(path)
    else:
        pd.read_parquet(path)[["cell", "sent"]].to_parquet(path)
    found = check_record(folder)
    assert any(problem.startswith("profile/requests.parquet") for problem in found.problems), found.problems
    assert check_record(folder, published=True).problems == (() if kind == "gone" else found.problems)
