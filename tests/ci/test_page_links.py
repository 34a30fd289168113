"""Links between the repository's own pages lead to files and headings that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PLACES = ("*.md", "docs/**/*.md", "benchmarks/*.md", "examples/**/*.md", "tasks/**/*.md")
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(page: str) -> set[str]:
    """Of the headings of a page, as GitHub makes them; a heading that comes twice has a number from its second time on."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ +(.*)$", CODE.sub("", page), re.MULTILINE):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        name = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        later = sum(1 for one in found if one == name or re.fullmatch(rf"{re.escape(name)}-\d+", one))
        found.add(f"{name}-{later}" if later else name)
    return found


def broken(page: Path) -> list[str]:
    """Links of a page that lead nowhere."""
    text = page.read_text(encoding="utf-8")
    lost = []
    for link in LINK.findall(CODE.sub("", text)):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        to = page if not path else page.parent / path
        if not to.exists() or (
            anchor and to.suffix == ".md" and anchor not in anchors(to.read_text(encoding="utf-8"))
        ):
            lost.append(link)
    return lost


def test_links_of_all_pages(repo: Path) -> None:
    pages = sorted({page for place in PLACES for page in repo.glob(place)})
    assert len(pages) > 50
    assert {str(page.relative_to(repo)): lost for page in pages if (lost := broken(page))} == {}


@pytest.mark.parametrize(
    "link", ["gone.md", "other.md#gone", "#gone", "other.md#in-code"], ids=lambda link: link.replace("#", " ")
)
def test_a_link_that_leads_nowhere_is_found(tmp_path: Path, link: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n[here](#page) [there](other.md#a-heading-10) [lost]({link})\n")
    (tmp_path / "other.md").write_text("# `A` heading, 10\n```\n# in code\n```\n")
    assert broken(page) == [link]
