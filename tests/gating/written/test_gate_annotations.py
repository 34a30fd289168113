"""Annotations: GitHub's workflow commands, escaped, ten a kind."""

from __future__ import annotations

import re

import pytest
from gate_results import HOSTILE, finding, hostile, result

from lsm_eval.gating.result import GateResult
from lsm_eval.gating.written.annotations import MOST, to_annotations

COMMAND = re.compile(r"::(error|warning|notice) title=([^:,\r\n]*)::([^\r\n]*)")


def read(made: GateResult) -> list[tuple[str, str, str]]:
    """As the runner reads them: kind, title, text."""
    found = []
    for line in to_annotations(made):
        match = COMMAND.fullmatch(line)
        assert match, line
        kind, title, text = match.groups()
        for escape, sign in (("%3A", ":"), ("%2C", ",")):
            title = title.replace(escape, sign)
        for escape, sign in (("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
            title, text = title.replace(escape, sign), text.replace(escape, sign)
        found.append((kind, title, text))
    return found


def test_what_fails_is_an_error_and_what_lacks_data_a_notice() -> None:
    found = read(result())
    assert [kind for kind, _, _ in found] == ["error"] * 3 + ["notice"]
    assert (
        "error",
        "Fail: quickstart_accuracy_en, acc",
        "2.5 of 100 answers that were right are wrong now.",
    ) in found
    assert found[-1][1] == "Not enough data: quickstart_bias, bias"


@pytest.mark.parametrize(
    ("inconclusive", "kind"), [("neutral", "notice"), ("warn", "warning"), ("fail", "error")]
)
def test_the_policy_says_how_loud_not_enough_data_is(inconclusive: str, kind: str) -> None:
    made = result(
        findings=[finding(answer="not enough data")], inconclusive=inconclusive, answer="not enough data"
    )
    assert [one[0] for one in read(made)] == [kind]


def test_a_pass_is_one_notice() -> None:
    made = result(findings=[finding(answer="pass")], answer="pass")
    ((kind, title, text),) = read(made)
    assert (kind, title) == ("notice", "Gate: pass")
    assert "of 1 finding 1 passes." in text


def test_what_is_not_comparable_says_why() -> None:
    made = result(findings=[], answer="not comparable", reasons=["Other hardware."])
    assert read(made) == [("error", "Not comparable", "Other hardware.")]


def test_at_most_ten_a_kind_the_worst_first() -> None:
    worse = [finding(metric=f"m{at}", loss=0.02 + at / 1000) for at in range(14)]
    lacking = [finding(metric=f"l{at}", answer="not enough data") for at in range(MOST)]
    found = read(result(findings=[*worse, *lacking]))
    assert [kind for kind, _, _ in found] == ["error"] * MOST + ["notice"] * MOST
    assert found[0][1] == "Fail: quickstart_accuracy_en, m13"
    assert found[MOST - 1] == (
        "error",
        "lsm-eval gate",
        "5 more are left out here; gate.json has all of them.",
    )


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_is_one_command(text: str) -> None:
    ((kind, title, shown),) = read(result(findings=[finding(metric=text, why=text)]))
    assert kind == "error"
    assert all(sign.isprintable() or sign == "\u3000" for sign in title + shown)
    if text.isprintable() and len(text) <= 200 and "##" not in text:
        assert (title, shown) == (f"Fail: quickstart_accuracy_en, {text}", text)


def test_all_of_them_at_once() -> None:
    assert len(read(hostile())) == 2 * MOST
