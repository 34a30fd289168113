"""The records and the site that this repository publishes."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from records import generated, sample, write_samples

from lsm_eval.leaderboard.build import build
from lsm_eval.leaderboard.options import Options
from lsm_eval.leaderboard.write import MARKER
from lsm_eval.results.redaction import redact

HOW = "lsm-eval leaderboard reports/board --out leaderboard --samples 7"
"""How `leaderboard/` is made, from the repository's root."""
OPTIONS = Options(samples=7)
"""The options of that command."""
MOST = 60_000_000
"""Bytes of all files in the repository together."""

_MARK = re.compile(r"\[withheld sha256:[0-9a-f]{64}\]")
_OWN_WORDS = frozenset({"task", "sample", "request", "asked", "finish", "failure", "judgements"})
"""Columns that hold no text of the data. Of a scored sample the target is an index."""
_OWN_KEYS = frozenset({"request", "finish", "reason"})
"""Keys in the column `further` whose values are no texts of the data."""
_PATH = re.compile(r"(?:^|[=,;\s'\"(\[])(?:file:/|/(?!sys/)[\w.~]|[A-Za-z]:[\\/](?!/)|\\\\\w+\\|~[\\/])")


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def records(repo: Path) -> list[Path]:
    """Folders of the published records: the board's, and the quickstart suite's."""
    return [path.parent for path in sorted((repo / "reports").rglob("manifest.json"))]


@pytest.fixture(scope="module")
def board(repo: Path) -> Path:
    return repo / "reports" / "board"


@pytest.mark.slow
def test_the_site_is_made_of_the_records(repo: Path, board: Path, own_cache: Path, tmp_path: Path) -> None:
    """Byte for byte: what it takes grows with the board."""
    made = files_of(build(board, tmp_path / "leaderboard", options=OPTIONS).parent)
    published = files_of(repo / "leaderboard")
    renew = f"; make it anew with: {HOW}"
    assert sorted(set(made) - set(published)) == [], f"leaderboard/ lacks pages of records{renew}"
    assert sorted(set(published) - set(made)) == [], f"leaderboard/ has what no record is of{renew}"
    differ = [path for path in made if made[path] != published[path]]
    assert differ == [], f"{len(differ)} files in leaderboard/ are not what the records say{renew}"


def test_the_site_is_whole_and_of_all_records(repo: Path, board: Path) -> None:
    """The quick part of it."""
    site = repo / "leaderboard"
    named = (site / MARKER).read_text(encoding="utf-8").splitlines()[1:]
    assert sorted({*named, MARKER}) == sorted(files_of(site)), f"make it anew with: {HOW}"
    front = (site / "index.html").read_text(encoding="utf-8")
    count = re.search(r"\b(\d+) runs?\b", re.sub(r"<[^>]*>", "", front.partition("<main")[2]))
    assert count is not None
    assert int(count[1]) == len(list(board.rglob("manifest.json"))) > 0, f"make it anew with: {HOW}"
    assert 'id="left-out"' not in front, "a published record is broken"


def test_the_repository_stays_small(repo: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=repo, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("needs a checkout: which files are the repository's is known to git alone")
    paths = [repo / os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]
    sizes = {path: path.lstat().st_size for path in paths if os.path.lexists(path)}
    assert len(sizes) > 1000
    largest = sorted(sizes, key=lambda path: -sizes[path])[:8]
    assert sum(sizes.values()) < MOST, "; ".join(
        f"{path.relative_to(repo)} {sizes[path]:,}" for path in largest
    )


def strings(thing: Any) -> Iterator[str]:
    """All texts in JSON, and the names of what it holds."""
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, dict):
        for name, part in thing.items():
            yield from (name, *strings(part))
    elif isinstance(thing, list):
        for part in thing:
            yield from strings(part)


def absolute(thing: Any) -> list[str]:
    """Texts that name a place on one machine."""
    return [text for text in strings(thing) if _PATH.search(text)]


def test_no_published_record_names_a_place_on_a_machine(repo: Path, records: list[Path]) -> None:
    found = {}
    for path in sorted((repo / "reports").rglob("*.json*")):
        lines = path.read_text(encoding="utf-8")
        content = [json.loads(line) for line in lines.splitlines()] if path.suffix == ".jsonl" else json.loads(lines)  # fmt: skip
        if places := absolute(content):
            found[path.relative_to(repo).as_posix()] = places[:3]
    assert found == {}, "run it again with paths that begin in the repository's root"


@pytest.mark.parametrize(
    "text",
    ["/home/me/data", "--data-mirror=/srv/hub", r"C:\data", "D:/data", "~/hub", "file:///data", "peft:base,/root/x", r"\\host\share"],
)  # fmt: skip
def test_a_place_on_a_machine_is_told(text: str) -> None:
    assert absolute({"command": ["lsm-eval", {"a": text}]}) == [text]
    assert absolute({text: 1}) == [text]


@pytest.mark.parametrize(
    "text",
    ["reports", "../shared/hub", "hf:org/model", "https://host/path", "a/b", "tokens/s", "p / q", "hub:org/data", "10:30", "1/2", "http://127.0.0.1:8000/v1"],
)  # fmt: skip
def test_what_is_no_place_is_none(text: str) -> None:
    assert absolute([text]) == []


def readable(columns: dict[str, list[Any]]) -> list[str]:
    """Texts of the data that a sample table shows."""
    found = []
    for name, values in columns.items():
        for kind, value in zip(columns["request"], values, strict=True):
            if value is None or name in _OWN_WORDS or (name == "target" and kind == "score"):
                continue
            own = _OWN_KEYS if name == "further" else frozenset()
            thing = json.loads(value) if name in ("metadata", "further") else value
            found += [text for text in _values(thing, own) if not _MARK.fullmatch(text)]
    return found


def _values(thing: Any, own: frozenset[str]) -> Iterator[str]:
    if isinstance(thing, dict):
        for name, part in thing.items():
            if name not in own:
                yield from _values(part, own)
    elif isinstance(thing, list):
        for part in thing:
            yield from _values(part, own)
    elif isinstance(thing, str):
        yield thing


def test_no_published_record_shows_texts_that_its_licence_does_not_let(
    repo: Path, records: list[Path]
) -> None:
    definitions = [yaml.safe_load(path.read_bytes()) for path in sorted((repo / "tasks").rglob("*.yaml"))]
    closed = {one["task"] for one in definitions if one.get("redistributable") is False}
    assert "xsum" in closed, "news articles"
    shown = []
    for record in records:
        manifest = json.loads((record / "manifest.json").read_text(encoding="utf-8"))
        for row in manifest["tasks"]:
            if row["task"] not in closed and row.get("redistributable", True):
                continue
            where = f"{record.relative_to(repo)}: {row['task']}"
            if not row.get("redacted"):
                shown.append(f"{where} is not marked as redacted")
            for table in sorted((record / "samples").glob("*.parquet")):
                columns = pq.read_table(table).to_pydict()
                if set(columns["task"]) == {row["task"]} and (texts := readable(columns)):
                    shown.append(f"{where} shows {len(texts)} texts")
    assert shown == [], "run it again with --redact licence"


def test_a_table_that_shows_texts_is_told(tmp_path: Path) -> None:
    rows = [
        sample("t", 0, metadata='{"a": {"b": ["some text"]}, "n": 3}', cluster="a group"),
        generated("t", 1, "Say it.", "It.", ["It!"], thoughts="Hm.", further='[{"request": "generate", "prompt": "More?"}]'),
    ]  # fmt: skip
    for row in rows:
        row.update(thoughts=row.get("thoughts"), further=row.get("further"))
    write_samples(tmp_path / "t.parquet", rows)
    columns = pq.read_table(tmp_path / "t.parquet").to_pydict()
    texts = readable(columns)
    assert {"Q: question 0?\nA:", "yes", " no", "some text", "a group", "Say it.", "It.", "It!", "Hm.", "More?"} == {
        text for text in texts if text not in ("no", " yes")
    }  # fmt: skip
    hidden = redact(columns)
    assert readable(hidden) == []
    one = {**hidden, "prompt": [hidden["prompt"][0], f"{hidden['prompt'][1]} and more"]}
    assert len(readable(one)) == 1
