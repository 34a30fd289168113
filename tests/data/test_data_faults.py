"""Code that a data set brings along and that fails: one sentence that says where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lsm_eval.data.local import call_python, call_reader, call_reshape
from lsm_eval.data.mirror import mirror_path
from lsm_eval.errors import CodeFault, UserError

MODULE = """
def rows():
    return [{"bird": {}["wren"]}]

def leave():
    raise SystemExit(0)

def read(paths):
    return [{"bird": 1 / 0}]

def upper(rows):
    return [{"bird": row["bird"].upper()} for row in rows]
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "lsm_test_aviary.py").write_text(MODULE)
    (tmp_path / "lsm_test_broken_aviary.py").write_text("raise RuntimeError('no birds')\n")
    monkeypatch.syspath_prepend(tmp_path)
    return "lsm_test_aviary"


def test_the_function_file_and_line_are_named(module: str) -> None:
    with pytest.raises(CodeFault) as failed:
        call_python(f"{module}:rows", {}, None)
    assert str(failed.value) == f"{module}:rows failed (KeyError: 'wren', {module}.py, line 3): mend it."
    assert isinstance(failed.value.__cause__, KeyError)
    with pytest.raises(CodeFault, match=r"leave failed \(SystemExit: 0"):
        call_python(f"{module}:leave", {}, None)
    with pytest.raises(
        CodeFault, match=r"read, which reads owls\.txt, failed \(ZeroDivisionError: .* line 9"
    ):
        call_reader(f"{module}:read", [Path("owls.txt")], {})


def test_the_row_is_named(module: str) -> None:
    rows: list[dict[str, Any]] = [{"bird": "wren"}, {"bird": "owl"}, {"bird": None}, {"bird": None}]
    with pytest.raises(CodeFault, match=r"upper, called with row 2 \(from 0\), failed \(AttributeError"):
        call_reshape(f"{module}:upper", rows, {})


def test_modules_and_callables_that_are_none(module: str) -> None:
    with pytest.raises(CodeFault, match=r"importing lsm_test_broken_aviary failed \(RuntimeError: no birds"):
        call_python("lsm_test_broken_aviary:rows", {}, None)
    with pytest.raises(UserError, match="does not tell what it takes"):
        call_python("builtins:min", {}, None)


@pytest.mark.parametrize(
    ("hub", "config", "split"),
    [
        ("../outside", "default", "test"),
        ("/etc/birds", "default", "test"),
        ("org/birds", "../up", "test"),
        ("org/birds", "default", "../../test"),
        ("org/birds", "", "test"),
        ("C:/birds", "default", "test"),
        ("org/..", "default", "test"),
        ("org/birds", "a\nb", "test"),
    ],
)
def test_no_name_leads_out_of_a_mirror(hub: str, config: str, split: str) -> None:
    with pytest.raises(UserError, match="no plain name"):
        mirror_path(hub, config, split)
