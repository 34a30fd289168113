"""Which of several runs stands on the page, and that the page says what the number rests on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from records import Json, estimate, sample, task, write_record

from lsm_eval.leaderboard.board import ModelEntry
from lsm_eval.leaderboard.build import build
from lsm_eval.leaderboard.collect import collect
from lsm_eval.leaderboard.precedence import departures
from lsm_eval.results.reader import read_records


def run(
    root: Path,
    day: int,
    value: float | None,
    *,
    n: int = 200,
    settings: Json | None = None,
    signed: str = "",
    **how: Any,
) -> Path:
    """One run of `arc` (200 rows) on a day, and its samples. `signed`: a further part of its signature."""
    row = estimate("arc", value=value, n=n if value is not None else 0, missing=0 if value is not None else n)
    row["signature"] = f"{row['signature']} {signed}".strip()
    row["signature"] = row["signature"].replace("shots:0", f"shots:{how.get('shots', 0)}")
    asked = {"samples": n, "own_shots": 0, "own_chat": False, "drifted": False, **how}
    return write_record(
        root / f"day{day}",
        "m",
        [row],
        tasks=[task("arc", **asked)],
        samples=[sample("arc", at, prompt=f"asked on day {day}") for at in range(n)],
        created=f"2025-01-{day:02}T00:00:00Z",
        settings=settings or {},
    )


def model(root: Path) -> ModelEntry:
    (found,) = collect(read_records(root)).models
    return found


def shown(root: Path) -> tuple[float | None, list[float | None]]:
    number = model(root).numbers["arc", "accuracy"]
    return number.row.value, [row.value for row, _ in number.others]


def test_a_smoke_test_replaces_no_full_run(tmp_path: Path) -> None:
    run(tmp_path, 1, 0.1)
    run(tmp_path, 2, 0.2, n=5, limit=5)
    assert shown(tmp_path) == (0.1, [0.2])


def test_of_limited_runs_the_longer_one_counts(tmp_path: Path) -> None:
    run(tmp_path, 1, 0.1, n=50, limit=50)
    run(tmp_path, 2, 0.2, n=5, limit=5)
    assert shown(tmp_path) == (0.1, [0.2])


def test_chosen_samples_stand_for_no_whole_task(tmp_path: Path) -> None:
    run(tmp_path, 1, 0.1)
    run(tmp_path, 2, 0.2, n=50, chosen="50/0123456789abcdef")
    assert shown(tmp_path) == (0.1, [0.2])


def test_a_limit_beyond_the_data_is_none(tmp_path: Path) -> None:
    run(tmp_path, 1, 0.1)
    run(tmp_path, 2, 0.2, limit=1000)
    assert shown(tmp_path) == (0.2, [0.1])


def test_the_tasks_own_settings_come_first(tmp_path: Path) -> None:
    run(tmp_path, 1, 0.1)
    run(tmp_path, 2, 0.2, shots=5)
    run(tmp_path, 3, 0.3, chat=True)
    run(tmp_path, 4, 0.4, drifted=True)
    assert shown(tmp_path)[0] == 0.1


@pytest.mark.parametrize(
    ("settings", "signed", "said"),
    [
        ({"max_tokens": 8}, "max_tokens:8", "max 8 tokens"),
        ({"reasoning": "keep"}, "reasoning:keep/1", "thoughts kept"),
        ({"temperature": 0.7}, "temperature:0.7", "temperature 0.7"),
        ({"system": "Be brief."}, "system:0123456789ab", "a system message of the run's"),
        ({"reasoning": "strip"}, "reasoning:strip/1", "thoughts stripped"),
    ],
)
def test_answers_cut_short_or_read_otherwise_replace_no_others(
    tmp_path: Path, settings: Json, signed: str, said: str
) -> None:
    run(tmp_path, 1, 0.1)
    run(tmp_path, 2, 0.2, settings=settings, signed=signed)
    assert shown(tmp_path) == (0.1, [0.2])
    (_, record) = model(tmp_path).numbers["arc", "accuracy"].others[0]
    assert departures(record, "arc") == (said,)


def test_an_option_that_changed_no_answer_is_no_departure(tmp_path: Path) -> None:
    run(tmp_path, 1, 0.1)
    run(tmp_path, 2, 0.2, settings={"reasoning": "keep", "max_tokens": 8}, signed="reasoning:closed")
    assert shown(tmp_path) == (0.2, [0.1])


def test_more_shots_are_no_smoke_test(tmp_path: Path) -> None:
    """The whole task with other shots is not replaced by five samples with its own."""
    run(tmp_path, 1, 0.1, shots=5)
    run(tmp_path, 2, 0.2, n=5, limit=5)
    assert shown(tmp_path) == (0.1, [0.2])
    assert model(tmp_path).numbers["arc", "accuracy"].departures == ("5 shots",)


def test_a_drawn_share_stands_behind_the_whole_and_before_the_first_samples(tmp_path: Path) -> None:
    run(tmp_path, 1, 0.1, n=40)
    run(tmp_path, 2, 0.2, n=100, limit=100)
    assert shown(tmp_path) == (0.1, [0.2])
    run(tmp_path, 3, 0.3)
    run(tmp_path, 4, 0.4, n=40)
    assert shown(tmp_path)[0] == 0.3


def test_a_newer_version_of_the_task_comes_before_more_samples(tmp_path: Path) -> None:
    run(tmp_path, 1, 0.1, version=2, n=190)
    run(tmp_path, 2, 0.2, version=1)
    assert shown(tmp_path) == (0.1, [0.2])


def test_a_number_comes_before_none(tmp_path: Path) -> None:
    run(tmp_path, 1, 0.1)
    run(tmp_path, 2, None)
    assert shown(tmp_path) == (0.1, [None])


def test_early_records_depart_where_the_command_said_so(tmp_path: Path) -> None:
    unknown: Json = {"own_shots": None, "own_chat": None, "drifted": None}
    run(tmp_path, 1, 0.1, **unknown)
    run(tmp_path, 2, 0.2, **unknown, shots=3, settings={"shots": 3, "chat": "auto"})
    run(tmp_path, 3, 0.3, **unknown, settings={"shots": None, "chat": "on"})
    assert shown(tmp_path)[0] == 0.1


def test_a_numbers_samples_are_of_its_own_run(tmp_path: Path) -> None:
    """The best founded run has no number of one metric, which then comes, with its samples, from another."""
    reports = tmp_path / "reports"
    run(reports, 1, 0.1)
    run(reports, 2, 0.2, n=5, limit=5)
    write_record(
        reports / "day3",
        "m",
        [estimate("arc", value=0.3, n=7), estimate("arc", "f1", value=0.7, n=7)],
        tasks=[task("arc", samples=7, limit=7)],
        samples=[sample("arc", at, prompt="asked on day 3") for at in range(7)],
        created="2025-01-03T00:00:00Z",
    )
    site = build(reports, tmp_path / "site").parent
    page = (site / "models/m.html").read_text()
    links = re.findall(r'href="\.\./(samples/[^"]+)"', page)
    assert links == ["samples/m/arc.html", "samples/m/arc.2.html"]
    first, second = ((site / link).read_text() for link in links)
    assert "asked on day 1" in first
    assert "run day1." in first
    assert "asked on day 3" in second
    assert "the first 7 of 200 samples" in second
    assert "day2.html" not in page
    assert "<b>20.0%</b>" in page, "what other runs say is there, too"
    index = (site / "index.html").read_text()
    assert "<b>10.0</b>" in index
    assert "<b>20.0</b>" not in index
    assert "newer run" not in index + page


def test_the_front_page_says_what_a_number_rests_on(tmp_path: Path) -> None:
    run(tmp_path / "reports", 1, 0.1, n=5, limit=5, shots=3)
    index = (build(tmp_path / "reports", tmp_path / "site").parent / "index.html").read_text()
    row = index[index.index('<tr data-at="0">') :].partition("</tr>")[0]
    assert row.count("<b>10.0</b>") == 2  # of the area, and of the task
    assert "<small>limit</small><small>3 shots" not in row
    assert "<small>limit 5</small><small>3 shots</small>" in row
    assert "accuracy % ↑ · n 5" in index


def test_a_task_that_was_left_out_says_why(tmp_path: Path) -> None:
    run(tmp_path / "reports", 1, 0.1)
    why = "its data <b>cannot</b> be had"
    write_record(
        tmp_path / "reports" / "other", "n", [estimate("boolq")], left_out=[{"task": "arc", "why": why}]
    )
    site = build(tmp_path / "reports", tmp_path / "site").parent
    said = "its data &lt;b&gt;cannot&lt;/b&gt; be had"
    front = (site / "index.html").read_text()
    assert f'title="not run: {said}"' in front
    assert front.count(">1 task could not be asked</span>") == 1
    page = (site / "models/n.html").read_text()
    assert f"was to be run and could not be: {said}" in page
    assert f"because {said}" in page
