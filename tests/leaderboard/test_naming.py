"""A row is one model: what its records agree in, and what it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from records import estimate, write_record

from lsm_eval.leaderboard.board import Board
from lsm_eval.leaderboard.build import build
from lsm_eval.leaderboard.collect import collect
from lsm_eval.results.reader import read_records


def board(root: Path, *models: tuple[str, dict[str, Any]]) -> Board:
    """Of a record of each model, older ones first; `settings` among the fields are the run's."""
    for place, (name, fields) in enumerate(models):
        rows = [estimate("arc", value=place / 10)]
        fields = dict(fields)
        more = {"settings": fields.pop("settings")} if "settings" in fields else {}
        write_record(
            root / str(place),
            name,
            rows,
            model_fields=fields,
            created=f"2025-01-{place + 1:02}T00:00:00Z",
            **more,
        )
    return collect(read_records(root))


def names(found: Board) -> dict[str, float | None]:
    return {model.name: model.numbers["arc", "accuracy"].row.value for model in found.models}


def test_checkpoints_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    found = board(
        tmp_path,
        ("hf:checkpoint-100", {"fingerprint": "aa" * 32, "details": {"folder": "small/run/checkpoint-100"}}),
        ("hf:checkpoint-100", {"fingerprint": "bb" * 32, "details": {"folder": "large/run/checkpoint-100"}}),
        ("hf:checkpoint-200", {"fingerprint": "cc" * 32, "details": {"folder": "large/run/checkpoint-200"}}),
    )
    assert names(found) == {
        "hf:checkpoint-100 (small/run)": 0.0,
        "hf:checkpoint-100 (large/run)": 0.1,
        "hf:checkpoint-200": 0.2,
    }
    assert len({model.slug for model in found.models}) == 3


def test_what_differs_is_named(tmp_path: Path) -> None:
    plain = {"dtype": "float32", "device": "cpu"}
    found = board(
        tmp_path,
        ("hf:m", {**plain, "fingerprint": "aa" * 32}),
        ("hf:m", {"dtype": "bfloat16", "device": "cuda:1", "fingerprint": "bb" * 32}),
        ("hf:n", {**plain, "fingerprint": "cc" * 32, "revision": "0123456789abcdef"}),
        ("hf:n", {**plain, "fingerprint": "dd" * 32, "revision": "fedcba9876543210"}),
        ("hf:o", {**plain, "fingerprint": "ee" * 32, "settings": {"overflow": "skip"}}),
        ("hf:o", {**plain, "fingerprint": "ff" * 32, "settings": {"engine": "plain"}}),
    )
    assert list(names(found)) == [
        "hf:m (bfloat16, cuda)",
        "hf:m (float32, cpu)",
        "hf:n (0123456789ab)",
        "hf:n (fedcba987654)",
        "hf:o (overflow skip)",
        "hf:o (plain engine)",
    ]


def test_where_nothing_known_differs_the_fingerprint_does(tmp_path: Path) -> None:
    folder = {"details": {"folder": "runs/last"}}
    found = board(
        tmp_path,
        ("hf:last", {"fingerprint": "12345678" * 8, **folder}),
        ("hf:last", {"fingerprint": "87654321" * 8, **folder}),
        ("hf:last", {"fingerprint": "87654321" + "0" * 56, **folder}),
    )
    assert names(found) == {
        "hf:last (12345678)": 0.0,
        f"hf:last ({'87654321' * 2})": 0.1,
        f"hf:last (87654321{'0' * 8})": 0.2,
    }


def test_a_base_and_its_adapters_are_models_of_their_own(tmp_path: Path) -> None:
    found = board(
        tmp_path,
        ("hf:base", {"fingerprint": "aa" * 32}),
        ("hf:base", {"fingerprint": "bb" * 32, "details": {"adapter": "tuned/polite"}}),
        ("hf:base", {"fingerprint": "cc" * 32, "details": {"adapter": "other/polite"}}),
        ("builtin:smollm2-135m", {"dtype": "float32", "fingerprint": "dd" * 32}),
        (
            "builtin:smollm2-135m",
            {"dtype": "float32", "fingerprint": "ee" * 32, "details": {"adapter": "a/b"}},
        ),
    )
    assert names(found) == {
        "hf:base": 0.0,
        "hf:base + polite (tuned/polite)": 0.1,
        "hf:base + polite (other/polite)": 0.2,
        "builtin:smollm2-135m": 0.3,
        "builtin:smollm2-135m + b": 0.4,
    }


def test_another_way_to_hash_a_built_in_model_makes_no_other_model(tmp_path: Path) -> None:
    how = {"dtype": "float32", "device": "cpu", "details": {"source": "weights 0.1"}}
    found = board(
        tmp_path,
        ("builtin:small", {**how, "fingerprint": "aa" * 32}),
        ("builtin:small", {**how, "fingerprint": "bb" * 32}),
        ("builtin:small", {**how, "fingerprint": "cc" * 32, "device": "cuda"}),
        ("builtin:small", {**how, "fingerprint": "dd" * 32, "details": {"source": "weights 0.2"}}),
    )
    assert names(found) == {
        "builtin:small (weights 0.1, cpu)": 0.1,
        "builtin:small (weights 0.1, cuda)": 0.2,
        "builtin:small (weights 0.2, cpu)": 0.3,
    }


def test_a_name_that_is_given_stands_as_it_is_and_hides_nothing(tmp_path: Path) -> None:
    given = {"own_name": "hf:checkpoint-7", "spec": "runs/checkpoint-7"}
    found = board(
        tmp_path,
        ("My <model>", {**given, "fingerprint": "aa" * 32, "dtype": "float32"}),
        ("My <model>", {**given, "fingerprint": "bb" * 32, "dtype": "bfloat16"}),
        ("My <model> (float32)", {**given, "fingerprint": "cc" * 32, "dtype": "float16"}),
        ("Chance", {"own_name": "builtin:uniform", "spec": "builtin:uniform", "fingerprint": "dd" * 32}),
    )
    rows = names(found)
    assert len(rows) == 4, "each name is one row's"
    assert rows["My <model> (bfloat16)"] == 0.1
    assert [model.name for model in found.models if model.no_model] == ["Chance"]
    site = build(tmp_path, tmp_path.parent / f"{tmp_path.name}-site").parent
    text = (site / "index.html").read_text()
    assert "My &lt;model&gt;" in text
    assert "My <model>" not in text


def test_names_do_not_depend_on_the_order_of_folders(tmp_path: Path) -> None:
    models = [("hf:m", {"fingerprint": one * 64, "details": {"folder": f"{one}/m"}}) for one in "abc"]
    one = board(tmp_path / "one", *models)
    other = board(tmp_path / "other", *reversed(models))
    assert set(names(one)) == set(names(other)) == {"hf:m (a)", "hf:m (b)", "hf:m (c)"}
