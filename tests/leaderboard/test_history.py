"""Numbers over runs, and what changed between them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from records import Json, estimate, sample, task, write_record

from lsm_eval.leaderboard.build import build
from lsm_eval.leaderboard.collect import collect
from lsm_eval.leaderboard.history.changes import changes
from lsm_eval.leaderboard.history.lines import group_by_name, lines
from lsm_eval.leaderboard.pages.history import _drawn as drawing
from lsm_eval.results.reader import read_record, read_records


def run(
    root: Path,
    day: int,
    value: float | None,
    *,
    signed: str = "",
    model: Json | None = None,
    **manifest: Any,
) -> Path:
    row = estimate("arc", value=value)
    row["signature"] = f"{row['signature']} {signed}".strip()
    if value is None:
        row.update(n=0, missing=200)
    return write_record(
        root / f"day{day:02}", "m", [row], tasks=[task("arc", failures={} if value else {"nan": 200})], created=f"2025-01-{day:02}T00:00:00Z",
        model_fields=model or {}, **manifest,
    )  # fmt: skip


def test_what_changed_is_named_with_both_values(tmp_path: Path) -> None:
    first = read_record(run(tmp_path, 1, 0.5, versions={"torch": "2.5.0", "lsm-eval": "0.1.0", "peft": "1"}))
    second = read_record(
        run(
            tmp_path,
            2,
            0.6,
            signed="max_tokens:8",
            versions={"torch": "2.6.0", "lsm-eval": "0.1.0"},
            hardware={"cpu": "another CPU", "cores": 2},
            model={"fingerprint": "e" * 64, "dtype": "bfloat16", "details": {"engine": "tree"}},
        )
    )
    found = changes((first.estimates[0], first), (second.estimates[0], second))
    said = [(one.kind, one.name, one.before, one.after) for one in found]
    assert said == [
        ("signature", "max_tokens", None, "8"),
        ("model", "fingerprint", "f" * 16, "e" * 16),
        ("model", "dtype", None, "bfloat16"),
        ("model", "engine", None, "tree"),
        ("version", "torch", "2.5.0", "2.6.0"),
        ("version", "peft", "1", None),
        ("machine", "cpu", "a CPU", "another CPU"),
    ]
    assert changes((first.estimates[0], first), (first.estimates[0], first)) == ()


def test_runs_of_a_name_stand_in_order_of_time(tmp_path: Path) -> None:
    run(tmp_path, 3, 0.7, signed="max_tokens:8")
    run(tmp_path, 1, 0.5)
    run(tmp_path, 2, 0.6, model={"fingerprint": "e" * 64})
    (group,) = group_by_name(collect(read_records(tmp_path)).models)
    assert group.name == "m"
    assert len(group.models) == 2
    assert group.runs == 3
    (line,) = lines(group)
    assert line.key == ("arc", "accuracy")
    assert [point.row.value for point in line.points] == [0.5, 0.6, 0.7]
    assert [point.other for point in line.points] == [False, False, True]
    assert [len(point.changed) > 0 for point in line.points] == [False, True, True]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    run(tmp_path / "reports", 1, 0.5)
    run(tmp_path / "reports", 2, 0.6, versions={"torch": "2.6.0"})
    run(tmp_path / "reports", 3, None)
    run(tmp_path / "reports", 4, 0.7, signed="shots_of:other")
    write_record(
        tmp_path / "reports" / "x",
        "m",
        [estimate("once")],
        samples=[sample("once", 0)],
        created="2025-02-01T00:00:00Z",
    )
    return build(tmp_path / "reports", tmp_path / "site").parent


def test_the_page_says_what_changed_and_draws_it(site: Path) -> None:
    text = (site / "history" / "m.html").read_text()
    assert text.count("<circle") == 3, "what was not measured has no place, and is not 0"
    assert "all 200 samples failed" in text
    assert "<del>2.5.0</del> → <ins>2.6.0</ins>" in text
    assert "not comparable with the run before" in text
    # The line breaks before the last number, which does not compare with the others.
    path = text.partition('<path d="')[2].partition('"')[0]
    assert path.count("M") == 2
    assert path.count("L") == 1
    assert "1 task was measured once" in text
    assert "once" in text
    assert 'href="../history/m.html"' in (site / "models" / "m.html").read_text()


def test_a_line_does_not_join_numbers_that_the_front_page_would_not(tmp_path: Path) -> None:
    run(tmp_path, 1, 0.5)
    run(tmp_path, 2, None, signed="max_tokens:8")  # the change comes with a run that measured nothing
    run(tmp_path, 3, 0.6, signed="max_tokens:8")
    few = run(tmp_path, 4, 0.9, signed="max_tokens:8")
    text = (few / "estimates.json").read_text().replace(" n:200 ", " n:5 ")
    (few / "estimates.json").write_text(text)
    (group,) = group_by_name(collect(read_records(tmp_path)).models)
    (line,) = lines(group)
    assert [point.other for point in line.points] == [False, True, False, True]
    drawn = drawing(line.measured)
    assert drawn is not None
    assert [mark.broken for mark in drawn.series[0]] == [False, True, True]
