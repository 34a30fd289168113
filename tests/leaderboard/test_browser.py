"""The site in a real browser, opened from disk."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import quiet_page, running_browser
from playwright.sync_api import Browser, Page
from records import Json, estimate, generated, sample, task, write_record

from lsm_eval.leaderboard.build import build
from lsm_eval.leaderboard.options import Options

ATTACK = (
    "<script>window.pwned=1;alert(1)</script>\"><img src=x onerror='window.pwned=1;alert(2)'>"
    "</script><svg onload=alert(3)>"
)
SAID = r"– (all 2 samples failed \(2 nan\)|not run|undefined over its 200 samples)"
ARC = "task:arc:accuracy"
WIKI = "task:wiki:ppl"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


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
        more = estimate("arc", "second", 0.125 + place / 10) if accuracy else None
        rows = [estimate("arc", value=accuracy, **counts), wiki, *([more] if more else [])]
        write_record(
            root / "reports" / str(place), name, rows, tasks=tasks, samples=samples,
            created=f"2025-01-0{place + 1}T00:00:00+00:00",
            model_fields={
                "fingerprint": str(place) * 64, "licence": ("mit", "apache-2.0")[place % 2], "parameters": (place + 1) * 10**9,
            },
        )  # fmt: skip
    rows = [estimate("arc", value=0.25), estimate("adv", area="safety", value=0.1, higher_is_better=False)]
    tasks = [task("arc", no_samples="it is large"), task("adv", "safety", request="generate")]
    samples = [generated("adv", 0, "the bad prompt", ATTACK, ["no"])]
    write_record(root / "reports" / "u", "builtin:uniform", rows, tasks=tasks, samples=samples)
    rows, tasks = [estimate("arc", value=0.01, title=ATTACK)], [task("arc", title=ATTACK)]
    write_record(root / "reports" / "x", ATTACK, rows, tasks=tasks)
    return build(root / "reports", root / "out").parent


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with quiet_page(browser) as page:
        yield page


def front(page: Page, site: Path, state: str = "") -> None:
    page.goto(f"{(site / 'index.html').as_uri()}{state}")
    page.wait_for_function("!document.querySelector('.tools').hidden")


def column(page: Page, name: str) -> list[str]:
    """What stands in a column, from the top, tags and intervals left out."""
    place = page.evaluate(
        "name => [...document.querySelectorAll('[data-board] thead th[data-id]')].findIndex(th => th.dataset.id === name)",
        name,
    )
    cells = page.locator(f"[data-board] tbody tr[data-at] > :nth-child({place + 2 if place else 1})").all()
    return [re.split(r"[\s†]", cell.inner_text().strip())[0] for cell in cells]


def names(page: Page) -> set[str]:
    return set(page.locator("[data-board] tbody th.name a").all_inner_texts())


def header(page: Page, name: str) -> str | None:
    return page.locator(f"th[data-id='{name}']").get_attribute("aria-sort")


def press(page: Page, name: str) -> None:
    page.locator(f"th[data-id='{name}'] button").click()


def test_the_table_has_the_numbers_with_and_without_scripts(browser: Browser, site: Path) -> None:
    texts = []
    for scripts in (True, False):
        with quiet_page(browser, java_script_enabled=scripts) as page:
            page.goto((site / "index.html").as_uri())
            row = page.locator("[data-board] tbody tr", has_text="beta")
            said = row.inner_text()
            assert "50.0" in said
            assert "[47.5, 52.5]" in said
            assert "limit 50" in said
            assert "30.00†" in said
            assert "shots:5" in (row.locator("sup").first.get_attribute("title") or "")
            assert "chance" in page.locator("[data-board] tbody.nomodel").inner_text()
            assert page.locator("[data-board] tbody.nomodel tr[data-at]").count() == 1
            shown = page.locator("[data-board] tbody tr[data-at]").all()
            texts.append([re.sub(r"\s+", " ", one.inner_text().replace("⋯", "")).strip() for one in shown])
            missing = page.locator("[data-board] tbody tr", has_text="gamma 9").inner_text()
            assert "–" in missing
            assert " 0.0" not in missing
    # Without scripts a dash also says why to who listens.
    assert texts[0] == [re.sub(SAID, "–", one) for one in texts[1]]


def test_a_press_sorts_and_another_reverses_and_the_address_says_so(page: Page, site: Path) -> None:
    front(page, site, "?none=hide")
    press(page, ARC)
    assert header(page, ARC) == "descending"
    assert column(page, ARC) == ["90.0", "70.0", "50.0", "1.0", "–"]
    press(page, ARC)
    assert header(page, ARC) == "ascending"
    # The last but one was asked otherwise, and has no place in the order.
    assert column(page, ARC) == ["50.0", "70.0", "90.0", "1.0", "–"]
    press(page, WIKI)
    # Lower is better: the best comes first; what does not compare comes after.
    assert header(page, WIKI) == "ascending"
    assert header(page, ARC) == "none"
    assert column(page, WIKI) == ["10.50", "20.25", "30.00", "–", "–"]
    press(page, WIKI)
    assert column(page, WIKI) == ["20.25", "10.50", "30.00", "–", "–"]
    assert "sorted by wiki, worst first" in (page.locator("[data-status]").text_content() or "")
    address = page.url
    assert "sort=-task%3Awiki%3Appl" in address
    page.goto("about:blank")
    page.goto(address)
    assert header(page, WIKI) == "descending"
    assert column(page, WIKI) == ["20.25", "10.50", "30.00", "–", "–"]


def test_the_keyboard_sorts(page: Page, site: Path) -> None:
    front(page, site)
    for key, order in (("Enter", "ascending"), ("Space", "descending")):
        page.locator("th[data-id='model'] button").focus()
        page.keyboard.press(key)
        assert header(page, "model") == order
    names = column(page, "model")
    assert names.index("gamma") < names.index("beta") < names.index("Alpha")
    assert page.evaluate("document.activeElement.closest('th').dataset.id") == "model"


def test_filters_are_in_the_address(page: Page, site: Path) -> None:
    front(page, site)
    page.locator("[name=q]").fill("GAMMA")
    assert names(page) == {"gamma 9", "gamma 10"}
    assert "q=GAMMA" in page.url
    page.locator("[name=q]").fill("")
    page.locator(".filters summary").click()
    page.locator("[name=licence]").select_option("mit")
    assert names(page) == {"beta", "gamma 10"}
    page.locator("[name=min]").fill("2.5")
    assert names(page) == {"gamma 10"}
    page.locator("[name=min]").fill("")
    page.locator("[name=licence]").select_option("")
    page.locator("[name=since]").fill("2025-01-03")
    page.locator("[name=until]").fill("2025-01-03")
    assert names(page) == {"gamma 10"}
    page.locator("[data-reset]").click()
    assert len(names(page)) == 6
    assert page.url.endswith("index.html")
    page.locator("[name=area]").select_option("perplexity")
    assert page.locator("th[data-id]").count() == 2
    assert column(page, WIKI)[0] == "10.50"


def test_any_metric_can_be_a_column(page: Page, site: Path) -> None:
    front(page, site)
    assert page.locator("th[data-id='task:arc:second']").count() == 0
    page.locator(".choose summary").click()
    page.get_by_label("arc second").check()
    page.wait_for_selector("th[data-id='task:arc:second']")
    press(page, "task:arc:second")
    assert column(page, "task:arc:second")[:3] == ["32.5", "22.5", "12.5"]
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector("th[data-id='task:arc:second']")
    assert column(page, "task:arc:second")[:3] == ["32.5", "22.5", "12.5"]


def test_files_hold_what_is_shown(page: Page, site: Path) -> None:
    front(page, site, "?q=a&none=hide&sort=task%3Awiki%3Appl&col=task%3Awiki%3Appl&col=task%3Aarc%3Aaccuracy")
    with page.expect_download() as saved:
        page.locator("[data-save=csv]").click()
    rows = list(csv.reader(saved.value.path().read_text(encoding="utf-8").splitlines()))
    assert rows[0][:4] == ["model", "rank low", "rank high", "wiki ppl"]
    shown = column(page, "model")
    assert [row[0].split(" ")[0] for row in rows[1:]] == [name.split(" ")[0] for name in shown]
    at = rows[0].index("arc accuracy")
    assert rows[1][3:6] == ["10.5", "9.97", "11.03"]
    assert {row[0]: row[at] for row in rows[1:]}["gamma 9"] == ""
    with page.expect_download() as saved:
        page.locator("[data-save=json]").click()
    content = json.loads(saved.value.path().read_text(encoding="utf-8"))
    assert [one["model"] for one in content] == [row[0] for row in rows[1:]]
    assert content[0]["columns"][WIKI]["value"] == 10.5
    assert content[-1]["columns"][WIKI]["value"] is None or content[-1]["columns"][WIKI]["mark"] == "†"


def test_a_name_is_no_formula(browser: Browser, tmp_path: Path) -> None:
    write_record(tmp_path / "r" / "a", '=cmd|"/c calc"!A0', [estimate("arc")])
    with quiet_page(browser) as page:
        front(page, build(tmp_path / "r", tmp_path / "out").parent)
        with page.expect_download() as saved:
            page.locator("[data-save=csv]").click()
        assert '"\'=cmd|""/c calc""!A0"' in saved.value.path().read_text(encoding="utf-8")


def test_grades_sort_by_their_order_and_numbers_below_0_are_numbers_in_files(
    browser: Browser, tmp_path: Path
) -> None:
    for place, (name, rate) in enumerate({"fair": 0.4, "ref": 0.2, "safe": 0.0002, "fine": 0.05}.items()):
        half = min(0.0001, rate)
        bad = estimate(
            "x", value=rate, low=rate - half, high=rate + half, area="safety", higher_is_better=False
        )
        gap = estimate("gap", "mean_gap", -0.25, unit="other", area="bias", higher_is_better=None)
        write_record(
            tmp_path / "r" / name, name, [bad, gap], model_fields={"fingerprint": f"{place}" * 64}
        )  # fmt: skip
    built = build(tmp_path / "r", tmp_path / "out", options=Options(reference="ref", grades=True))
    with quiet_page(browser) as page:
        front(page, built.parent, "?sort=grade%3Asafety&col=grade%3Asafety&col=task%3Agap%3Amean_gap")
        assert column(page, "grade:safety") == ["excellent", "very", "good", "fair"]
        assert "↓" not in page.locator("th[data-id='grade:safety']").inner_text()
        with page.expect_download() as saved:
            page.locator("[data-save=csv]").click()
        rows = list(csv.reader(saved.value.path().read_text(encoding="utf-8").splitlines()))
    assert rows[0][3:6] == ["safety grade", "safety grade n", "gap mean_gap"]
    assert {row[5] for row in rows[1:]} == {"-0.25"}


def test_the_rest_of_a_row_is_in_a_fold(page: Page, site: Path) -> None:
    front(page, site)
    row = page.locator("[data-board] tbody tr", has_text="Alpha")
    row.locator(".more").click()
    fold = page.locator("tr.fold")
    assert "apache-2.0" in fold.inner_text()
    assert "2,000,000,000" in fold.inner_text()
    assert row.locator(".more").get_attribute("aria-expanded") == "true"
    row.locator(".more").click()
    assert page.locator("tr.fold").count() == 0


def test_the_page_is_chinese_where_it_is_asked_to_be(page: Page, site: Path) -> None:
    front(page, site, "?lang=zh")
    text = page.locator("main").inner_text()
    assert "排行榜" in text
    assert "准确率" in text
    assert "得分 % ↑" in text
    ours = re.sub(r"(?s)<script.*|x onerror.*?\n", "", text)
    english = set(re.findall(r"[A-Za-z]{4,}", ours)) - {
        "beta",
        "Alpha",
        "gamma",
        "uniform",
        "wiki",
        "accuracy",
        "limit",
        "JSON",
        "shots",
        "window",
        "pwned",
        "alert",
        "script",
        "onload",
        "onerror",
        "second",
    }
    assert english == set()


def test_links_lead_from_page_to_page(page: Page, site: Path) -> None:
    front(page, site)
    page.locator("[data-board] tbody tr", has_text="beta").locator("td a").first.click()
    assert page.url.endswith("models/beta.html#arc")
    assert "50.0%" in page.locator("#arc").inner_text()
    page.locator("#arc a.more", has_text="samples").click()
    assert page.url.endswith("samples/beta/arc.html")
    page.locator(".brand").click()
    assert page.url.endswith("/index.html")


def test_hostile_texts_do_not_run(page: Page, site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) >= 1 + 6 + 6 + 3 + 5
    for path in pages:
        page.goto(path.as_uri())
        page.wait_for_timeout(30)
        assert page.evaluate("window.pwned") is None
        assert page.locator("img, svg[onload], [onerror]").count() == 0
        assert page.locator("script:not([type])").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_scrolls_the_table_and_not_the_page(browser: Browser, site: Path, scheme: str) -> None:
    with quiet_page(
        browser, viewport={"width": 390, "height": 844}, color_scheme="dark" if scheme == "dark" else "light"
    ) as page:
        for path in sorted(site.rglob("*.html")):
            page.goto(path.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        front(page, site)
        assert page.evaluate("document.querySelector('.scroll.wide').scrollWidth") > 390
        before = page.locator("[data-board] tbody th.name").first.bounding_box()
        page.evaluate("document.querySelector('.scroll.wide').scrollLeft = 120")
        assert page.evaluate("document.querySelector('.scroll.wide').scrollLeft") > 0
        assert page.locator("[data-board] tbody th.name").first.bounding_box() == before
        ink, paper = page.evaluate(
            "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
        )
        bright = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (ink, paper)]
        assert (bright[0] > bright[1]) == (scheme == "dark")


@pytest.mark.slow
def test_long_names_make_no_tall_heading_and_break_no_word(browser: Browser, tmp_path: Path) -> None:
    """What a board of 50 long-named models and 60 tasks showed: a heading 420 px high, words broken in the middle, first columns that
    scrolled away."""
    names = [f"a_benchmark_of_multilingual_understanding_{at}_with_a_very_long_name" for at in range(60)]
    for model in range(50):
        write_record(
            tmp_path / "reports" / str(model), f"hf:some-organisation/An-Extraordinarily-Long-Model-Name-{model}-Instruct-v0.{model}",
            [estimate(name, area=("accuracy", "safety")[at % 2], value=0.4 + model / 200, higher_is_better=at % 2 == 0) for at, name in enumerate(names)],
            model_fields={"fingerprint": f"{model:064x}"},
        )  # fmt: skip
    with quiet_page(browser) as page:
        front(page, build(tmp_path / "reports", tmp_path / "out").parent)
        assert (
            page.evaluate("document.querySelector('[data-board] thead').getBoundingClientRect().height") < 130
        )
        assert page.evaluate("document.querySelector('h1').getBoundingClientRect().height") < 60
        assert (
            page.locator("[data-board] tbody th.name")
            .first.inner_text()
            .startswith("An-Extraordinarily-Long")
        )
        assert (
            page.evaluate("getComputedStyle(document.querySelector('[data-board]')).overflowWrap") == "normal"
        )
        box = page.locator("[data-board] tbody th.name").first.bounding_box()
        page.evaluate("document.querySelector('.scroll.wide').scrollLeft = 2000")
        assert page.locator("[data-board] tbody th.name").first.bounding_box() == box
        assert box is not None
        assert box["height"] < 80
