"""Folders in which something is made: alone while their process lives, and cleared once it is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lsm_eval.results.staging import abandoned, clear, staging_folder
from lsm_eval.results.writer import clear_leftovers

MAKING = """
import sys, time
from pathlib import Path
from lsm_eval.results.staging import staging_folder
with staging_folder(Path(sys.argv[1]), ".unfinished-") as made:
    (made / "half").write_text("x")
    print(made, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def maker(tmp_path: Path) -> subprocess.Popen[str]:
    """A process at work in a folder of `tmp_path`."""
    (tmp_path / "model").mkdir()
    return subprocess.Popen(
        [sys.executable, "-c", MAKING, str(tmp_path / "model")], stdout=subprocess.PIPE, text=True
    )


def test_only_what_a_dead_process_left_is_cleared(tmp_path: Path, maker: subprocess.Popen[str]) -> None:
    assert maker.stdout is not None
    made = Path(maker.stdout.readline().strip())
    assert clear_leftovers(tmp_path) == [], "somebody is at work there"
    assert (made / "half").is_file()
    maker.send_signal(signal.SIGKILL)
    maker.wait()
    assert clear_leftovers(tmp_path) == [made]
    assert not made.exists()


def test_our_own_is_not_abandoned(tmp_path: Path) -> None:
    with staging_folder(tmp_path, ".made-") as made:
        assert abandoned(tmp_path, ".made-") == []
    assert not made.exists()


def test_folders_without_a_lock_are_given_an_hour(tmp_path: Path) -> None:
    young, old = tmp_path / ".made-young", tmp_path / ".made-old"
    for folder in (young, old, tmp_path / "made-other"):
        folder.mkdir()
    (tmp_path / ".made-link").symlink_to(tmp_path / "made-other")
    past = time.time() - 7200
    os.utime(old, (past, past))
    assert clear(abandoned(tmp_path, ".made-")) == [old]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".made-link", ".made-young", "made-other"]


def test_a_folder_that_cannot_be_read_has_none(tmp_path: Path) -> None:
    assert abandoned(tmp_path / "missing", ".made-") == []
    assert clear_leftovers(tmp_path / "missing") == []
