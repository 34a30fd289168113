"""Boards so large that not everything is read again, or shown: what is done, and what is said of it."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest
from records import estimate, sample, write_record

from lsm_eval.leaderboard import budget, checking, parallel
from lsm_eval.leaderboard.build import build
from lsm_eval.leaderboard.collect import collect
from lsm_eval.leaderboard.options import Options
from lsm_eval.leaderboard.recount_worker import why_not
from lsm_eval.leaderboard.site import Site
from lsm_eval.progress import Silent
from lsm_eval.results.reader import read_records

TASKS = [f"t{at}" for at in range(8)]


def records(root: Path, models: int = 6) -> Path:
    rows = [sample(name, at) for name in TASKS for at in range(2)]
    for place in range(models):
        write_record(
            root / f"model{place}" / "run", f"m{place}", [estimate(name, value=1.0, low=0.3, high=1.0) for name in TASKS], samples=rows,
            model_fields={"fingerprint": f"{place:064x}"},
        )  # fmt: skip
    return root


@pytest.fixture(autouse=True)
def own_place(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LSM_EVAL_CACHE", str(tmp_path_factory.mktemp("cache")))


def test_a_whole_record_is_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = read_records(records(tmp_path))
    asked: list[Path] = []

    def counting(folder: Path, tasks: list[str] | None) -> str:
        asked.append(folder)
        return why_not(folder, tasks)

    monkeypatch.setattr(checking, "why_not", counting)
    assert checking.check(found, Silent()).wrong == {}
    assert len(asked) == 6
    checking.check(found, Silent())
    assert len(asked) == 6
    # Changed with its size and time as they were.
    table = found[0].sample_file("t3")
    state = table.stat()
    content = bytearray(table.read_bytes())
    content[len(content) // 2] ^= 1
    table.write_bytes(content)
    os.utime(table, ns=(state.st_atime_ns, state.st_mtime_ns))
    checking.check(found, Silent())
    assert asked[6:] == [found[0].folder]


def test_one_that_is_not_what_it_says_is_never_remembered(tmp_path: Path) -> None:
    found = read_records(records(tmp_path, 2))
    found[1].sample_file("t0").unlink()
    for _ in range(2):
        assert list(checking.check(found, Silent()).wrong) == [found[1].folder]


def test_of_a_large_board_some_of_every_record_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = read_records(records(tmp_path))
    monkeypatch.setattr(checking, "COUNTED", 24)
    checked = checking.check(found, Silent())
    assert (checked.tables, checked.counted) == (48, 24)
    assert checking.check(found, Silent(), every=True).counted == 48
    site = build(tmp_path, tmp_path.parent / "large").parent
    assert "Of 48 sample tables 24 were counted again" in (site / "index.html").read_text()
    # The same ones, wherever the records lie, and others of each record.
    drawn = [checking.tasks_to_count(one.folder, TASKS, 0.5) for one in found]
    assert all(len(one) == 4 for one in drawn)
    assert len({tuple(one) for one in drawn}) > 1
    assert checking.tasks_to_count(Path("/elsewhere/model0/run"), TASKS, 0.5) == drawn[0]


def test_several_processes_find_what_one_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = read_records(records(tmp_path, 3))
    found[2].sample_file("t0").unlink()
    alone = checking.check(found, Silent()).wrong
    monkeypatch.setattr(checking, "_ALONE", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert checking.check(found, Silent()).wrong == alone
    assert list(alone) == [found[2].folder]


def test_pages_of_samples_are_those_of_the_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records(tmp_path / "r")
    better = [estimate(name, value=1.0, low=0.3, high=1.0) for name in TASKS]
    for row in better:
        row["value"] = 1.0
    board = collect(read_records(tmp_path / "r"))
    assert budget.sampled(board) is None
    shown = budget.sampled(board, 16)
    assert shown is not None
    assert len(shown) == 16
    assert {task for _, task in shown} == set(TASKS)
    monkeypatch.setattr("lsm_eval.leaderboard.write.sampled", lambda board: budget.sampled(board, 16))
    site = build(tmp_path / "r", tmp_path / "site").parent
    assert len(list((site / "samples").rglob("*.html"))) == 16
    pages = "".join(page.read_text() for page in (site / "models").glob("*.html"))
    assert "its samples have no page on a board of this size" in pages
    for page in site.rglob("*.html"):
        for address in set(page.read_text().split('href="')[1:]):
            target = address.partition('"')[0].partition("#")[0]
            assert not target or (page.parent / target).is_file(), (page, target)


def test_copies_of_the_process_write_what_one_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(os, "fork"):
        pytest.skip("needs a system where a process can be split")
    monkeypatch.setattr(parallel, "FEWEST", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    monkeypatch.setattr(
        threading, "active_count", lambda: 1
    )  # those of the tests hold no lock that this needs
    record = read_records(records(tmp_path / "r", 1))[0]
    site = Site(tmp_path / "site", Options())

    def make(job: int) -> None:
        with site.showing(record, record.folder):
            if job == 7:
                raise ValueError("seven")
            site.put(f"{job}.txt", f"{job} by {os.getpid()}")

    parallel.each(range(10), make, site, pages=10)
    assert sorted(site.written) == sorted(f"{job}.txt" for job in range(10) if job != 7)
    texts = [path.read_text() for path in (tmp_path / "site").iterdir()]
    assert len({text.split()[-1] for text in texts}) == 3
    assert "seven" in site.broken[record.folder].why


def test_rebuilt_with_fewer_records_nothing_removed_is_shown(tmp_path: Path) -> None:
    records(tmp_path / "r")
    site = build(tmp_path / "r", tmp_path / "site").parent
    assert "m5" in (site / "index.html").read_text()
    shutil.rmtree(tmp_path / "r" / "model5")
    build(tmp_path / "r", tmp_path / "site")
    for path in site.rglob("*"):
        assert "m5" not in path.name
        assert not path.is_file() or '"m5"' not in path.read_text()
        assert not path.is_file() or ">m5<" not in path.read_text()
