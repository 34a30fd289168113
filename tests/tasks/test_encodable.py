"""Half a surrogate pair never stops a run, nor reaches a model."""

from __future__ import annotations

import json
from pathlib import Path

from lsm_eval.data import DataOptions, content_hash, load
from lsm_eval.data.schema import Dataset
from lsm_eval.requests import Generate, Score
from lsm_eval.tasks.encodable import encodable
from lsm_eval.tasks.sample import Sample
from lsm_eval.well_formed import all_well_formed

HALF, WHOLE = "\ud83d", "\U0001f426"


def test_only_halves_are_replaced() -> None:
    thing = {"a": [f"x{HALF}", ("plain", 3)], f"k{HALF}": WHOLE}
    assert all_well_formed(thing) == {"a": ["x\ufffd", ("plain", 3)], "k\ufffd": WHOLE}
    whole = {"a": ["ü", WHOLE, None], "b": (1, "x")}
    assert all_well_formed(whole) is whole


def test_every_text_of_a_sample() -> None:
    asked = Score(f"q{HALF}", (f" {HALF}", " no"))
    sample = Sample(
        f"s{HALF}", asked, (0,), (HALF, "no"), HALF, {"why": [HALF]}, (Generate(HALF, (HALF,), system=HALF),)
    )
    plain = Sample("s\ufffd", Score("q", ("a", "b")), (0,), ("a", "b"))
    (mended, same), changed = encodable([sample, plain])
    assert changed == 1
    assert same is plain
    assert mended.id == "s\ufffd#0", "ids stay unique"
    assert mended.request == Score("q\ufffd", (" \ufffd", " no"))
    assert mended.further == (Generate("\ufffd", ("\ufffd",), system="\ufffd"),)
    assert (mended.choices, mended.cluster, mended.metadata) == (
        ("\ufffd", "no"),
        "\ufffd",
        {"why": ["\ufffd"]},
    )


def test_the_hash_is_of_what_was_read(tmp_path: Path) -> None:
    rows = [{"n": f"a{HALF}"}, {"n": "a\udfff"}, {"n": "b"}]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    dataset = Dataset(file="x.jsonl", columns=("n",), id_column="n")
    table = load(dataset, base=tmp_path, options=DataOptions(), pinned=content_hash(rows))
    assert [row["n"] for row in table.rows] == ["a\ufffd", "a\ufffd", "b"]
    assert table.ids == ["a\ufffd#0", "a\ufffd#1", "b"]
    assert table.mended == 2
