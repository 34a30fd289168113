"""What all pages have in common, in a real browser, opened from disk: policy, pieces, languages, light and dark."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import quiet_page, running_browser
from playwright.sync_api import Browser, Page

import lsm_eval.leaderboard
from lsm_eval.leaderboard.frame.bundle import Bundle, asset, lean_css
from lsm_eval.leaderboard.frame.page import Frame, NavEntry
from lsm_eval.leaderboard.frame.page import Page as Made
from lsm_eval.leaderboard.frame.safe import safe_json
from lsm_eval.leaderboard.options import Options
from lsm_eval.leaderboard.site import Site

ATTACK = "</script><script>window.pwned=1</script><!--<img src=x onerror=window.pwned=2>\u202e\u2028{n}"
TEMPLATE = """{% extends "base.html.j2" %}
{% block title %}{{ tp("Leaderboard") }}{% endblock %}
{% block main %}
<h1{{ ta("title", "Board") }}>{{ t("Leaderboard") }}</h1>
<p id="hostile">{{ t("{n} of {all}", n=attack, all="{n}") }}</p>
<p id="out"></p><a id="on" href="models/x.html#there">on</a>
{{ data("own", own) }}
{% endblock %}"""
SCRIPT = """lsm.page("demo", (main) => {
  main.querySelector("#out").textContent = lsm.data(main, "own").text;
  window.ask = (name) => lsm.piece(name).then((got) => { window.got = got; }, (error) => { window.failed = error.message; });
});"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with quiet_page(browser) as page:
        yield page


def site(folder: Path, *, language: str = "en", pieces: bool = True) -> Path:
    frame = Frame(language, [NavEntry("index.html", "Board")])
    template = frame._environment.from_string(TEMPLATE)
    own = Bundle(asset("common.css"), asset("common.js") + SCRIPT, pieces)
    made = Made("demo", template, own, frame.words)
    under_way = Site(folder, Options(language=language))
    under_way.put("index.html", made.render("index.html", attack=ATTACK, own={"text": ATTACK}))
    under_way.put("models/x.html", made.render("models/x.html", attack=ATTACK, own={"text": ATTACK}))
    assert (
        under_way.piece("pieces/a b/1.js", {"text": ATTACK, "many": [1, None, float("nan")]})
        == "pieces/a b/1.js"
    )
    return folder / "index.html"


def test_pieces_load_from_disk_and_are_only_data(page: Page, tmp_path: Path) -> None:
    index = site(tmp_path)
    for path in (index, tmp_path / "models" / "x.html"):
        page.goto(path.as_uri())
        page.evaluate("window.got = null; ask('pieces/a b/1.js')")
        page.wait_for_function("window.got")
        assert page.evaluate("window.got.many") == [1, None, None]
        assert "⟨U+202E⟩" in page.evaluate("window.got.text")
        assert page.evaluate("window.pwned") is None


def test_a_piece_that_is_not_there_is_an_error_and_may_be_asked_again(
    browser: Browser, tmp_path: Path
) -> None:
    page = browser.new_page()
    page.goto(site(tmp_path).as_uri())
    page.evaluate("ask('pieces/none.js')")
    page.wait_for_function("window.failed")
    (tmp_path / "pieces" / "none.js").write_text('lsmPiece("pieces/none.js",5);')
    page.evaluate("ask('pieces/none.js')")
    page.wait_for_function("window.got === 5")
    page.close()


def test_styles_mean_the_same_without_their_spaces(page: Page, tmp_path: Path) -> None:
    page.goto(site(tmp_path).as_uri())
    rules = (
        "(css) => { const sheet = new CSSStyleSheet(); sheet.replaceSync(css);"
        # The value of a property of ours is kept as it is written.
        " return [...sheet.cssRules].map((rule) => rule.cssText.replaceAll(', ', ',')); }"
    )
    styles = sorted((Path(lsm_eval.leaderboard.__file__).parent / "assets").glob("*.css"))
    assert len(styles) > 5
    for path in styles:
        css = path.read_text(encoding="utf-8")
        lean = lean_css(css)
        assert "/*" not in css
        assert len(lean) < len(css)
        assert page.evaluate(rules, lean) == page.evaluate(rules, css) != [], path.name
    assert lean_css('a  b { content: "x ; y: z" }') == 'a b{content:"x ; y: z"}'


@pytest.mark.parametrize("pieces", [True, False])
def test_the_policy_lets_nothing_else_run(browser: Browser, tmp_path: Path, pieces: bool) -> None:
    """What would have to hold if escaping ever failed."""
    text = site(tmp_path, pieces=pieces).read_text()
    (tmp_path / "evil.js").write_text("window.pwned = 1;")
    injected = text.replace("<main", "<script src='evil.js'></script><script>window.pwned=2</script><main", 1)
    (tmp_path / "injected.html").write_text(injected)
    page = browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto((tmp_path / "injected.html").as_uri())
    page.evaluate(
        """() => {
          document.body.insertAdjacentHTML("beforeend", "<img src='x.png' onerror='window.pwned=3'>");
          const script = document.createElement("script");
          script.src = "https://example.org/evil.js";
          document.body.append(script);
        }"""
    )
    page.wait_for_timeout(200)
    assert page.evaluate("window.pwned") is None
    assert sum("Content Security Policy" in text for text in complaints) >= 4
    page.close()


def test_language_and_look_are_in_the_address_and_links_keep_them(page: Page, tmp_path: Path) -> None:
    page.goto(site(tmp_path).as_uri())
    assert page.locator("h1").inner_text() == "Leaderboard"
    page.get_by_role("button", name="中文").click()
    assert page.locator("h1").inner_text() == "排行榜"
    assert page.locator("h1").get_attribute("title") == "榜单"
    assert page.evaluate("document.documentElement.lang") == "zh"
    page.locator("[data-set-theme=dark]").click()
    assert page.url.endswith("index.html?lang=zh&theme=dark")
    page.locator("#on").click()
    assert page.url.endswith("models/x.html?lang=zh&theme=dark#there")
    assert page.locator("h1").inner_text() == "排行榜"
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"
    page.get_by_role("button", name="English").click()
    assert page.locator("h1").inner_text() == "Leaderboard"
    assert page.url.endswith("x.html?theme=dark#there")
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
    page.goto(f"{site(tmp_path).as_uri()}#lang=zh")
    assert page.locator("h1").inner_text() == "排行榜"


def test_a_site_in_chinese_reads_without_scripts_and_has_english(browser: Browser, tmp_path: Path) -> None:
    index = site(tmp_path, language="zh")
    with quiet_page(browser, java_script_enabled=False) as page:
        page.goto(index.as_uri())
        assert page.locator("h1").inner_text() == "排行榜"
        assert not page.locator(".switches").is_visible()
    with quiet_page(browser) as page:
        page.goto(f"{index.as_uri()}?lang=en")
        assert page.locator("h1").inner_text() == "Leaderboard"


def test_parts_of_a_text_stay_text(page: Page, tmp_path: Path) -> None:
    page.goto(site(tmp_path).as_uri())
    plain = page.locator("#hostile").inner_text()
    assert plain.startswith("</script><script>window.pwned=1")
    assert plain.endswith("{n} of {n}")
    page.get_by_role("button", name="中文").click()
    page.get_by_role("button", name="English").click()
    assert page.locator("#hostile").inner_text() == plain
    assert page.evaluate("window.pwned") is None


def test_json_for_scripts_cannot_end_them() -> None:
    text = safe_json({ATTACK: [ATTACK, float("inf"), 1.5, True, None]})
    assert text.isascii()
    assert not set("<&\n") & set(text), "and a > alone ends nothing"
    (found,) = json.loads(text).values()
    assert found[1:] == [None, 1.5, True, None]
    assert "⟨U+202E⟩" in found[0]
    with pytest.raises(TypeError):
        safe_json({"a": object()})
