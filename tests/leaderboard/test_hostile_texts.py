"""Two hundred hostile texts in every place of a record: they render as text on every kind of page, and run nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from browsing import running_browser
from hostile import corpus, hostile_board
from made_boards import made_board
from playwright.sync_api import Browser, Dialog, Page, Request
from records import Json, estimate, generated, task, write_record

from lsm_eval.leaderboard.build import build
from lsm_eval.leaderboard.samples import TEXT_LIMIT
from lsm_eval.leaderboard.show import clip, visible
from lsm_eval.profiling.record import ProfileContents, write_profile
from lsm_eval.results.model_rows import ModelRow
from lsm_eval.results.profile_rows import (
    CellRow,
    MeasuredRow,
    ProfileRow,
    SearchRow,
    SelfCheckRow,
    WorkloadRow,
)

UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff]"
)


class Parsed(HTMLParser):
    """Elements, attributes, addresses and comments of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: set[str] = set()
        self.comments: list[str] = []
        self.scripts = 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.scripts += tag == "script" and not any(name == "type" for name, _ in attrs)
        for name, value in attrs:
            self.attributes.add(name)
            if name in ("href", "src", "action", "formaction", "data", "poster", "background", "xlink:href"):
                self.addresses.add(value or "")

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return corpus()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> Path:
    root = tmp_path_factory.mktemp("hostile")
    return build(hostile_board(root / "reports", texts), root / "out", samples=len(texts)).parent


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


class Trap:
    """A page of a browser, and whatever happened on it that must not."""

    def __init__(self, browser: Browser) -> None:
        self.context = browser.new_context(viewport={"width": 1280, "height": 900})
        self.page = self.context.new_page()
        self.trouble: list[str] = []
        self.page.on("dialog", self._dialog)
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("console", lambda message: self.trouble.append(message.text))
        self.page.on("popup", lambda other: self.trouble.append(f"popup {other.url}"))
        self.page.on("request", self._request)

    def _dialog(self, shown: Dialog) -> None:
        self.trouble.append(f"dialog {shown.message}")
        shown.dismiss()

    def _request(self, asked: Request) -> None:
        if not asked.url.startswith("file://"):
            self.trouble.append(asked.url)

    def visit(self, address: str) -> Page:
        self.page.goto(address, timeout=60_000)
        self.check(address)
        return self.page

    def check(self, address: str) -> None:
        state = self.page.evaluate(
            "() => [window.hacked, document.title === 'hacked', Boolean(document.querySelector('#main h1')),"
            " document.querySelectorAll('#injected, iframe, object, embed, img, video, audio, form [formaction], base, link').length,"
            " Boolean({}.hacked), document.querySelectorAll('dialog[open]').length]"
        )
        assert state == [None, False, True, 0, False, 0], address
        assert self.trouble == [], address
        assert (
            self.page.url.partition("?")[0].partition("#")[0] == address.partition("?")[0].partition("#")[0]
        )


def until(page: Page, true: Callable[[], bool]) -> None:
    """Wait until it is so; the page's policy lets no test evaluate a string."""
    for _ in range(500):
        if true():
            return
        page.wait_for_timeout(20)
    raise AssertionError("it did not come about")


@pytest.fixture
def trap(browser: Browser) -> Iterator[Trap]:
    trap = Trap(browser)
    yield trap
    trap.context.close()
    assert trap.trouble == []


def test_the_corpus_has_two_hundred_texts_of_all_kinds(texts: list[str]) -> None:
    assert len(texts) >= 200
    assert len(set(texts)) == len(texts)
    for part in (
        "<script",
        "onerror=",
        "javascript:",
        "<!--",
        "</script>",
        "\u202e",
        "\u200b",
        "\x00",
        "{{",
        "</style>",
        "<svg",
        "&#",
        "../",
    ):
        assert any(part in text for text in texts), part
    assert max(len(text) for text in texts if "\n" not in text) >= 1_000_000


@pytest.mark.slow
def test_every_page_parses_to_the_elements_of_a_harmless_one(
    site: Path, texts: list[str], tmp_path: Path
) -> None:
    plain = build(made_board(tmp_path / "plain", samples=150), tmp_path / "plain-site", samples=150).parent
    ours = [Parsed(path.read_text()) for path in plain.rglob("*.html")]
    tags = set().union(*(page.tags for page in ours)) | {
        "sup",
        "ol",
        "del",
        "ins",
        "details",
        "summary",
        "wbr",
        "br",
    }
    attributes = set().union(*(page.attributes for page in ours)) | {
        "title",
        "rowspan",
        "colspan",
        "open",
        "data-label",
    }
    kinds = {path.relative_to(plain).parts[0] for path in plain.rglob("*.html")}
    pages = sorted(site.rglob("*.html"))
    assert {path.relative_to(site).parts[0] for path in pages} == kinds
    assert len(list((site / "models").iterdir())) == len(texts) + 2, "no record was left out"
    for path in pages:
        content = path.read_text()
        page = Parsed(content)
        assert page.tags <= tags, (path, page.tags - tags)
        assert page.attributes <= attributes, (path, page.attributes - attributes)
        assert not any(name.startswith("on") for name in page.attributes), path
        assert page.scripts == 1, path
        assert page.comments == [], path
        for address in page.addresses:
            assert not re.match(r"\s*([a-z]+:|//)", address, re.IGNORECASE), (path, address)
            assert "{{" not in address
        assert not UNSEEN.search(content), path
        assert "hacked" not in re.search("<style>(.*?)</style>", content, re.DOTALL)[1], path  # type: ignore[index]


def test_names_of_files_are_tame(site: Path) -> None:
    for path in site.rglob("*"):
        assert path.name == ".lsm-eval-site" or re.fullmatch(r"[a-z0-9][a-z0-9.-]*", path.name), path
        assert len(path.name) < 100


def test_pieces_of_data_are_json_in_ascii(site: Path) -> None:
    pieces = [path for path in site.rglob("*.js") if path.relative_to(site).parts[0] == "samples"]
    assert pieces
    for path in pieces:
        content = path.read_bytes()
        assert content.isascii()
        assert not re.search(rb"[<&\x00-\x09\x0b-\x1f\x7f]", content), path  # without a < no > ends anything
        assert content.startswith(b"lsmPiece(")
        assert len(content) < 200_000, path


@pytest.mark.slow  # pages of a megabyte on one line, opened one by one
def test_no_page_runs_anything(site: Path, trap: Trap) -> None:
    """Each kind of page; of models' pages, one in twenty-three (all of them parse to harmless elements, as above)."""
    many = [*sorted((site / "models").glob("*.html"))[::23], *sorted((site / "history").glob("*.html"))[::45]]
    others = [path for path in sorted(site.rglob("*.html")) if path.parent.name not in ("models", "history")]
    for path in [*others, *many]:
        page = trap.visit(path.as_uri())
        page.evaluate("() => { for (const one of document.querySelectorAll('details')) one.open = true; }")
        trap.check(path.as_uri())


@pytest.mark.slow
def test_no_model_page_runs_anything(site: Path, trap: Trap) -> None:
    for path in [*sorted((site / "models").glob("*.html")), *sorted((site / "history").glob("*.html"))]:
        trap.visit(path.as_uri())


def test_all_samples_render_as_the_text_that_they_are(site: Path, texts: list[str], trap: Trap) -> None:
    address = (site / "samples" / "answers-0" / "qa.html").as_uri()
    page = trap.visit(address)
    while page.locator("#more").is_visible():
        count = page.locator("article").count()
        page.locator("#more").click()
        until(page, lambda: page.locator("article").count() > count)  # noqa: B023
    assert page.locator("article").count() == len(texts)
    found = page.evaluate(
        "() => Array.from(document.querySelectorAll('article'), (one) => Array.from(one.querySelectorAll('pre'), (pre) => pre.textContent))"
    )
    for text, shown in zip(texts, found, strict=True):
        whole = visible(clip(text, TEXT_LIMIT))
        # Of a sample that is too long, fewer characters are shown.
        some = [visible(clip(text, limit)) for limit in (1000, 250, 40)]
        assert len(shown) >= 4
        assert set(shown) <= {whole, *some}, text[:80]
        assert len(set(shown)) == 1
    page.evaluate("() => { for (const one of document.querySelectorAll('details')) one.open = true; }")
    trap.check(address)


def test_addresses_that_lie_and_searches_run_nothing(site: Path, trap: Trap) -> None:
    page = site / "samples" / "answers-0" / "qa.html"
    for tail in (
        "?q=%3Cimg%20src%3Dx%20onerror%3Dwindow.hacked%3D1%3E", "?show=__proto__,constructor&q=%00", "?lang=__proto__", "?lang=%3Cb%3E&theme=%3Cscript%3E",
        "#s999999", "#s-1", "#s%3Cscript%3E", "#q=%3Cscript%3Ewindow.hacked=1%3C/script%3E", "?__proto__[hacked]=1",
    ):  # fmt: skip
        shown = trap.visit(page.as_uri() + tail)
        shown.wait_for_timeout(50)
        trap.check(page.as_uri() + tail)
    shown = trap.visit(page.as_uri())
    shown.locator("[name=q]").fill("<script>alert(1)</script>".upper())
    until(shown, lambda: re.search("match", shown.locator("#found").inner_text()) is not None)
    assert shown.locator("article:visible").count() > 0
    trap.check(page.as_uri())


def test_profiles_failures_judges_and_other_requests_run_nothing(
    texts: list[str], trap: Trap, tmp_path: Path
) -> None:
    some = texts[::9]
    mean = [
        MeasuredRow(
            metric=name, unit="s" if name != "requests_per_second" else "requests/s", higher_is_better=None, value=1.0 + at, low=0.5,
            high=9.0, method=some[at], n=9,
        )
        for at, name in enumerate(("requests_per_second", "latency"))
    ]  # fmt: skip
    cells = [
        CellRow(
            name=f"c{at}", title=text, conditions={"phase": text, text: text, "batch": at}, metrics=mean if at % 3 else [],
            failures={text: 1}, missing=None if at % 3 else text, check=SelfCheckRow(client_bound=at % 3 == 1, reasons=[text]), listed=False,
        )
        for at, text in enumerate(some)
    ]  # fmt: skip
    text = some[3]
    rate = SearchRow(rule=text, attainment=0.9, level=0.95, rate=1.0, low=1.0, high=None, steps=[], why=text)
    profile = ProfileRow(
        kind="serving", version=1, formulas=text, workload=WorkloadRow(name=text, sha256="ab" * 32), asked={text: text}, cache="cold",
        machine=text, cells=cells, objective={text: 0.5}, search=rate, notes=some,
    )  # fmt: skip
    rows = []
    for at, one in enumerate(some):
        said = json.dumps({one: [{one: {"answer": one, "share": 0.5}}, {one: {"answer": None, "why": one}}]})
        more = json.dumps([{"request": "generate", "prompt": one, "completion": one}])
        lost: Json = {"failure": one, "failure_detail": one, "score.accuracy": None, "stats.accuracy": None}
        rows.append(
            generated(
                "qa",
                at,
                one,
                one,
                [one],
                metadata=json.dumps({one: one}),
                judgements=said,
                further=more,
                **(lost if at % 2 else {}),
            )
        )
    write_record(
        tmp_path / "reports" / "r", "m", [estimate("qa", value=1.0, n=len(some) - len(some) // 2, missing=len(some) // 2)], samples=rows,
        tasks=[task("qa", request="generate", failures=dict.fromkeys(some[1::2], 1))],
    )  # fmt: skip
    profiled = ProfileContents(
        profile=profile,
        model=ModelRow(name="m", fingerprint="f" * 64),
        created=datetime(2025, 3, 1, tzinfo=UTC),
        seconds=1.0,
    )
    write_profile(tmp_path / "reports", profiled)
    site = build(tmp_path / "reports", tmp_path / "out", samples=len(some)).parent
    for name in ("models/m.html", "samples/m/qa.html", "tasks/qa.html"):
        page = trap.visit((site / name).as_uri())
        page.evaluate("() => { for (const one of document.querySelectorAll('details')) one.open = true; }")
        trap.check((site / name).as_uri())
        assert page.locator("main").inner_text()
    assert 'class="chart"' in (site / "models" / "m.html").read_text()
