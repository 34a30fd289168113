"""JUnit XML: one case a finding, and well formed whatever a model said."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from gate_results import HOSTILE, finding, flip, hostile, result
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase

from lsm_eval.gating.result import GateResult
from lsm_eval.gating.written.junit import to_junit

_XML = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


def cases(made: GateResult) -> list[TestCase]:
    (suite,) = JUnitXml.fromstring(to_junit(made))
    return list(suite)


def test_one_case_a_finding() -> None:
    found = cases(result())
    kinds = [type(one.result[0]).__name__ if one.result else "passed" for one in found]
    assert kinds == ["passed", "Skipped", "Failure", "Failure", "Failure", "passed"]
    assert [(one.classname, one.name) for one in found][2:4] == [
        ("quickstart_accuracy_en", "acc: loss"),
        ("quickstart_privacy", "leak_rate: limit"),
    ]
    failure = found[2].result[0]
    assert (failure.message, failure.type) == ("2.5 of 100 answers that were right are wrong now.", "fail")
    assert "loss: +2.5 pp" in failure.text
    assert (
        "sample 17: 1 -> 0\n  asked: Of France the capital is\n  right: Paris\n  baseline: Paris\n  candidate: London"
        in failure.text
    )
    assert found[1].result[0].type == "not enough data"
    assert "samples that would decide: 4,000" in found[1].result[0].text


def test_the_suite_counts_them() -> None:
    whole = JUnitXml.fromstring(to_junit(result()))
    (suite,) = whole
    assert (suite.tests, suite.failures, suite.skipped, suite.errors) == (6, 3, 1, 0)
    assert (whole.tests, whole.failures, whole.skipped, whole.errors) == (6, 3, 1, 0)
    assert suite.timestamp == "2026-11-29T09:00:00"
    said = {one.name: one.value for one in suite.properties()}
    assert said["answer"] == "fail"
    assert "at most 1 % of runs" in said["rates"]
    assert (said["baseline"], said["candidate"]) == ("builtin:longest", "builtin:smollm2-135m")


def test_not_enough_data_fails_where_the_policy_says_so() -> None:
    lacking = finding(answer="not enough data")
    assert isinstance(cases(result(findings=[lacking]))[0].result[0], Skipped)
    assert isinstance(cases(result(findings=[lacking], inconclusive="warn"))[0].result[0], Skipped)
    assert isinstance(cases(result(findings=[lacking], inconclusive="fail"))[0].result[0], Failure)


@pytest.mark.parametrize("reasons", [[], ["6 % of the samples are missing.", "Another engine."]])
def test_runs_that_are_not_comparable_are_an_error(reasons: list[str]) -> None:
    made = result(answer="not comparable", reasons=reasons, findings=[], baseline=None)
    (case,) = cases(made)
    (error,) = case.result
    assert isinstance(error, Error)
    assert error.message == (" ".join(reasons) or "The runs cannot be compared.")


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_output_is_read_back(text: str) -> None:
    made = result(
        findings=[finding(metric=text, why=text)],
        flips=[
            flip(metric=text, sample=text, first_answer=text, second_answer=text, target=text, asked=text)
        ],
        policy=text,
    )
    written = to_junit(made)
    assert _XML.fullmatch(written)
    assert len(written) < 60_000
    assert [one.tag for one in ET.fromstring(written).iter()].count("testcase") == 1
    (suite,) = JUnitXml.fromstring(written)
    (case,) = suite
    (failure,) = case.result
    assert {one.tag for one in ET.fromstring(written).iter()} == {
        "testsuites", "testsuite", "properties", "property", "testcase", "failure",
    }  # fmt: skip
    shown = failure.text
    assert all(sign.isprintable() or sign in "\n\u3000" for sign in shown)
    if len(text) < 1_000 and text.isprintable() and "##" not in text:
        assert f"  candidate: {text}" in shown
        assert case.name == f"{text}: loss"


def test_all_of_them_at_once() -> None:
    written = to_junit(hostile())
    (suite,) = JUnitXml.fromstring(written)
    assert len(suite) == 2 * len(HOSTILE) + 1
    assert suite.errors == 1


def test_it_is_read_as_bytes_and_as_text() -> None:
    written = to_junit(result())
    assert JUnitXml.fromstring(written) is not None
    assert ET.fromstring(written.encode()).tag == "testsuites"
    assert written.startswith('<?xml version="1.0"?>\n<testsuites ')


def test_harmful_texts_are_hashes() -> None:
    written = to_junit(
        result(flips=[flip(first_answer="SECRET", target="SECRET", asked="SECRET", sensitive=True)])
    )
    assert "SECRET" not in written
    assert "[withheld sha256:" in written
