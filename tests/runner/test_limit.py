"""`--limit` draws, `--from-start` does not, and the record says which."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Outcome, Runner, write_task

from lsm_eval.errors import UserError
from lsm_eval.leaderboard.build import build
from lsm_eval.results.reader import Record, read_record
from lsm_eval.tasks.limit import read_limit, samples_of

ROWS = [
    {"question": f"{subject} {n}", "subject": subject, "answer": "no"}
    for subject in ("algebra", "botany", "zoology")
    for n in range(20)
]


def asked(run: Runner, folder: Path, *more: str) -> tuple[Record, list[str], Outcome]:
    write_task(
        folder,
        "sorted",
        ROWS,
        request="generate",
        prompt="{{ question }}",
        target="{{ answer }}",
        group="{{ subject }}",
        metrics=["exact_match"],
    )
    done = run(*more, "--store", "none", tasks="sorted", model="builtin:says_no", include=folder)
    assert done.code == 0, done.err
    record = read_record(done.record)
    return record, record.samples("sorted")["prompt"].to_pylist(), done


def test_a_limit_is_drawn_over_the_groups(run: Runner, tmp_path: Path) -> None:
    record, prompts, done = asked(run, tmp_path / "tasks", "--limit", "12")
    assert [sum(prompt.startswith(name) for prompt in prompts) for name in ("a", "b", "z")] == [4, 4, 4]
    row = record.tasks["sorted"]
    assert (row.limit, row.groups, row.samples, row.dataset.rows) == (12, 3, 12, 60)
    (signature,) = {estimate.signature for estimate in record.estimates}
    assert " drawn:groups+clusters/12 seed:0 " in signature
    _, other, _ = asked(run, tmp_path / "tasks", "--limit", "12", "--seed", "1")
    assert other != prompts
    page = build(done.record.parent, tmp_path / "site").parent / "models"
    assert "12 of 60 samples, drawn over 3 groups" in next(page.glob("*.html")).read_text()


def test_the_first_are_taken_where_that_is_asked(run: Runner, tmp_path: Path) -> None:
    record, prompts, _ = asked(run, tmp_path / "tasks", "--limit", "12", "--from-start")
    assert prompts == [f"algebra {n}" for n in range(12)]
    assert record.tasks["sorted"].groups is None
    assert all("drawn:" not in estimate.signature for estimate in record.estimates)


@pytest.mark.parametrize("share", ["0.2", "20%", "2e-1"])
def test_a_share_is_so_many_of_each_task(run: Runner, tmp_path: Path, share: str) -> None:
    """The same samples under the same signature as the number has."""
    number, prompts, _ = asked(run, tmp_path / "tasks", "--limit", "12")
    record, drawn, _ = asked(run, tmp_path / "tasks", "--limit", share)
    assert drawn == prompts
    assert [row.signature for row in record.estimates] == [row.signature for row in number.estimates]
    assert record.tasks["sorted"].limit == 12
    assert record.manifest.settings["limit"] == 0.2


def test_a_share_is_rounded_up_and_takes_one_at_least(run: Runner, tmp_path: Path) -> None:
    _, prompts, _ = asked(run, tmp_path / "tasks", "--limit", "0.001", "--from-start")
    assert prompts == ["algebra 0"]
    _, prompts, _ = asked(run, tmp_path / "tasks", "--limit", "0.051", "--from-start")
    assert prompts == [f"algebra {n}" for n in range(4)]
    _, prompts, _ = asked(run, tmp_path / "tasks", "--limit", "1", "--from-start")
    assert prompts == ["algebra 0"], "1 is one sample, and not all"


@pytest.mark.parametrize(
    ("given", "rows", "expected"),
    [("0.07", 100, 7), ("7%", 100, 7), (0.1, 30, 3), ("0.1", 31, 4), (5, 3, 5), ("5", 3, 5), (".5", 1, 1)],
)
def test_what_a_limit_is_of_a_task(given: str | float, rows: int, expected: int) -> None:
    """In exact fractions: as a binary number 0.07 of 100 is a little more than 7."""
    assert samples_of(read_limit(given), rows) == expected


@pytest.mark.parametrize(
    "given", ["1/3", "inf", "-0.1", "1e9", "0.1%%", "%", True, 0, 1.0, float("nan"), "²"]
)
def test_what_no_limit_is(given: object) -> None:
    with pytest.raises(UserError, match=r"^--limit .*: give a number of samples, 1 or more, or a share"):
        read_limit(given)


def test_a_limit_beyond_the_data_draws_nothing(run: Runner, tmp_path: Path) -> None:
    record, prompts, _ = asked(run, tmp_path / "tasks", "--limit", "60")
    assert len(prompts) == 60
    assert record.tasks["sorted"].groups is None


def test_first_alone_says_nothing(run: Runner) -> None:
    assert run("--from-start").sentence().startswith("--from-start says which samples --limit takes")
