"""Reading rows from a mirror, files and functions: selection, names, pins, and every mistake."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lsm_eval.data import DataOptions, Table, content_hash, load
from lsm_eval.data.schema import Dataset
from lsm_eval.errors import UserError

QUIZ: dict[str, list[Any]] = {
    "id": ["a", "b", "c"],
    "question": ["q1", "q2", "q3"],
    "level": [1, 2, 1],
    "unused": [0, 0, 0],
}
ROWS = [{"question": q, "level": n} for q, n in zip(QUIZ["question"], QUIZ["level"], strict=True)]


def _hub(**more: Any) -> Dataset:
    return Dataset.model_validate(
        {"hub": "acme/quiz", "config": "easy", "columns": ("question", "level"), **more}
    )


def _write(mirror: Path, columns: Mapping[str, list[Any]], config: str = "easy", split: str = "test") -> Path:
    path = mirror / "acme/quiz" / config / f"{split}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    _write(tmp_path / "mirror", QUIZ)
    return tmp_path / "mirror"


def _load(dataset: Dataset, mirror: Path | None = None, base: Path = Path(), **more: Any) -> Table:
    drift = more.pop("allow_drift", False)
    options = DataOptions(mirror=mirror, allow_drift=drift)
    return load(dataset, base=base, options=options, **{"pinned": None, **more})


def test_rows_have_the_used_columns_and_numbers_for_names(mirror: Path) -> None:
    table = _load(_hub(), mirror)
    assert table.rows == ROWS
    assert table.ids == ["0", "1", "2"]
    assert (table.source, table.name, table.configs, table.split) == (
        "mirror",
        "acme/quiz",
        ("easy",),
        "test",
    )
    assert table.sha256 == content_hash(ROWS) == table.hashes["easy"]
    assert not table.pinned


def test_id_column_names_rows_without_being_used(mirror: Path) -> None:
    table = _load(_hub(id_column="id"), mirror)
    assert table.ids == ["a", "b", "c"]
    assert table.rows == ROWS
    assert table.sha256 == content_hash(ROWS)


def test_ids_that_repeat_or_are_null_get_the_row_number(mirror: Path) -> None:
    _write(mirror, {**QUIZ, "id": ["a", None, "a"]})
    assert _load(_hub(id_column="id"), mirror).ids == ["a#0", "1", "a#2"]


def test_configs_are_read_one_after_the_other(mirror: Path) -> None:
    _write(mirror, {**QUIZ, "level": [7, 8, 9]}, config="hard")
    table = _load(_hub(config=None, configs=("hard", "easy"), id_column="id"), mirror)
    assert table.ids == ["hard/a", "hard/b", "hard/c", "easy/a", "easy/b", "easy/c"]
    assert table.rows[0] == {"question": "q1", "level": 7, "config": "hard"}
    assert table.configs == ("hard", "easy")
    # A config's hash is what it is alone: the added column does not count.
    assert table.hashes["easy"] == content_hash(ROWS)
    swapped = _load(_hub(config=None, configs=("easy", "hard")), mirror)
    assert swapped.hashes == table.hashes
    assert swapped.sha256 != table.sha256


def test_where_leaves_out_rows_and_keeps_their_numbers(mirror: Path) -> None:
    dataset = _hub(where="level == 1")
    table = _load(dataset, mirror, keep=lambda row: row["level"] == 1)
    assert table.ids == ["0", "2"]
    assert table.sha256 == content_hash([ROWS[0], ROWS[2]])
    with pytest.raises(UserError, match="leaves no row"):
        _load(dataset, mirror, keep=lambda row: False)
    with pytest.raises(ValueError, match="keep"):
        _load(dataset, mirror)


def test_where_sees_the_config(mirror: Path) -> None:
    _write(mirror, QUIZ, config="hard")
    dataset = _hub(config=None, configs=("easy", "hard"), where="config == 'hard' or level == 2")
    table = _load(dataset, mirror, keep=lambda row: row["config"] == "hard" or row["level"] == 2)
    assert table.ids == ["easy/1", "hard/0", "hard/1", "hard/2"]


def test_ids_select_and_order_alike_from_the_whole_and_from_a_part(mirror: Path, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("c\na\n")
    dataset = _hub(ids="ids.txt", id_column="id")
    whole = _load(dataset, mirror, tmp_path)
    assert whole.ids == ["c", "a"]
    assert whole.rows == [ROWS[2], ROWS[0]]
    part = tmp_path / "part"
    _write(part, {name: [values[0], values[2]] for name, values in QUIZ.items()})
    again = _load(dataset, part, tmp_path)
    assert (again.sha256, again.ids) == (whole.sha256, whole.ids)


def test_a_missing_id_is_named(mirror: Path, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("a\nx\ny\n")
    with pytest.raises(UserError, match=r"whose id is 'x'.*ids\.txt"):
        _load(_hub(ids="ids.txt", id_column="id"), mirror, tmp_path)
    with pytest.raises(UserError, match=r"list of ids .*none\.txt cannot be read"):
        _load(_hub(ids="none.txt", id_column="id"), mirror, tmp_path)


def test_examples_come_from_another_split_whole(mirror: Path, tmp_path: Path) -> None:
    _write(mirror, {**QUIZ, "id": ["t", "u", "v"]}, split="train")
    (tmp_path / "ids.txt").write_text("c\n")
    table = _load(_hub(ids="ids.txt", id_column="id"), mirror, tmp_path, split="train")
    assert (table.split, table.ids) == ("train", ["t", "u", "v"])


def test_the_pinned_hash_is_kept_or_said_to_differ(mirror: Path) -> None:
    dataset = _hub(revision="f" * 40)
    right, wrong = content_hash(ROWS), "0" * 64
    table = _load(dataset, mirror, pinned=right)
    assert table.pinned
    assert table.revision == "f" * 40
    with pytest.raises(UserError) as caught:
        _load(dataset, mirror, pinned=wrong)
    for part in (right, wrong, "acme/quiz", str(mirror), "--allow-drift"):
        assert part in str(caught.value)
    drifted = _load(dataset, mirror, pinned=wrong, allow_drift=True)
    assert not drifted.pinned
    assert drifted.revision is None, "a mirror with other content is not of that commit"


def test_pins_by_config_name_the_one_that_differs(mirror: Path) -> None:
    _write(mirror, QUIZ, config="hard")
    dataset = _hub(config=None, configs=("easy", "hard"))
    right = content_hash(ROWS)
    assert _load(dataset, mirror, pinned={"easy": right, "hard": right}).pinned
    with pytest.raises(UserError, match=f"config hard.*{right} instead of {'0' * 64}"):
        _load(dataset, mirror, pinned={"easy": right, "hard": "0" * 64})
    with pytest.raises(UserError, match="pins no sha256 for the config 'hard'"):
        _load(dataset, mirror, pinned={"easy": right})


def test_what_a_mirror_lacks_is_said_with_what_it_has(mirror: Path) -> None:
    with pytest.raises(UserError, match=r"acme/quiz/easy/train\.parquet.*splits test.*hub is not asked"):
        _load(_hub(split="train"), mirror)
    with pytest.raises(UserError, match="configs easy"):
        _load(_hub(config="hard"), mirror)
    with pytest.raises(UserError, match="nothing of acme/other"):
        _load(_hub(hub="acme/other"), mirror)
    with pytest.raises(UserError, match="not a folder: check --data-mirror"):
        _load(_hub(), mirror / "no")
    with pytest.raises(UserError, match=r"no column 'questions'.*did you mean 'question'"):
        _load(_hub(columns=("questions",)), mirror)


def test_empty_and_broken_parquet(mirror: Path) -> None:
    path = _write(mirror, {name: values[:0] for name, values in QUIZ.items()})
    with pytest.raises(UserError, match="has no rows"):
        _load(_hub(), mirror)
    path = _write(mirror, {"question": ["q" * 50] * 500, "level": list(range(500))})
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], b"", whole[:-4] + b"XXXX", b"PAR1" + whole[4:60] + whole[-600:]):
        path.write_bytes(broken)
        with pytest.raises(UserError, match="not a whole Parquet file") as caught:
            _load(_hub(), mirror)
        assert "\n" not in str(caught.value)


def test_values_that_cannot_be_hashed(mirror: Path) -> None:
    _write(mirror, {"question": [b"x"], "level": [1]})
    with pytest.raises(UserError, match="bytes has no canonical form"):
        _load(_hub(), mirror)


def test_mmlu_loads_in_a_blink_and_xsum_by_its_ids(hub_mirror: Path, tmp_path: Path) -> None:
    columns = ("question", "subject", "choices", "answer")
    begin = time.perf_counter()
    table = _load(Dataset(hub="cais/mmlu", config="all", columns=columns), hub_mirror)
    assert time.perf_counter() - begin < 5, "0.3 s on two cores"
    assert len(table.rows) == len(set(table.ids)) == 14_042
    assert {row["answer"] for row in table.rows} == {0, 1, 2, 3}

    xsum = {
        "hub": "EdinburghNLP/xsum",
        "config": "default",
        "columns": ("document", "summary"),
        "id_column": "id",
    }
    every = _load(Dataset.model_validate(xsum), hub_mirror)
    (tmp_path / "ids.txt").write_text("\n".join(reversed(every.ids[:20])))
    some = _load(Dataset.model_validate({**xsum, "ids": "ids.txt"}), hub_mirror, tmp_path)
    assert some.rows == every.rows[19::-1]
