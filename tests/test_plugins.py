"""Entry points of other packages: found wherever Python finds a package, and not looked for where none can be."""

from __future__ import annotations

import importlib.metadata
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lsm_eval.plugins import points

NAMED = "Metadata-Version: 2.1\nName: birds\nVersion: 1.0\n"
LISTED = "[lsm_eval.birds]\nwren = birds:Wren\n"


def found() -> list[str]:
    return [point.value for point in points("lsm_eval.birds")]


@pytest.mark.parametrize("kind", ["Birds-1.0.dist-info", "birds-1.0.egg-info"])
def test_in_a_folder(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / kind).mkdir()
    (tmp_path / kind / "entry_points.txt").write_text(LISTED)
    assert found() == []
    monkeypatch.syspath_prepend(tmp_path)
    assert found() == ["birds:Wren"]


def test_in_the_folder_of_an_egg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "birds-1.0-py3.11.egg" / "EGG-INFO"
    info.mkdir(parents=True)
    (info / "PKG-INFO").write_text(NAMED)
    (info / "entry_points.txt").write_text(LISTED)
    monkeypatch.syspath_prepend(info.parent)
    assert found() == ["birds:Wren"]


def test_in_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "birds.zip", "w") as archive:
        archive.writestr("birds-1.0.dist-info/METADATA", NAMED)
        archive.writestr("birds-1.0.dist-info/entry_points.txt", LISTED)
    monkeypatch.syspath_prepend(tmp_path / "birds.zip")
    assert found() == ["birds:Wren"]


def test_by_a_finder_of_another_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Package(importlib.metadata.Distribution):
        metadata: Any = {"Name": "birds"}  # noqa: RUF012 (as the class that it stands for has it)

        def read_text(self, filename: str) -> str | None:
            return LISTED if filename == "entry_points.txt" else None

        def locate_file(self, path: Any) -> Path:
            return tmp_path / str(path)

    def packages(context: Any = None) -> Iterator[Package]:
        yield Package()

    finder: Any = SimpleNamespace(find_distributions=packages, find_spec=lambda *_: None)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, finder])
    assert found() == ["birds:Wren"]


@pytest.mark.parametrize("entry", ["", "/no/such/folder", b"bytes", "a\0b"])
def test_odd_entries_do_no_harm(entry: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [entry, *sys.path])
    assert found() == []


def test_packages_that_say_nothing_of_a_group_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(**_: str) -> None:
        raise AssertionError

    monkeypatch.setattr(importlib.metadata, "entry_points", asked)
    assert found() == []
