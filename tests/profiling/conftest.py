"""What tests of profiles have in common."""

from __future__ import annotations

import gc

import pytest


@pytest.fixture(autouse=True)
def _what_a_test_imported_is_no_garbage() -> None:
    """Before each measurement garbage is looked for: among all that was imported before, that takes a quarter of a second each time."""
    gc.collect()
    gc.freeze()
