"""A record says why a task was left out without the folders of the machine."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from lsm_eval.errors import UserError
from lsm_eval.runner.left_out import LeftOut


def why(sentence: str) -> str:
    left_out = LeftOut(strict=False)
    left_out.take("mine", UserError(sentence))
    return left_out.rows[0].why


@pytest.mark.parametrize("folder", ["plain", "with a space", "一个 文件夹", "it's"])
def test_files_are_named_without_their_folders(folder: str, tmp_path: Path) -> None:
    here = tmp_path / folder
    here.mkdir()
    assert why(f"{here}/x.yaml: line 3: no such field") == "x.yaml: line 3: no such field"
    assert why(f"cannot read '{here}/a b.csv' or {tmp_path}/c.csv") == "cannot read 'a b.csv' or c.csv"


@pytest.mark.parametrize(
    "sentence",
    [
        "the server has no /v1/chat/completions/ of its own",
        "see https://example.org/usr/share/ for more",
        "bits/s or tokens/s, and 1/2",
        "../here/x.yaml is not there",
        "no/such/folder/x.yaml is not there",
    ],
)
def test_what_is_no_folder_of_this_machine_stays(sentence: str) -> None:
    assert why(sentence) == sentence


@pytest.mark.parametrize("hostile", ["/" * 300_000, "/a " * 100_000, "/tmp" * 100_000, "/tmp/ " * 50_000])
def test_a_long_reason_takes_no_long_time(hostile: str) -> None:
    began = time.process_time()
    why(hostile)
    assert time.process_time() - began < 2
