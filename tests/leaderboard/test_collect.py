"""What stands on the board: the newest numbers, what compares, and how things are written."""

from __future__ import annotations

from pathlib import Path

import pytest
from records import estimate, task, write_record

from lsm_eval.leaderboard import show
from lsm_eval.leaderboard.board import Board
from lsm_eval.leaderboard.collect import collect
from lsm_eval.results.reader import read_records
from lsm_eval.results.schema import EstimateRow


def board(root: Path) -> Board:
    return collect(read_records(root))


def test_of_equal_runs_the_newest_wins_and_the_others_are_kept(tmp_path: Path) -> None:
    for month, value in (("03", 0.3), ("01", 0.1), ("02", 0.2)):
        rows = [estimate("arc", value=value)]
        if month == "01":
            rows.append(estimate("boolq", value=0.9))
        write_record(tmp_path / month, "m", rows, created=f"2025-{month}-01T00:00:00Z")
    (model,) = board(tmp_path).models
    number = model.numbers["arc", "accuracy"]
    assert (number.row.value, [row.value for row, _ in number.others]) == (0.3, [0.2, 0.1])
    # The oldest run still gives the one number that no newer run has.
    assert (model.numbers["boolq", "accuracy"].row.value, model.numbers["boolq", "accuracy"].others) == (
        0.9,
        (),
    )
    assert model.behind == 2
    assert [run.manifest.run for run in model.shown] == ["03", "01"]


def test_the_primary_metric_is_the_first_of_its_task(tmp_path: Path) -> None:
    write_record(tmp_path / "r", "m", [estimate("arc", "zeta"), estimate("arc", "alpha")])
    assert [column.key for column in board(tmp_path).columns] == [("arc", "zeta")]


def test_columns_stand_by_area(tmp_path: Path) -> None:
    areas = ["safety", "unheard-of", "bias", "accuracy"]
    write_record(tmp_path / "r", "m", [estimate(f"t{n}", area=area) for n, area in enumerate(areas)])
    assert [area for area, _ in board(tmp_path).areas] == ["accuracy", "bias", "safety", "unheard-of"]


def signed(tmp_path: Path, signatures: list[str]) -> list[tuple[str, str]]:
    for place, signature in enumerate(signatures):
        write_record(tmp_path / f"r{place}", f"m{place}", [estimate("arc", signature=signature)])
    numbers = [model.numbers["arc", "accuracy"] for model in board(tmp_path).models]
    return [(number.mark, number.why) for number in numbers]


def test_signatures_that_differ_by_the_model_only_compare(tmp_path: Path) -> None:
    assert signed(tmp_path, ["arc:v1 shots:0 model:a", "arc:v1 shots:0 model:b"]) == [("", ""), ("", "")]


def test_the_odd_signature_out_is_marked_and_says_why(tmp_path: Path) -> None:
    marks = signed(tmp_path, ["arc:v1 shots:0 model:a", "arc:v1 shots:5 model:b", "arc:v1 shots:0 model:c"])
    assert [mark for mark, _ in marks] == ["", "†", ""]
    assert "here shots:5; most others in this column shots:0" in marks[1][1]


def test_what_a_profile_keeps_out_of_rankings_is_marked_even_where_all_are(tmp_path: Path) -> None:
    marks = signed(tmp_path, [f"arc:v1 unranked:client_bound+stopped model:{name}" for name in "abc"])
    assert marks == [("†", "kept out of rankings: client-bound, stopped")] * 3


def test_kinds_of_likelihood_never_share_a_column(tmp_path: Path) -> None:
    def signature(kind: str, model: str) -> str:
        return f"arc:v1 shots:0 {kind}model:{model}"

    for name, kind in (("causal", ""), ("masked", "likelihood:pseudo "), ("t5", "likelihood:conditional ")):
        rows = [
            estimate("arc", signature=signature(kind, name)),
            estimate("arc", "calibration", signature=signature(kind, name)),
            estimate("written", "bleu", signature=signature(kind, name)),
        ]
        tasks = [task("arc"), task("written", request="generate")]
        write_record(tmp_path / name, name, rows, tasks=tasks)
    found = board(tmp_path)
    assert [(column.key, column.card) for column in found.columns] == [
        (("arc", "accuracy"), "task-arc"),
        (("arc", "accuracy (conditional)"), "task-arc-conditional"),
        (("arc", "accuracy (pseudo)"), "task-arc-pseudo"),
        # What is written needs no likelihood to be scored.
        (("written", "bleu"), "task-written"),
    ]
    for model in found.models:
        own = {metric for name, metric in model.numbers if name == "arc"}
        end = {"causal": "", "masked": " (pseudo)", "t5": " (conditional)"}[model.name]
        assert own == {f"accuracy{end}", f"calibration{end}"}
        # Alone in its column, a number needs no mark; and no other kind's number stands beside it.
        assert model.numbers["arc", f"accuracy{end}"].mark == ""
    assert sum(("arc", "accuracy") in model.numbers for model in found.models) == 1


def test_without_a_majority_all_are_marked_with_letters(tmp_path: Path) -> None:
    marks = signed(
        tmp_path, ["a shots:0 model:a", "a shots:5 model:b", "a shots:0 model:c", "a shots:5 model:d"]
    )
    assert [mark for mark, _ in marks] == ["†a", "†b", "†a", "†b"]


def test_rows_without_a_model_stand_last(tmp_path: Path) -> None:
    for place, name in enumerate(["builtin:uniform", "Zed", "builtin:smollm2-135m", "alpha"]):
        write_record(tmp_path / str(place), name, [estimate("arc")])
    models = board(tmp_path).models
    assert [model.name for model in models] == ["alpha", "builtin:smollm2-135m", "Zed", "builtin:uniform"]
    assert [model.no_model for model in models] == [False, False, False, True]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.23992, "fraction", "24.0%"), (1.0, "fraction", "100.0%"), (23.456, "points", "23.5"),
        (12.3456, "perplexity", "12.35"), (0.98765, "bits", "0.988"), (-0.1234567, "other", "−0.1235"),
        (-0.0001, "fraction", "0.0%"), (None, "fraction", "–"), (float("nan"), "points", "–"),
        (float("inf"), "perplexity", "∞"), (0.0, "fraction", "0.0%"),
    ],
)  # fmt: skip
def test_values_as_the_field_writes_them(value: float | None, unit: str, text: str) -> None:
    assert show.value(value, unit) == text


def test_intervals_and_bars() -> None:
    row = EstimateRow.model_validate(estimate("arc", value=0.5, low=0.25, high=0.75))
    assert show.interval(row) == "[25.0, 75.0]"
    assert show.bar(row) == show.Bar(50.0, 25.0, 50.0)
    outside = row.model_copy(update={"unit": "points", "value": 99.0, "low": -5.0, "high": 120.0})
    assert show.bar(outside) == show.Bar(99.0, 0.0, 100.0)
    assert show.bar(row.model_copy(update={"unit": "perplexity"})) is None
    assert show.interval(row.model_copy(update={"low": None})) == ""


def test_missing_numbers_say_why() -> None:
    row = EstimateRow.model_validate(estimate("arc", value=None, n=0, missing=7))
    assert show.missing_reason(row, {"too_long": 5, "nan": 2}) == "all 7 samples failed (2 nan, 5 too_long)"
    assert "no sample counts" in show.missing_reason(row.model_copy(update={"missing": 0}), {})
    assert "undefined over its 3" in show.missing_reason(row.model_copy(update={"n": 3}), {})
    beside = row.model_copy(update={"n": 3, "method": "none (not estimable: the card (v1) is too small)"})
    assert show.missing_reason(beside, {}) == "not estimable: the card (v1) is too small"


def test_slugs_are_safe_and_unique() -> None:
    names = [
        "Org/Model", "org/model", "org-model", "../../x", "CON", "", "模型", "모델", "a" * 300, "a" * 301,
        "x\u202ey", "model-0123456789abcdef", "index.html", "\ud800",
    ]  # fmt: skip
    slugs = show.slugs(names)
    assert len(set(slugs.values())) == len(set(names))
    for slug in slugs.values():
        assert slug.strip("-")
        assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert len(slug) <= 80
        assert slug != "con"
    assert show.slugs(reversed(names)) == slugs
    assert slugs["index.html"] == "index-html"


def test_unseen_characters_are_written_out() -> None:
    assert show.visible("a\u202eb\x00c\u200b\ud800") == "a⟨U+202E⟩b⟨U+0000⟩c⟨U+200B⟩⟨U+D800⟩"
    assert show.visible("tab\tline\nשלום 猫 👩‍💻") == "tab\tline\nשלום 猫 👩‍💻"
    assert show.clip("abcdef", 3) == "abc … [cut: 3 of 6 characters shown]"
    assert show.breakable("a_<b>") == "a_<wbr>&lt;b&gt;"


def test_a_limit_is_known(tmp_path: Path) -> None:
    write_record(tmp_path / "r", "m", [estimate("arc")], tasks=[task("arc", limit=10)])
    assert board(tmp_path).models[0].numbers["arc", "accuracy"].task.limit == 10


def of_release(folder: Path, name: str, release: str, engine: str | None = None) -> None:
    row = estimate("arc")
    row["signature"] = row["signature"].replace("lsm-eval:0", f"lsm-eval:{release} intervals:of-{release}")
    fields = {"fingerprint": name * 64, "details": {} if engine is None else {"engine": engine}}
    write_record(folder / name, name, [row], model_fields=fields)


def test_numbers_of_another_release_compare_where_the_engine_agrees(tmp_path: Path) -> None:
    for name in "abcg":
        of_release(tmp_path, name, "1", "tree")
    of_release(tmp_path, "d", "2", "tree")
    of_release(tmp_path, "e", "2")
    of_release(tmp_path, "f", "2", "llama.cpp")
    board = collect(read_records(tmp_path))
    numbers = {model.name: model.numbers["arc", "accuracy"] for model in board.models}
    assert {name for name, number in numbers.items() if number.mark} == {"f"}
    assert "lsm-eval:2, engine:llama.cpp" in numbers["f"].why
