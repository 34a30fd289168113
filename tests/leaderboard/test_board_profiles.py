"""Every number of speed and memory that the published site shows is made anew from the batches that profiles measured."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from board_curves import ModelPage, check_profile, check_run, most_memory, read_runs
from board_numbers import read_board
from board_pages import Page
from board_profiles import (
    Profiles,
    check_profile_columns,
    check_profile_task,
    named,
    read_profiles,
    unlike,
)
from recomputed_profiles import ratio, wide

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def records(repo: Path) -> Path:
    folder = repo / "reports" / "board"
    if not folder.is_dir():
        pytest.skip("needs the published records")
    return folder


@pytest.fixture(scope="module")
def site(repo: Path) -> Path:
    folder = repo / "leaderboard"
    if not folder.is_dir():
        pytest.skip("needs the published site")
    return folder


@pytest.fixture(scope="module")
def names(records: Path) -> dict[str, str]:
    return named(read_board(records))


@pytest.fixture(scope="module")
def profiles(records: Path, names: dict[str, str]) -> Profiles:
    return read_profiles(records, names)


def count(profiles: Profiles) -> Counter[str]:
    """Values and intervals that there should be."""
    found: Counter[str] = Counter()
    for profile in profiles.values():
        for _, _, one in profile.each():
            found.update(values=one.value is not None, intervals=one.ends is not None)
    return found


def test_numbers_are_what_the_batches_make(profiles: Profiles) -> None:
    assert unlike(profiles) == []
    found = count(profiles)
    assert found["values"] >= 200
    assert found["intervals"] >= 180


def test_model_pages_show_them_in_numbers_and_curves(profiles: Profiles, site: Path) -> None:
    seen: Counter[str] = Counter()
    pages = [ModelPage(path) for path in sorted((site / "models").glob("*.html"))]
    for page in pages:
        assert len(page.profiles) == (page.name in profiles), page.name
        for part in page.profiles:
            seen += check_profile(part, profiles[page.name])
    assert {name: seen[name] for name in ("values", "intervals")} == count(profiles)
    assert seen["drawn"] >= 216
    assert seen["notes"] >= 1


def test_task_pages_and_columns_show_them(profiles: Profiles, site: Path) -> None:
    seen: Counter[str] = Counter()
    cells = {cell for profile in profiles.values() for cell in profile.numbers}
    for cell in sorted(cells):
        path = site / "tasks" / f"profile-{cell.replace('_', '-')}.html"
        seen += check_profile_task(Page(path.read_text(encoding="utf-8")), profiles, cell)
    assert seen == count(profiles) == check_profile_columns(site, profiles)


def test_model_pages_show_what_runs_took(profiles: Profiles, records: Path, site: Path) -> None:
    """Seconds by phase, tokens a second, shares of the machine, and memory, of which batches held no more."""
    seen: Counter[str] = Counter()
    runs = read_runs(records)
    for path in sorted((site / "models").glob("*.html")):
        for part in ModelPage(path).runs:
            seen += check_run(part, runs)
    assert seen["phases"] >= 120
    assert seen["work"] >= 20
    assert seen["rates"] >= 16
    for profile in profiles.values():
        most = most_memory(profile)
        assert most is None or most <= profile.manifest["profile"]["peak_memory_bytes"]


def changed(profiles: Profiles, names: dict[str, str], folder: Path, column: str, value: Any) -> Profiles:
    """The first model's profile, copied, with the first batch that counts changed."""
    shutil.copytree(profiles[min(profiles)].folder, folder / "record")
    path = folder / "record" / "profile" / "repeats.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    first = next(row for row in rows if not row["warm_up"] and row["disturbed"] is None)
    first[column] = value
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    return {**profiles, **read_profiles(folder, names)}


def found_unlike(profiles: Profiles) -> tuple[set[str], set[str]]:
    """Cells and metrics."""
    words = [one.rpartition(": ")[2].split() for one in unlike(profiles)]
    return {own[0] for own in words}, {own[1] for own in words}


def test_one_changed_batch_is_found_on_every_page(
    profiles: Profiles, names: dict[str, str], site: Path, tmp_path: Path
) -> None:
    other = changed(profiles, names, tmp_path, "seconds", 60.0)
    (cell,), metrics = found_unlike(other)
    assert metrics >= {"input_tokens_per_second", "requests_per_second", "latency"}
    (page,) = [one for one in map(ModelPage, (site / "models").glob("*.html")) if one.name == min(other)]
    with pytest.raises(AssertionError, match=cell):
        check_profile(page.profiles[0], other[min(other)])
    task = Page((site / "tasks" / f"profile-{cell.replace('_', '-')}.html").read_text(encoding="utf-8"))
    with pytest.raises(AssertionError, match=cell):
        check_profile_task(task, other, cell)
    with pytest.raises(AssertionError, match=cell):
        check_profile_columns(site, other)


def test_a_batch_beyond_the_machine_leaves_no_share(
    profiles: Profiles, names: dict[str, str], tmp_path: Path
) -> None:
    other = changed(profiles, names, tmp_path, "reach_flops", 1.0)
    assert found_unlike(other)[1] == {"flops_share"}


def test_ratios_of_sums_have_their_textbook_interval() -> None:
    """Of equal seconds that of a mean (Cochran 1977, example in section 2.8's way): 1, 2, 3, 4 have 2.5 ± 3.182 · 0.6455."""
    found = ratio([(one, 1.0) for one in (1.0, 2.0, 3.0, 4.0)])
    assert found.ends == pytest.approx((2.5 - 3.18245 * 0.645497, 2.5 + 3.18245 * 0.645497), rel=1e-5)
    assert wide({"prefill_b1_p8_o1": {"latency": found}}, 0.05) == (
        "1 of 1 cells have an interval of more than 5 % either way after 4 rounds (Prefill, batch 1, prompt 8: 82 %)"
    )
    assert wide({"prefill_b1_p8_o1": {"latency": found}}, 0.9) is None
