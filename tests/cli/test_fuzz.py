"""`benchmarks/fuzz.py`: odd inputs of every kind end in a result or in one sentence."""

from __future__ import annotations

import fuzz
import pytest
from fuzz_worker import Result


@pytest.mark.slow
def test_a_few_odd_inputs(capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz.main(["--cases", "25", "--seed", "1", "--workers", "1"]) == 0, capsys.readouterr().out


@pytest.mark.slow
def test_many_odd_inputs(capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz.main(["--cases", "500", "--seed", "2", "--workers", "2"]) == 0, capsys.readouterr().out


@pytest.mark.slow
def test_one_case_can_be_made_again(capfd: pytest.CaptureFixture[str]) -> None:
    assert fuzz.main(["--only", "7", "--kinds", "command line"]) == 0
    said = capfd.readouterr()
    assert "| command line | 1 |" in said.out
    assert "code " in said.err, "what the case said"


@pytest.mark.parametrize(
    "outcome", ["traceback", "wrong code", "no sentence", "wrong result", "hang", "died"]
)
def test_what_goes_wrong_is_not_right(outcome: str) -> None:
    assert not Result(0, "data", outcome, 0.1).right


def test_an_unknown_kind_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz.main(["--kinds", "dta"]) == 2
    assert "'dta'" in capsys.readouterr().err
