"""Two runs to be compared."""

from __future__ import annotations

import pytest
from compared_runs import Runs, make_runs


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Of two tiny checkpoints on four small tasks."""
    return make_runs(tmp_path_factory.mktemp("compared"))
