"""A real browser for tests, and pages that must not complain in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, sync_playwright

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Chromium without a window; skips the test where there is none."""
    found = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)
    if found is None:
        pytest.skip("needs a browser: install chromium (or google-chrome) to test the pages in it")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield running
        running.close()


def serious(page: Page) -> list[str]:
    """What axe-core finds serious on the page; skips the test where it is not installed."""
    pytest.importorskip("axe_playwright_python", reason="needs axe-playwright-python, which brings axe-core")
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {})")
    assert len(found["passes"]) > 10
    return [
        f"{one['id']}: {node['html'][:200]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@contextmanager
def quiet_page(browser: Browser, **context: Any) -> Iterator[Page]:
    """A page that must not complain, ask anything of a network, or open a dialog."""
    opened = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **context})
    page = opened.new_page()
    trouble: list[str] = []

    def dialog(shown: Dialog) -> None:
        trouble.append(f"dialog {shown.message}")
        shown.dismiss()

    def request(asked: Request) -> None:
        if not asked.url.startswith(("file://", "blob:")):
            trouble.append(asked.url)

    def console(message: ConsoleMessage) -> None:
        # Chromium's word that an address with a fragment keeps the focus there.
        if not message.text.startswith("Autofocus processing was blocked"):
            trouble.append(message.text)

    page.on("console", console)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("dialog", dialog)
    page.on("request", request)
    yield page
    opened.close()
    assert not trouble, trouble
