"""`gate.json`: whole, valid, read back."""

from __future__ import annotations

import json
import math
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from gate_results import HOSTILE, finding, flip, hostile, record, result

from lsm_eval.errors import UserError
from lsm_eval.gating.result import Finding
from lsm_eval.gating.written.as_json import read_json, to_json
from lsm_eval.gating.written.schema import FindingPart, FlipPart, GateFile, PolicyPart, RecordPart


def test_all_of_it_is_read_back() -> None:
    made = result()
    found = read_json(to_json(made))
    assert found.answer == "fail"
    assert found.exit_code == 1
    assert [one.model_dump() for one in found.findings] == [vars(one) for one in made.findings]
    assert found.policy.model_dump() == {
        "name": "pull-request",
        "sha256": "ab" * 32,
        "false_alarm": 0.01,
        "false_pass": 0.05,
        "inconclusive": "neutral",
    }
    assert found.baseline is not None
    assert found.baseline.model == "builtin:longest"
    assert found.candidate.run == record().manifest.run
    assert found.flips[0].first_answer == "Paris"
    assert found.notes == list(made.notes)


def test_every_field_of_a_finding_is_in_the_file() -> None:
    assert list(FindingPart.model_fields) == [one.name for one in fields(Finding)]


@pytest.mark.parametrize(
    ("answer", "inconclusive", "code"),
    [
        ("pass", "neutral", 0),
        ("fail", "neutral", 1),
        ("not enough data", "neutral", 3),
        ("not enough data", "warn", 0),
        ("not enough data", "fail", 1),
        ("not comparable", "neutral", 4),
    ],
)
def test_each_answer_with_its_exit_code(answer: str, inconclusive: str, code: int) -> None:
    found = read_json(to_json(result(answer=answer, inconclusive=inconclusive, findings=[], baseline=None)))
    assert (found.answer, found.exit_code, found.baseline) == (answer, code, None)


def test_what_is_no_number_is_null() -> None:
    one = finding(p=math.nan, low=-math.inf, high=np.float64(math.inf), n=np.int64(7), margin=np.float64(0.5))
    text = to_json(result(findings=[one], flips=[flip(first=math.nan)]))
    found = json.loads(text)["findings"][0]
    assert [found[name] for name in ("p", "low", "high", "n", "margin")] == [None, None, None, 7, 0.5]
    assert json.loads(text)["flips"][0]["first"] is None
    read_json(text)


def test_texts_that_may_be_harmful_are_hashes() -> None:
    text = to_json(
        result(flips=[flip(first_answer="SECRET", target="SECRET", asked="SECRET", sensitive=True)])
    )
    assert "SECRET" not in text
    assert text.count("[withheld sha256:") == 4


def test_hostile_texts_leave_it_valid_and_printable() -> None:
    text = to_json(hostile())
    text.encode()
    assert all(sign.isprintable() or sign in "\n\u3000" for sign in text)
    assert not re.search(r"##\w*\[", text)
    found = read_json(text)
    kept = [one.first_answer for one in found.flips]
    assert [one for one, meant in zip(kept, HOSTILE, strict=True) if one != meant] == ["\ufffd and \ufffd"]
    assert "日本語" in text
    assert "😀" in text


def test_a_newer_version_is_refused_in_one_sentence() -> None:
    text = to_json(result()).replace('"schema_version": 1', '"schema_version": 2')
    with pytest.raises(
        UserError, match=r"^this result of a gate has schema version 2, .* upgrade lsm-eval\.$"
    ):
        read_json(text)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{}", "{", '{"schema_version": 0}', '{"schema_version": true}', "[" * 100_000],
)
def test_what_is_none_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(
        UserError, match=r"^this is no result of a gate \(.*\): name a gate.json that"
    ) as error:
        read_json(text)
    assert "\n" not in str(error.value)


def test_nan_is_refused() -> None:
    text = to_json(result()).replace('"loss": 0.025', '"loss": NaN')
    with pytest.raises(UserError, match="NaN is no number of JSON"):
        read_json(text)


def test_what_a_later_lsm_eval_adds_is_kept() -> None:
    content = json.loads(to_json(result())) | {"more": [1]}
    assert read_json(json.dumps(content)).model_dump()["more"] == [1]


def test_the_docs_name_every_key(repo: Path) -> None:
    page = (repo / "docs" / "gate-outputs.md").read_text()
    section = page.split("## gate.json", 1)[1].split("\n## ", 1)[0]
    documented = set(re.findall(r"`([a-z_0-9]+)`", section))
    for part in (GateFile, PolicyPart, RecordPart, FindingPart, FlipPart):
        assert set(part.model_fields) <= documented, part.__name__
