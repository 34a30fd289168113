"""The short table: families of tasks, models beside each other, and how fast they were."""

from __future__ import annotations

from pathlib import Path

import pytest
from records import Json, estimate, sample, task, write_record

from lsm_eval.errors import UserError
from lsm_eval.leaderboard.build import build
from lsm_eval.leaderboard.collect import Board, collect
from lsm_eval.leaderboard.families import MOST, families, speeds
from lsm_eval.results.reader import read_records


def work(tokens: int, speed: float, memory: int = 2**30) -> Json:
    passes = {"tokens": tokens, "padding": 0, "pairs": 0, "rows": 0, "passes": 1, "tokens_per_second": speed}
    return {"seconds": 13.75, "score": passes, "peak_memory_bytes": memory}


@pytest.fixture
def board(tmp_path: Path) -> Board:
    many = [estimate(f"task_{place}", value=0.1) for place in range(MOST + 2)]
    rows = [
        *many,
        estimate("mmlu", value=0.3),
        estimate("bbq", "acc", area="bias"),
        estimate("bbq", "bbq_bias_ambig", 0.02, area="bias"),
        estimate("xstest", area="safety"),
        estimate("other", area="odd"),
        estimate("wikitext", "byte_perplexity", area="perplexity", value=None, n=0),
    ]
    write_record(tmp_path / "1", "one", rows, work=work(10, 999.0), created="2025-01-03T00:00:00+00:00")
    write_record(
        tmp_path / "2", "one", [estimate("mmlu", value=0.4)], work=work(5000, 123.4, 2**31),
        created="2025-01-02T00:00:00+00:00",
    )  # fmt: skip
    write_record(tmp_path / "3", "two", [estimate("task_6"), estimate("mmlu", value=0.5)])
    return collect(read_records(tmp_path))


def test_families_stand_in_their_order_with_few_rows(board: Board) -> None:
    found = {family.title: family for family in families(board)}
    assert list(found) == ["Quality", "Bias", "Safety", "Odd"]
    quality = found["Quality"]
    names = [line.row.task for line in quality.headlines]
    # What is known comes first, then what most models have, then by name; numbers that are none have no row.
    assert names == ["mmlu", "task_6", "task_0", "task_1", "task_2"]
    assert quality.more == len({f"task_{n}" for n in range(MOST + 2)} | {"mmlu", "wikitext"}) - MOST


def test_the_bias_of_bbq_comes_before_its_accuracy(board: Board) -> None:
    bias = next(family for family in families(board) if family.title == "Bias")
    assert [line.key for line in bias.headlines] == [("bbq", "bbq_bias_ambig"), ("bbq", "acc")]
    assert bias.more == 0


def test_speed_is_that_of_the_run_that_did_most(board: Board) -> None:
    scoring, memory = speeds(board)
    assert scoring.title == "scoring"
    assert scoring.values["one"][0] == "123"
    assert "run 2" in scoring.values["one"][1]
    assert "two" not in scoring.values
    assert memory.values == {"one": ("1.00", memory.values["one"][1])}, "of the newest run"


def test_the_page(board: Board, tmp_path: Path) -> None:
    text = build(tmp_path, tmp_path.parent / f"{tmp_path.name}-site").read_text()
    table = text.split('id="families"')[1].split("</table>")[0]
    assert table.count("<tbody>") == 5
    assert "50.0%" in table
    assert "+ 4 tasks below" in table
    assert ">Speed</th>" in table
    assert "0.0%" not in table.replace("50.0%", "").replace("30.0%", "").replace("10.0%", "")


def test_variants_of_a_task_are_read_and_stand_below_only(tmp_path: Path) -> None:
    rows = [
        estimate("harmbench", n=1, missing=3, area="safety"),
        estimate("harmbench@base64+typos", area="safety"),
    ]
    tasks = [
        task("harmbench", "safety", failures={"nan": 3}),
        task("harmbench@base64+typos", "safety"),
    ]
    failed: Json = {"failure": "nan", "score.accuracy": None, "stats.accuracy": None}
    samples = [sample("harmbench", at, **(failed if at else {})) for at in range(4)]
    samples.append(sample("harmbench@base64+typos", 0))
    write_record(tmp_path / "reports" / "r", "m", rows, tasks=tasks, samples=samples)
    (record,) = read_records(tmp_path / "reports")
    assert record.has_samples("harmbench@base64+typos")
    (family,) = families(collect([record]))
    assert [line.row.task for line in family.headlines] == ["harmbench"]
    assert family.more == 0
    site = build(tmp_path / "reports", tmp_path / "site")
    table, rest = site.read_text().split('id="families"')[1].split("</table>", 1)
    assert "3 missing" in table
    assert "base64" not in table
    assert "base64" in rest
    page = (site.parent / "samples" / "m" / "harmbench-base64-typos.html").read_text()
    assert "r/samples/harmbench--base64--typos.parquet" in page


@pytest.mark.parametrize("name", ["a@", "@b", "../a", "a@../b", "a@b/c"])
def test_no_name_points_out_of_its_folder(tmp_path: Path, name: str) -> None:
    write_record(tmp_path / "r", "m", [estimate(name)])
    with pytest.raises(UserError, match="is no task's name"):
        read_records(tmp_path)
