"""The site in one file: every page is in it, with and without scripts, and it asks for nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import quiet_page, running_browser
from made_boards import made_board
from playwright.sync_api import Browser, Page

from lsm_eval.leaderboard.build import build
from lsm_eval.leaderboard.options import Options


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("single")
    made_board(root / "reports", samples=30)
    return build(root / "reports", root / "out", options=Options(single_file=True))


def test_it_is_one_file_that_the_next_build_may_replace(file: Path) -> None:
    assert sorted(path.name for path in file.parent.iterdir()) == [".lsm-eval-site", "index.html"]
    build(file.parent.parent / "reports", file.parent, options=Options(single_file=True))


def heading(page: Page) -> list[str]:
    return page.locator("h1:visible").all_inner_texts()


@pytest.mark.parametrize("scripts", [True, False])
def test_links_lead_through_it(browser: Browser, file: Path, scripts: bool) -> None:
    with quiet_page(browser, java_script_enabled=scripts) as page:
        page.goto(file.as_uri())
        assert heading(page) == ["Leaderboard"]
        page.locator("[data-board]:visible tbody a", has_text="gamma").first.click()
        assert heading(page) == ["gamma"]
        page.locator("a.more:visible", has_text="samples").first.click()
        assert len(heading(page)) == 1
        assert "#samples/gamma/" in page.url
        page.go_back()
        assert heading(page) == ["gamma"]
        page.locator("nav a", has_text="Compare").click()
        assert page.url.endswith("#compare.html")
        page.locator(".brand").click()
        assert heading(page) == ["Leaderboard"]


def test_scripts_and_pieces_work_in_it(browser: Browser, file: Path) -> None:
    with quiet_page(browser) as page:
        page.goto(f"{file.as_uri()}?lang=zh#index.html")
        assert page.locator("h1:visible").inner_text() == "排行榜"
        button = page.locator("[data-board] thead th[data-id='task:arc:accuracy'] button")
        button.click()
        assert "sort=task%3Aarc%3Aaccuracy" in page.url
        assert page.url.endswith("#index.html")
        page.locator("[data-board] tbody a", has_text="beta").first.click()
        page.locator("a.more:visible[href*='samples/']").first.click()
        assert page.locator("[data-kind=samples] article").count() > 1
        identities = page.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
        assert len(set(identities)) == len(identities)
