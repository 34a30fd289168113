"""What several modules of these tests look at."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def pictured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sites of `pictured_board`: of all kinds of pages, as a folder and as one file."""
    from pictured_board import pictured_board

    return pictured_board(tmp_path_factory.mktemp("pictured"))
