"""What is public is what `lsm_eval.__all__` names, and importing it costs next to nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest
from command_line import environment

import lsm_eval

HEAVY = ("asyncio", "click", "numpy", "pandas", "pyarrow", "pydantic", "torch", "transformers", "yaml")


def test_each_public_name_is_there_and_documented() -> None:
    for name in lsm_eval.__all__:
        found = getattr(lsm_eval, name)
        assert name == "__version__" or found.__doc__, name
    assert {*lsm_eval.__all__} <= {*dir(lsm_eval)}
    assert lsm_eval.__all__ == sorted(lsm_eval.__all__)


def test_no_other_name_is_there() -> None:
    with pytest.raises(AttributeError, match="module 'lsm_eval' has no attribute 'runn'"):
        lsm_eval.runn  # type: ignore[attr-defined]  # noqa: B018


def test_nothing_heavy_is_imported() -> None:
    program = (
        f"import sys, lsm_eval; lsm_eval.UserError; print([one for one in {HEAVY!r} if one in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_listing_tasks_imports_nothing_that_computes() -> None:
    program = (
        "import sys, lsm_eval; lsm_eval.list_tasks(); lsm_eval.Record; lsm_eval.Model; lsm_eval.run; "
        "print([one for one in ('click', 'pandas', 'pyarrow', 'torch', 'transformers') if one in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_it_is_imported_at_once() -> None:
    """It imports no module but itself."""
    program = (
        "import sys; before = set(sys.modules); import lsm_eval; print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['__future__', 'lsm_eval']"
