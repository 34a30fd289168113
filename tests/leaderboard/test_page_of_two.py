"""The page that compares two models: what its script makes of the scores is what `lsm-eval compare` says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browsing import quiet_page, running_browser, serious
from playwright.sync_api import Browser, Page
from rivals import drawn, rivals

from lsm_eval.comparison.compare import compare
from lsm_eval.comparison.result import Row
from lsm_eval.leaderboard import show
from lsm_eval.leaderboard.build import build
from lsm_eval.leaderboard.versus.packing import packed, unpacked
from lsm_eval.results.reader import read_record

MODELS = 5


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("compare")
    rng = np.random.default_rng(1)
    quarters = np.round(drawn(MODELS, 80, seed=5) * 4 * rng.random((MODELS, 80))) / 4
    nats = rng.lognormal(size=(MODELS, 60)) + 0.3 * np.arange(MODELS)[:, None]
    few = np.repeat(nats[:1, :40], MODELS, axis=0)
    few[1:, :4] += 1.5
    same = np.repeat(drawn(1, 50), MODELS, axis=0)
    scores = {
        "coins": drawn(MODELS, 200), "close": drawn(MODELS, 1000, seed=2, step=0.01), "two": drawn(MODELS, 2, seed=6),
        "grouped": drawn(MODELS, 120, seed=3), "quarters": quarters, "percent": 100 * quarters[:, ::-1], "nats": nats,
        "few": few, "short": nats[:, :9], "alike": same, "harm": drawn(MODELS, 90, seed=9), "real": rng.random((MODELS, 1500)),
        "one way": np.stack([np.arange(30) < 2 * at for at in range(MODELS)]).astype(float),
        "weighed": drawn(MODELS, 60, seed=11), "weighed gap": drawn(MODELS, 60, seed=12),
        "half digits": np.stack([np.arange(80) < 25 + 4 * at for at in range(MODELS)]).astype(float),
    }  # fmt: skip
    scores["coins"][2][5:15] = np.nan
    scores["nats"][1][3] = np.nan
    scores["weighed gap"][1][7] = np.nan
    named = {name.replace(" ", "_"): list(own) for name, own in scores.items()}
    nat = {"unit": "nats", "higher_is_better": False, "area": "perplexity"}
    rivals(
        root / "reports",
        named,
        clusters={"grouped": [str(at // 4) for at in range(120)]},
        weights={name: [1.0 + at % 5 for at in range(60)] for name in ("weighed", "weighed_gap")},
        fields={
            "nats": nat, "few": nat, "short": nat, "percent": {"unit": "points"},
            "harm": {"area": "safety", "higher_is_better": False},
        },
    )  # fmt: skip
    return build(root / "reports", root / "out").parent


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with quiet_page(browser) as page:
        yield page


def record(site: Path, model: int) -> Path:
    return site.parent / "reports" / str(model)


def opened(page: Page, site: Path, first: int, second: int, more: str = "") -> None:
    page.goto(f"{(site / 'compare.html').as_uri()}#a=org-model-{first}&b=org-model-{second}{more}")
    page.wait_for_selector("#result tbody tr")


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 2), (3, 4), (4, 0)])
def test_differences_intervals_and_p_are_those_of_the_command(
    page: Page, site: Path, first: int, second: int
) -> None:
    opened(page, site, first, second)
    shown = page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('#result tbody tr')].map((row) => [row.dataset.column, {...row.dataset}]))"
    )
    made = compare(read_record(record(site, first)), [read_record(record(site, second))])
    rows: dict[str, Row] = {f"{row.task}:{row.metric}": row for row in made.rows}
    assert set(shown) == set(rows)
    methods = set()
    for name, row in rows.items():
        own = shown[name]
        assert int(own["n"]) == row.n
        if row.missing and row.task == "weighed_gap":
            assert "value" not in own, "the weights are not at hand"
            continue
        assert float(own["value"]) == pytest.approx(row.difference, abs=1e-9, rel=0), name
        if row.task in ("grouped", "weighed", "weighed_gap"):
            assert "p" not in own
            continue
        methods.add(row.method)
        if row.low is None:
            assert "low" not in own, (name, row)
            continue
        for end, value in (("low", row.low), ("high", row.high), ("p", row.p)):
            assert float(own[end]) == pytest.approx(value, abs=1e-9, rel=0), (name, end, row)
        assert own["method"] == row.method
    assert {"tango(paired)", "tango(effective, paired)", "t(paired)"} <= methods


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 2), (3, 4), (4, 0)])
def test_numbers_are_written_as_on_every_other_page(page: Page, site: Path, first: int, second: int) -> None:
    """Half a digit goes to the even one: 25 of 80 are 31.2 %."""
    opened(page, site, first, second)
    shown = page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('#result tbody tr')].map((row) => [row.dataset.column, "
        "[...row.querySelectorAll('td')].map((cell) => cell.innerText)]))"
    )
    made = compare(read_record(record(site, first)), [read_record(record(site, second))])
    for row in made.rows:
        if row.missing and row.task == "weighed_gap":
            continue  # the records' values, of samples that are not the same
        both = [show.value(one, row.unit) for one in (row.baseline_value, row.candidate_value)]
        assert shown[f"{row.task}:{row.metric}"][:2] == both, row


def test_the_command_names_runs_and_not_profiles(pictured: Path) -> None:
    """A profile has more numbers than the run of three tasks."""
    named = re.findall(
        r'"record": ?"([^"]*)"', (pictured / "site" / "compare.html").read_text(encoding="utf-8")
    )
    assert sorted(named) == ["now/chance", *(f"now/m{at}" for at in range(5))]


def test_what_is_not_computed_says_so_and_names_the_command(page: Page, site: Path) -> None:
    opened(page, site, 0, 1)
    row = page.locator("#result tr[data-column='grouped:accuracy']")
    assert "clusters: the command below" in row.inner_text()
    assert "no interval" in row.inner_text()
    assert page.locator("#result code").inner_text() == "lsm-eval compare 0 1"
    assert "no sample differs" in page.locator("#result tr[data-column='alike:accuracy']").inner_text()


def test_disagreements_stand_side_by_side(page: Page, site: Path) -> None:
    opened(page, site, 0, 4)
    assert "tested together" in page.locator("#status").inner_text()
    page.locator("#result tr[data-column='one_way:accuracy'] button").click()
    page.wait_for_selector("#samples article")
    assert page.locator("#samples article").count() == 8
    one = page.locator("#samples article").first
    assert [text.split("\n")[0] for text in one.locator(".side").all_inner_texts()] == [
        "org/model 0 score 0", "org/model 4 score 1",
    ]  # fmt: skip
    assert "Q: question 0?" in one.inner_text()
    assert one.locator(".side pre").all_inner_texts() == ["no", "yes"]
    assert "t=one_way%3Aaccuracy" in page.url
    page.goto(page.url)
    page.wait_for_selector("#samples article")
    page.locator("#samples article a").first.click()
    assert (
        page.url.partition("#")[0].endswith("samples/org-model-0/one-way.html?") or "one-way.html" in page.url
    )


def test_harmful_texts_are_folded(page: Page, site: Path) -> None:
    opened(page, site, 0, 4, "&t=harm:accuracy")
    page.wait_for_selector("#samples article")
    assert page.locator("#samples article pre").count() > 0
    assert not page.locator("#samples article pre").first.is_visible()


def test_the_two_are_in_the_address(page: Page, site: Path) -> None:
    page.goto((site / "compare.html").as_uri())
    assert page.locator("#status").inner_text() == "Choose two models."
    page.locator("select[name=a]").select_option("org-model-1")
    page.locator("select[name=b]").select_option("org-model-1")
    assert page.locator("#status").inner_text() == "Choose two different models."
    page.locator("select[name=b]").select_option("org-model-3")
    page.wait_for_selector("#result tbody tr")
    assert page.url.endswith("?a=org-model-1&b=org-model-3")
    page.locator("#swap").click()
    assert page.url.endswith("?a=org-model-3&b=org-model-1")
    page.get_by_role("button", name="中文").click()
    page.wait_for_selector("#result tbody tr")
    assert "任务" in page.locator("#result thead").inner_text()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
@pytest.mark.slow
def test_axe_finds_nothing_serious(browser: Browser, site: Path, scheme: str, width: int) -> None:
    with quiet_page(browser, viewport={"width": width, "height": 900}, color_scheme=scheme) as page:
        opened(page, site, 0, 4, "&t=one_way:accuracy")
        page.wait_for_selector("#samples article")
        assert serious(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_scores_are_packed_exactly() -> None:
    rng = np.random.default_rng(0)
    for values in (
        drawn(1, 11)[0], np.array([]), np.array([np.nan]), np.array([0.0, np.nan, 1.0]), rng.normal(size=300), rng.normal(size=9000),
        rng.integers(0, 5, 33) / 4, np.array([1 / 3, -0.0, 1e300, np.nan]), np.zeros(5),
    ):  # fmt: skip
        np.testing.assert_array_equal(unpacked(packed(values)), values)
    assert len(packed(drawn(1, 1000)[0])[-1]) == 168
    assert packed(np.array([0.0, np.nan, 1.0]))[1:3] == [[0, 1, None], 2]
