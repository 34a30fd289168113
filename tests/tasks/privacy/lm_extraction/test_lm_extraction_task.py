"""The challenge's token ids as text."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest

from lsm_eval.benchmarks.privacy.lm_extraction.code import rows as extraction_rows
from lsm_eval.data import DataOptions, load
from lsm_eval.tasks.registry import Registry


def test_token_ids_as_text(tmp_path: Path) -> None:
    vocabulary = [b"one", b" two", " t\u00e9".encode()[:3], " t\u00e9".encode()[3:], b"\n"]
    lines = [f"{base64.b64encode(token).decode()} {number}" for number, token in enumerate(vocabulary)]
    (tmp_path / "v.tiktoken").write_text("\n".join(lines) + "\n")
    np.save(tmp_path / "prefix.npy", np.array([[0, 1, 2], [0, 1, 4], [1, 2, 3], [0, 0, 9]], np.uint16))
    np.save(tmp_path / "suffix.npy", np.array([[3, 1], [1, 1], [2, 3], [0, 0]], np.uint16))
    paths = [tmp_path / name for name in ("prefix.npy", "suffix.npy", "v.tiktoken")]
    assert extraction_rows(paths) == [
        {"example": 1, "prefix": "one two\n", "suffix": " two two"},
        {"example": 2, "prefix": " two t\u00e9", "suffix": " t\u00e9"},
    ], "the first is cut inside a character, the last has a token that is no text"
    assert extraction_rows(paths, prefix_tokens=2)[0]["prefix"] == " two\n"


def test_the_challenge_where_its_vocabulary_is_at_hand(data_files: Path) -> None:
    (loaded,) = Registry().resolve(["lm_extraction"])
    dataset = loaded.task.dataset
    if not all((data_files / file.name).is_file() for file in dataset.files):
        pytest.skip("needs GPT-2's vocabulary beside the challenge's token ids")
    table = load(dataset, base=loaded.folder, options=DataOptions(files=data_files), pinned=dataset.sha256)
    assert (table.pinned, len(table.rows)) == (True, 988)
