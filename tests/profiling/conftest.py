"""What tests of profiles have in common."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _what_is_old_is_no_garbage() -> Iterator[None]:
    """Before each measurement garbage is looked for: among all that was imported before, that takes a quarter of a second each time."""
    gc.freeze()
    yield
    gc.unfreeze()
