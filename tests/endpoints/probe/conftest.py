"""What models of a test say."""

from __future__ import annotations

import pytest


@pytest.fixture
def told() -> list[str]:
    """What models of this test say."""
    return []
