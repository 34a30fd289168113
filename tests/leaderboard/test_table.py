"""The front page's columns: areas and suites as means, safety against a reference, short names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import call
from records import Json, estimate, task, write_record

from lsm_eval.errors import UserError
from lsm_eval.leaderboard.board import Board
from lsm_eval.leaderboard.build import build
from lsm_eval.leaderboard.collect import collect
from lsm_eval.leaderboard.options import Options
from lsm_eval.leaderboard.pages.front import reference_row
from lsm_eval.leaderboard.table.cell import TableColumn, task_cells
from lsm_eval.leaderboard.table.data import column_data, share
from lsm_eval.leaderboard.table.means import area_columns, suite_columns
from lsm_eval.leaderboard.table.rows import short_names
from lsm_eval.leaderboard.table.safety import grade, safety_columns
from lsm_eval.leaderboard.table.suites import check_included, known_suites
from lsm_eval.leaderboard.table.tasks import task_columns
from lsm_eval.progress import Silent
from lsm_eval.results.reader import read_records
from lsm_eval.statistics.combined import Interval


def rate(name: str, value: float | None, half: float = 0.01, **other: Any) -> Json:
    ends = (None, None) if value is None else (value - half, value + half)
    return estimate(
        name, value=value, low=ends[0], high=ends[1], area="safety", higher_is_better=False, **other
    )


def made(root: Path, models: dict[str, list[Json]], **manifest: Any) -> Board:
    for place, (name, rows) in enumerate(models.items()):
        write_record(root / str(place), name, rows, model_fields={"fingerprint": f"{place:064x}"}, **manifest)
    return collect(read_records(root))


def areas(board: Board) -> dict[str, TableColumn]:
    return {column.id: column for column in area_columns(board, task_cells(board))}


def place(board: Board, name: str) -> int:
    return [model.name for model in board.models].index(name)


def test_an_area_of_harm_is_a_rate_and_one_of_skill_a_score(tmp_path: Path) -> None:
    rows = [
        estimate("a", value=0.8), estimate("b", "bleu", 30.0, unit="points"), estimate("c", value=2.5, unit="other"),
        rate("attack", 0.2), estimate("refuses", value=0.9, area="safety"),
        estimate("odd", value=0.5, area="bias", higher_is_better=None),
    ]  # fmt: skip
    found = areas(made(tmp_path, {"m": rows}))
    assert set(found) == {"area:accuracy", "area:safety"}  # bias has no better end
    assert found["area:accuracy"].cells[0].interval.value == pytest.approx((0.8 + 0.3) / 2)
    assert found["area:accuracy"].higher is True
    assert found["area:safety"].cells[0].interval.value == pytest.approx((0.2 + 0.1) / 2)
    assert found["area:safety"].higher is False
    assert "c" in found["area:accuracy"].about[-1]


def test_missing_is_never_0_and_a_part_is_no_whole(tmp_path: Path) -> None:
    board = made(
        tmp_path,
        {
            "all": [rate("x", 0.5), rate("y", 0.1)],
            "some": [rate("x", 0.2), rate("y", None)],
            "none": [rate("x", None)],
        },
    )
    column = areas(board)["area:safety"]
    whole, part = column.cells[place(board, "all")], column.cells[place(board, "some")]
    assert whole.ranked
    assert part.part == "1/2"
    assert not part.ranked
    assert part.interval.value == pytest.approx(0.2)
    assert place(board, "none") not in column.cells
    assert column_data(column, 3, {})["v"][place(board, "none")] is None


def test_what_is_missing_and_cut_off_is_a_share_that_is_seen(tmp_path: Path) -> None:
    row = rate("x", 0.5, n=90, missing=10)
    cut = {"samples": 25, "in_thoughts": 5, "bounds": []}
    board = made(tmp_path, {"m": [row]}, tasks=[task("x", "safety", samples=100, cut_off=cut)])
    data = column_data(areas(board)["area:safety"], 1, {})
    assert data["x"][0] == {"missing": "10.0%", "cut": "25.0%"}
    (own,) = task_columns(board)
    assert column_data(own, 1, {})["x"][0] == {"missing": "10.0%", "cut": "25.0%"}
    assert share(1, 100_000) == "<0.1%"
    assert share(0, 10) == ""


def test_a_metric_of_some_samples_has_the_share_of_all_answers_that_were_cut(tmp_path: Path) -> None:
    row = rate("x", 0.5, n=20)
    cut = {"samples": 40, "in_thoughts": 0, "bounds": []}
    board = made(tmp_path, {"m": [row]}, tasks=[task("x", "safety", samples=100, cut_off=cut)])
    for column in (areas(board)["area:safety"], *task_columns(board)):
        assert column_data(column, 1, {})["x"][0]["cut"] == "40.0%"


def test_choices_that_every_model_wrote_have_a_mean(tmp_path: Path) -> None:
    write_record(
        tmp_path / "w", "writes", [estimate("a", value=0.6)], tasks=[task("a", choices="generated/parsed")],
        model_fields={"fingerprint": "a" * 64},
    )  # fmt: skip
    alone = areas(collect(read_records(tmp_path)))
    assert alone["area:accuracy"].cells[0].interval.value == pytest.approx(0.6)
    write_record(tmp_path / "s", "scores", [estimate("a", "acc_norm", value=0.8), estimate("a", value=0.7)])
    board = collect(read_records(tmp_path))
    column = areas(board)["area:accuracy"]
    assert {board.models[at].name: cell.interval.value for at, cell in column.cells.items()} == {
        "scores": pytest.approx(0.8)
    }


def test_a_number_that_does_not_compare_marks_the_means_that_it_is_in(tmp_path: Path) -> None:
    other = rate("x", 0.9)
    other["signature"] = other["signature"].replace("shots:0", "shots:5")
    board = made(tmp_path, {"a": [rate("x", 0.1)], "b": [rate("x", 0.2)], "other": [other]})
    column = areas(board)["area:safety"]
    assert [column.cells[place(board, name)].mark for name in ("a", "b", "other")] == ["", "", "†"]
    assert not column.cells[place(board, "other")].ranked


def test_a_suite_is_a_column_where_a_model_has_all_of_it(tmp_path: Path) -> None:
    board = made(tmp_path, {"m": [estimate("a", value=0.8), rate("x", 0.2)], "n": [estimate("a")]})
    cells = task_cells(board)
    found = suite_columns(board, cells, {"both": ("a", "x"), "more": ("a", "x", "z"), "one": ("a",)})
    assert [column.id for column in found] == ["suite:both"]
    assert found[0].cells[place(board, "m")].interval.value == pytest.approx(0.8)
    assert found[0].cells[place(board, "n")].part == "1/2"


def test_packaged_suites_are_known_with_their_tasks() -> None:
    suites = known_suites()
    assert "hellaswag" in suites["core"]
    assert "bbq" in suites["safety-core"]


def test_suites_of_included_folders_are_known(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("suite: mine\ntitle: x\ntasks: [one, quickstart_bias]\n")
    (tmp_path / "broken.yaml").write_text("suite: broken\n")
    assert known_suites([tmp_path])["mine"] == ("one", "quickstart_bias")
    assert "core" in known_suites([tmp_path])
    notes = Notes()
    check_included([tmp_path], notes)
    assert len(notes.said) == 1
    assert notes.said[0].startswith("the suite broken has no column: ")
    with pytest.raises(UserError, match="no such folder"):
        check_included([tmp_path / "none"], notes)


class Notes(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)


def test_every_metric_is_a_column(tmp_path: Path) -> None:
    board = made(
        tmp_path, {"m": [estimate("a"), estimate("a", "f1")], "n": [estimate("a"), estimate("a", "other")]}
    )
    columns = task_columns(board, task_cells(board))
    assert [column.id for column in columns] == ["task:a:accuracy", "task:a:f1", "task:a:other"]
    assert [column.first for column in columns] == [True, False, False]


def test_rates_are_held_against_a_reference(tmp_path: Path) -> None:
    board = made(
        tmp_path, {"ref": [rate("x", 0.2)], "twice": [rate("x", 0.4)], "safe": [rate("x", 0.0002, 0.0001)]}
    )
    columns = list(areas(board).values())
    ratios, grades = safety_columns(columns, place(board, "ref"), "ref", grades=True)
    values = {model.name: ratios.cells[at].interval for at, model in enumerate(board.models)}
    assert values["ref"] == Interval(1.0, 1.0, 1.0)
    assert values["twice"].value == pytest.approx(2)
    assert values["safe"].value == pytest.approx(0.001 / 0.2)
    assert {model.name: grades.cells[at].text for at, model in enumerate(board.models)} == {
        "ref": "good", "twice": "fair", "safe": "excellent",
    }  # fmt: skip
    assert len(safety_columns(columns, place(board, "ref"), "ref", grades=False)) == 1
    assert not {"lo", "hi"} & set(column_data(grades, 3, {})), (
        "the interval of a grade's ratio is that column's"
    )


@pytest.mark.parametrize(
    ("low", "value", "high", "said"),
    [
        (0.2, 0.3, 0.49, "very good"), (0.2, 0.3, 0.5, ""), (0.5, 1.0, 1.49, "good"), (1.4, 1.6, 2.0, ""),
        (1.5, 2.0, 2.9, "fair"), (3.0, 4.0, 9.0, "poor"), (2.9, 4.0, 9.0, ""),
    ],
)  # fmt: skip
def test_a_grade_is_shown_where_the_whole_interval_lies_in_its_band(
    low: float, value: float, high: float, said: str
) -> None:
    assert grade(Interval(0.2, 0.1, 0.3), Interval(value, low, high)) == said
    assert grade(Interval(0.0005, 0.0, 0.0009), Interval(value, low, high)) == "excellent"
    assert grade(Interval(0.2, None, None), Interval(value, None, None)) == ""


def test_a_reference_is_a_run_or_a_row(tmp_path: Path) -> None:
    board = made(tmp_path, {"a": [rate("x", 0.1)], "b": [rate("x", 0.2)]})
    assert reference_row(board, None) is None
    assert reference_row(board, "b") == place(board, "b")
    assert reference_row(board, str(tmp_path / "0")) == place(board, "a")
    assert reference_row(made(tmp_path / "long", {"hf:org/a": [], "hf:org/b": []}), "b") == 1
    with pytest.raises(UserError, match="--reference c: the board has no row"):
        reference_row(board, "c")
    with pytest.raises(UserError, match="--reference c: the board has no row"):
        build(tmp_path, tmp_path.parent / "site", options=Options(reference="c"))


def test_grades_need_a_reference(tmp_path: Path) -> None:
    made(tmp_path / "r", {"a": [rate("x", 0.1)]})
    done = call("leaderboard", tmp_path / "r", "--out", tmp_path / "o", "--grades")
    assert "--reference RUN" in done.sentence()


def test_names_are_as_short_as_they_may_be() -> None:
    assert short_names(["hf:org/Model-7B", "hf:other/Small", "builtin:uniform"]) == [
        "Model-7B",
        "Small",
        "uniform",
    ]
    assert short_names(["hf:org/Model", "hf:other/Model", "x"]) == ["org/Model", "other/Model", "x"]
    assert short_names(["hf:a", "gguf:a", "hf:b (bfloat16)"]) == ["hf:a", "gguf:a", "b (bfloat16)"]
    assert short_names(["llama.cpp:Model.Q4_1.gguf", "x/y.gguf (cpu)", ".gguf"]) == [
        "Model.Q4_1",
        "y (cpu)",
        ".gguf",
    ]
    assert short_names(["", ":", "hf:", "a/", '<img src="x/y">']) == ["", ":", "hf:", "a", '<img src="x/y">']
