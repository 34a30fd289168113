"""Data sets in their source's own files: from a folder, packed or not, or by download, each checked by its hash."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lsm_eval.data import DataOptions, load
from lsm_eval.data.schema import Dataset, SourceFile
from lsm_eval.data.source_files import locate
from lsm_eval.errors import UserError

CONTENT = b'{"question": "a"}\n{"question": "b"}\n'
SHA = hashlib.sha256(CONTENT).hexdigest()
NAME = "somebody/rows.jsonl"


class _Counting(SimpleHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012 (one server at a time)

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its base names it so)
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "rows.jsonl").write_bytes(CONTENT)
    (folder / "rows.jsonl.gz").write_bytes(gzip.compress(CONTENT))
    _Counting.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Counting, directory=str(folder))) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


def _file(url: str | None = None, sha256: str = SHA) -> SourceFile:
    # The schema takes https alone, and the loopback server has no certificate.
    return SourceFile.model_construct(name=NAME, url=url, sha256=sha256)


@pytest.mark.parametrize("packed", [False, True])
def test_from_a_folder(tmp_path: Path, own_cache: Path, packed: bool) -> None:
    place = tmp_path / f"{NAME}{'.gz' if packed else ''}"
    place.parent.mkdir()
    place.write_bytes(gzip.compress(CONTENT) if packed else CONTENT)
    (path,) = locate([_file()], DataOptions(files=tmp_path))
    assert path.read_bytes() == CONTENT
    assert path.suffix == ".jsonl"


def test_rows_of_files_without_a_reader(tmp_path: Path, own_cache: Path) -> None:
    (tmp_path / "somebody").mkdir()
    (tmp_path / NAME).write_bytes(CONTENT)
    dataset = Dataset.model_validate(
        {"files": [{"name": NAME, "sha256": SHA}], "columns": ["question", "source_file"]}
    )
    table = load(dataset, base=tmp_path, options=DataOptions(files=tmp_path), pinned=None)
    assert [row["question"] for row in table.rows] == ["a", "b"]
    assert {row["source_file"] for row in table.rows} == {NAME}


def test_other_content_is_refused_or_kept_apart(tmp_path: Path, own_cache: Path) -> None:
    (tmp_path / "somebody").mkdir()
    (tmp_path / NAME).write_bytes(b"other")
    with pytest.raises(UserError, match="other content"):
        locate([_file()], DataOptions(files=tmp_path))
    (path,) = locate([_file()], DataOptions(files=tmp_path, allow_drift=True))
    assert path.read_bytes() == b"other"
    (tmp_path / NAME).write_bytes(CONTENT)
    assert locate([_file()], DataOptions(files=tmp_path))[0].read_bytes() == CONTENT


def test_a_folder_that_lacks_it_says_so_and_nothing_is_downloaded(
    tmp_path: Path, own_cache: Path, server: str
) -> None:
    with pytest.raises(UserError, match="nothing is downloaded"):
        locate([_file(f"{server}/rows.jsonl")], DataOptions(files=tmp_path))
    assert not _Counting.asked


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_downloaded_once(own_cache: Path, server: str, ending: str) -> None:
    file = _file(f"{server}/rows.jsonl{ending}")
    for options in (DataOptions(), DataOptions(), DataOptions(offline=True)):
        (path,) = locate([file], options)
        assert path.read_bytes() == CONTENT
    assert len(_Counting.asked) == 1
    assert locate([file], DataOptions(files=own_cache))[0].read_bytes() == CONTENT, "what is there is there"


def test_downloads_that_fail(own_cache: Path, server: str) -> None:
    cases = {
        "--offline forbids": (_file(f"{server}/rows.jsonl"), DataOptions(offline=True)),
        "no address": (_file(), DataOptions()),
        "404": (_file(f"{server}/nothing.jsonl"), DataOptions()),
        "other content": (_file(f"{server}/rows.jsonl", sha256="0" * 64), DataOptions()),
    }
    for words, (file, options) in cases.items():
        with pytest.raises(UserError, match=words):
            locate([file], options)
    assert not list((own_cache / "files").rglob("*.jsonl")), "nothing wrong is kept"


def test_names_stay_inside_the_folder() -> None:
    for name in ("../rows.jsonl", "/etc/rows.jsonl", "a/../rows.jsonl", "rows.jsonl"):
        with pytest.raises(ValueError, match="name"):
            SourceFile(name=name, sha256=SHA)
