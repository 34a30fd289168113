"""A token in a model's name, in a path or in what a model said stands in no output: those of CI are read by everybody."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from command_line import call
from gate_runs import GateRuns, edited, run_of

from lsm_eval.secrets import without_secrets, without_tokens

TOKEN = "ghp_0123456789abcdefABCDEF"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


def test_no_output_of_gate_and_compare_has_a_token(gate_runs: GateRuns, tmp_path: Path) -> None:
    def said(table: pd.DataFrame) -> pd.DataFrame:
        choices = [[f"{text} {TOKEN} {JWT}" for text in row] for row in table["choices"]]
        return table.assign(choices=pd.Series(choices, index=table.index))

    where = tmp_path / TOKEN
    where.mkdir()
    first = edited(gate_runs.baseline, where, "worse", said)
    second = edited(gate_runs.candidate, where, "worse", said)
    (tmp_path / "out").mkdir()
    files = {
        name: tmp_path / "out" / name for name in ("--json", "--junit", "--markdown", "--comment", "--sarif")
    }
    done = call(
        "gate", "--baseline", first, "--candidate", second, "--include", gate_runs.tasks, "--annotations", "github",
        *(word for name, path in files.items() for word in (name, path)),
    )  # fmt: skip
    assert done.code == 1, done.err
    texts = [done.out, done.err, *(path.read_text(encoding="utf-8") for path in files.values())]
    assert "yes ***" in files["--json"].read_text(encoding="utf-8"), "the rest of the text is there"
    for form in ((), ("--json",), ("--markdown",)):
        held = call("compare", first, second, "--include", gate_runs.tasks, *form)
        assert held.code == 0, held.err
        texts += [held.out, held.err]
    texts.append(call("gate", "--baseline", where, "--candidate", where / "none").sentence())
    for text in texts:
        assert TOKEN not in text
        assert JWT not in text


def test_a_model_that_is_called_like_a_token(gate_runs: GateRuns, tmp_path: Path) -> None:
    record = run_of("builtin:first", gate_runs.tasks, tmp_path / "reports", "few", "--name", f"my {TOKEN}")
    assert TOKEN not in (record / "manifest.json").read_text(encoding="utf-8")
    assert TOKEN not in str(record)


def test_code_is_no_secret_of_a_model() -> None:
    code = "sorted(rows, key=len); token=next(words)"
    assert without_tokens(f"{code} {TOKEN}") == f"{code} ***"
    assert "len" not in without_secrets(code)
