"""The site in a real browser, opened from disk."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, Request, sync_playwright
from records import Json, estimate, generated, sample, task, write_record

from lsm_eval.leaderboard.build import build

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
ATTACK = (
    "<script>window.pwned=1;alert(1)</script>\"><img src=x onerror='window.pwned=1;alert(2)'>"
    "</script><svg onload=alert(3)>"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)
    if found is None:
        pytest.skip("needs a browser: install chromium (or google-chrome) to test the pages in it")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("site")
    values = {"beta": (0.5, 30.0), "Alpha": (0.9, None), "gamma 10": (0.7, 10.5), "gamma 9": (None, 20.25)}
    for place, (name, (accuracy, perplexity)) in enumerate(values.items()):
        shots = 5 if name == "beta" else 0
        wiki = estimate(
            "wiki", "ppl", perplexity, area="perplexity", unit="perplexity", higher_is_better=False
        )
        wiki["signature"] = wiki["signature"].replace("shots:0", f"shots:{shots}")
        counts: Json = {} if accuracy else {"n": 0, "missing": 2}
        failed: Json = {} if accuracy else {"failure": "nan", "score.accuracy": None, "stats.accuracy": None}
        tasks = [
            task("arc", limit=50 if name == "beta" else None, failures={} if accuracy else {"nan": 2}),
            task("wiki", "perplexity", shots=shots, no_samples="it is large"),
        ]
        samples = [
            sample("arc", 0, prompt=ATTACK, choices=[ATTACK, "no"], **failed),
            sample("arc", 1, **failed),
        ]
        rows = [estimate("arc", value=accuracy, **counts), wiki]
        write_record(
            root / "reports" / str(place), name, rows, tasks=tasks, samples=samples,
            model_fields={"fingerprint": str(place) * 64},
        )  # fmt: skip
    rows = [estimate("arc", value=0.25), estimate("adv", area="safety", value=0.1)]
    tasks = [task("arc", no_samples="it is large"), task("adv", "safety", request="generate")]
    samples = [generated("adv", 0, "the bad prompt", ATTACK, ["no"])]
    write_record(root / "reports" / "u", "builtin:uniform", rows, tasks=tasks, samples=samples)
    rows, tasks = [estimate("arc", value=0.01, title=ATTACK)], [task("arc", title=ATTACK)]
    write_record(root / "reports" / "x", ATTACK, rows, tasks=tasks)
    return build(root / "reports", root / "out").parent


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that must not complain, ask anything of a network, or open a dialog."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    trouble: list[str] = []

    def dialog(opened: Dialog) -> None:
        trouble.append(f"dialog {opened.message}")
        opened.dismiss()

    def request(asked: Request) -> None:
        if not asked.url.startswith("file://"):
            trouble.append(asked.url)

    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("dialog", dialog)
    page.on("request", request)
    yield page
    context.close()
    assert trouble == []


def column(page: Page, place: int) -> list[str]:
    cells = page.locator(f"#board tbody tr > :nth-child({place + 1})").all()
    return [re.split(r"[\s†]", cell.inner_text().strip())[0] for cell in cells]


def header(page: Page, label: str) -> str | None:
    return page.locator(f"th[data-label='{label}']").get_attribute("aria-sort")


def test_the_table_has_the_numbers(page: Page, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    row = page.locator("#board tbody tr", has_text="beta")
    assert "50.0%" in row.inner_text()
    assert "[47.5, 52.5]" in row.inner_text()
    assert "n 2" in row.inner_text()
    assert "limit" in row.inner_text()
    assert "30.00†" in row.inner_text()
    assert "shots:5" in (row.locator("td.apart").get_attribute("title") or "")
    missing = page.locator("#board tbody tr", has_text="gamma 9").locator("td.none span[title]").first
    assert missing.get_attribute("title") == "all 2 samples failed (2 nan)"
    assert "no model" in page.locator("#board tbody tr.nomodel").inner_text()
    assert page.locator("th.area").all_inner_texts() == ["ACCURACY", "PERPLEXITY", "SAFETY"]


def test_a_press_sorts_and_another_reverses(page: Page, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    button = page.locator("th[data-label='arc'] button")
    button.click()
    assert header(page, "arc") == "descending"
    assert column(page, 1) == ["90.0%", "70.0%", "50.0%", "25.0%", "1.0%", "–"]
    button.click()
    assert header(page, "arc") == "ascending"
    assert column(page, 1) == ["1.0%", "25.0%", "50.0%", "70.0%", "90.0%", "–"]
    page.locator("th[data-label='wiki'] button").click()
    # Lower is better: the best comes first.
    assert header(page, "wiki") == "ascending"
    assert header(page, "arc") == "none"
    assert column(page, 2) == ["10.50", "20.25", "30.00", "–", "–", "–"]
    page.locator("th[data-label='wiki'] button").click()
    assert column(page, 2) == ["30.00", "20.25", "10.50", "–", "–", "–"]
    assert page.locator("#sorted").inner_text() == "Sorted by wiki, descending."


def test_the_keyboard_sorts(page: Page, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    for key, order in (("Enter", "ascending"), ("Space", "descending")):
        page.locator("th[data-label='model'] button").focus()
        page.keyboard.press(key)
        assert header(page, "model") == order
    names = column(page, 0)
    assert names.index("gamma") < names.index("beta") < names.index("Alpha")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert header(page, "arc") == "descending"


def test_links_lead_from_page_to_page(page: Page, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    page.locator("#board tbody tr", has_text="beta").locator("td a").first.click()
    assert page.url.endswith("models/beta.html#arc")
    assert "50.0%" in page.locator("#arc").inner_text()
    assert page.locator("#arc svg.bar rect.range").bounding_box()
    page.locator("#arc a.more", has_text="samples").click()
    assert page.url.endswith("samples/beta/arc.html")
    assert "All 2 samples." in page.locator("#extent").inner_text()
    page.locator(".brand").click()
    assert page.url.endswith("/index.html")


def test_hostile_texts_do_not_run(page: Page, site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) == 1 + 6 + 6 + 3 + 5
    for path in pages:
        page.goto(path.as_uri())
        page.wait_for_timeout(30)
        assert page.evaluate("window.pwned") is None
        assert page.locator("img, svg[onload], [onerror]").count() == 0
        assert page.locator("script:not([type])").count() == 1
    page.goto((site / "samples" / "beta" / "arc.html").as_uri())
    assert page.locator("#s0 pre").first.inner_text() == ATTACK


def test_the_policy_stops_scripts_and_requests(browser: Browser, site: Path) -> None:
    """What would have to hold if escaping ever failed."""
    page = browser.new_page()
    blocked: list[str] = []
    page.on("console", lambda message: blocked.append(message.text))
    page.goto((site / "index.html").as_uri())
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.pwned = 1";
          document.body.append(script);
          document.body.insertAdjacentHTML("beforeend", "<img src='x.png' onerror='window.pwned = 2'>");
        }"""
    )
    page.wait_for_timeout(200)
    assert page.evaluate("window.pwned") is None
    assert sum("Content Security Policy" in text for text in blocked) >= 2
    page.close()


def test_safety_texts_open_on_demand(page: Page, site: Path) -> None:
    page.goto((site / "samples" / "builtin-uniform" / "adv.html").as_uri())
    prompt = page.get_by_text("the bad prompt")
    assert not prompt.is_visible()
    page.locator("#s0 details.folded > summary").click()
    assert prompt.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_scrolls_the_table_and_not_the_page(browser: Browser, site: Path, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    for path in sorted(site.rglob("*.html")):
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    page.goto((site / "index.html").as_uri())
    assert page.evaluate("document.querySelector('main > .scroll').scrollWidth") > 390
    before = page.locator("#board tbody th").first.bounding_box()
    page.evaluate("document.querySelector('main > .scroll').scrollLeft = 120")
    assert page.evaluate("document.querySelector('main > .scroll').scrollLeft") > 0
    assert page.locator("#board tbody th").first.bounding_box() == before
    ink, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    bright = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (ink, paper)]
    assert (bright[0] > bright[1]) == (scheme == "dark")
    context.close()
