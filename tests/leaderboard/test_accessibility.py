"""Every kind of page under axe-core: nothing serious, in light, dark and on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest
from browsing import quiet_page, running_browser
from playwright.sync_api import Browser
from records import estimate, generated, sample, task, write_record

from lsm_eval.leaderboard.build import build
from lsm_eval.leaderboard.options import Options


@pytest.fixture(scope="module")
def axe() -> str:
    pytest.importorskip("axe_playwright_python", reason="needs axe-playwright-python, which brings axe-core")
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("site")
    for place, name in enumerate(("hf:org/one-1B", "hf:org/two-2B", "hf:org/three-3B", "builtin:uniform")):
        right = [float((at * (place + 2)) % 3 > 0) for at in range(30)]
        bad = [float((at + place) % 4 == 0) for at in range(30)]
        rows = [
            *(sample("arc", at, **{"score.accuracy": one, "stats.accuracy": [one, 1.0]}) for at, one in enumerate(right)),
            *(generated("adv", at, f"a harmful prompt {at}", f"answer {at % 7}", ["no"], **{"score.accuracy": one, "stats.accuracy": [one, 1.0]}) for at, one in enumerate(bad)),
        ]  # fmt: skip
        estimates = [
            estimate("arc", value=sum(right) / 30, n=30),
            estimate("adv", area="safety", value=sum(bad) / 30, n=30, higher_is_better=False),
        ]
        for day in (1, 2):
            write_record(
                root / "reports" / f"{place}{day}", name, estimates, samples=rows, created=f"2025-01-0{day}T00:00:00+00:00",
                tasks=[task("arc", samples=30), task("adv", "safety", samples=30, request="generate", sensitive=True)],
                model_fields={"fingerprint": f"{place:064x}"},
            )  # fmt: skip
    options = Options(reference="hf:org/one-1B", grades=True)
    return build(root / "reports", root / "out", options=options).parent


def kinds(site: Path) -> list[Path]:
    """A page of each kind: two where the second is of another sort (harmful, without a model)."""
    found = [*sorted(site.glob("*.html"))]
    for folder in sorted(path for path in site.iterdir() if path.is_dir()):
        pages = sorted(folder.rglob("*.html"))
        found += [pages[0], pages[-1]] if pages else []
    return list(dict.fromkeys(found))


@pytest.mark.slow
@pytest.mark.parametrize(
    "look",
    ["light", "dark", "phone"],
)
def test_axe_finds_nothing_serious(browser: Browser, site: Path, axe: str, look: str) -> None:
    width = 390 if look == "phone" else 1280
    serious = []
    with quiet_page(
        browser, viewport={"width": width, "height": 900}, color_scheme="dark" if look == "dark" else "light"
    ) as page:
        for path in kinds(site):
            page.goto(path.as_uri())
            page.wait_for_timeout(100)
            page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
            page.evaluate(axe)
            found = page.evaluate("axe.run(document, {})")
            assert len(found["passes"]) > 10
            for violation in found["violations"]:
                if violation["impact"] in ("serious", "critical"):
                    nodes = [node["html"][:200] for node in violation["nodes"][:3]]
                    serious.append(
                        f"{path.relative_to(site)}: {violation['id']} ({violation['help']}): {nodes}"
                    )
    assert serious == []


class Outline(HTMLParser):
    """Levels of headings, and names of regions."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.levels: list[int] = []
        self.regions: list[str] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if found.get("role") == "region":
            self.regions.append(found.get("aria-label") or found.get("aria-labelledby") or "")
            assert found.get("tabindex") == "0", "a block that scrolls is reached by the keyboard"
        if found.get("id"):
            self.ids.append(found["id"] or "")


def test_headings_go_down_by_one_and_no_two_regions_have_one_name(site: Path) -> None:
    for path in kinds(site):
        outline = Outline(path.read_text(encoding="utf-8"))
        assert outline.levels[0] == 1, path
        assert outline.levels.count(1) == 1, path
        assert all(
            one - before <= 1 for before, one in zip(outline.levels, outline.levels[1:], strict=False)
        ), path
        assert len(set(outline.regions)) == len(outline.regions), path
        assert len(set(outline.ids)) == len(outline.ids), path
