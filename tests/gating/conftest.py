"""Runs to be gated."""

from __future__ import annotations

import pytest
from gate_runs import GateRuns, make_gate_runs


@pytest.fixture(scope="session")
def gate_runs(tmp_path_factory: pytest.TempPathFactory) -> GateRuns:
    """Of two built-in models, with pairs that are known."""
    return make_gate_runs(tmp_path_factory.mktemp("gated"))
