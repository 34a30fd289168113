"""`--limit` draws, `--from-start` does not, and the record says which."""

from __future__ import annotations

from pathlib import Path

from command_line import Outcome, Runner, write_task

from lsm_eval.leaderboard.build import build
from lsm_eval.results.reader import Record, read_record

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


def test_a_limit_beyond_the_data_draws_nothing(run: Runner, tmp_path: Path) -> None:
    record, prompts, _ = asked(run, tmp_path / "tasks", "--limit", "60")
    assert len(prompts) == 60
    assert record.tasks["sorted"].groups is None


def test_first_alone_says_nothing(run: Runner) -> None:
    assert run("--from-start").sentence().startswith("--from-start says which samples --limit takes")
