"""Links between files of the repository become links between pages, and a built site that leads nowhere is found out."""

from __future__ import annotations

from pathlib import Path

import pytest

from website.check import problems
from website.places import Links, page_of, pages

KNOWN = {
    "docs/README.md": "index.md",
    "docs/tasks.md": "tasks.md",
    "docs/endpoints/cost.md": "endpoints/cost.md",
    "tasks/bias/bbq/README.md": "benchmarks/bias/bbq.md",
    "README.md": "project/readme.md",
}


def test_each_file_has_one_page(repo: Path) -> None:
    found = pages(repo)
    assert len(found) > 60
    assert {path: found[path] for path in KNOWN} == KNOWN
    assert set(found.values()) >= {"measured/index.md", "measured/results.md", "project/contributing.md"}
    assert page_of("examples/lsm-eval-backend-example/README.md") == "project/lsm-eval-backend-example.md"


def test_two_files_of_one_page_are_an_error(tmp_path: Path) -> None:
    for name in ("docs/project/security.md", "SECURITY.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=r"the page project/security\.md"):
        pages(tmp_path)


@pytest.mark.parametrize(
    ("path", "link", "becomes"),
    [
        ("docs/tasks.md", "../tasks/bias/bbq/README.md", "benchmarks/bias/bbq.md"),
        ("docs/tasks.md", "../tasks/bias/bbq", "benchmarks/bias/bbq.md"),
        ("docs/tasks.md", "#a-limit", "#a-limit"),
        ("docs/endpoints/cost.md", "../tasks.md#trust", "../tasks.md#trust"),
        ("tasks/bias/bbq/README.md", "../../../docs/tasks.md", "../../tasks.md"),
        ("README.md", "docs/leaderboard.png", "../leaderboard.png"),
        ("benchmarks/gates.md", "gates.svg", "gates.svg"),
        ("docs/tasks.md", "../benchmarks/gates.svg", "measured/gates.svg"),
        ("README.md", "https://example.org/a.md", "https://example.org/a.md"),
        ("README.md", "NOTICE", "https://host/o/r/blob/HEAD/NOTICE"),
        ("README.md", "examples", "https://host/o/r/tree/HEAD/examples"),
    ],
)
def test_where_links_lead(path: str, link: str, becomes: str) -> None:
    assert Links(KNOWN, "https://host/o/r").of(path, page_of(path), link) == becomes


def test_without_an_address_files_are_not_linked() -> None:
    assert Links(KNOWN).of("README.md", "project/readme.md", "NOTICE") is None


def site(folder: Path, body: str, style: str = "") -> list[str]:
    (folder / "sub").mkdir()
    (folder / "index.html").write_text(f'<h1 id="top">A</h1><a href="sub/b.html#in-b">b</a>{body}')
    (folder / "sub" / "b.html").write_text(
        '<h1 id="in-b">B</h1><a href="../">a</a><a href="../index.html#top">a</a>'
    )
    (folder / "own.css").write_text(style)
    return problems(folder)


def test_a_good_site_has_no_problem(tmp_path: Path) -> None:
    body = '<a href="https://example.org">out</a><link rel="stylesheet" href="own.css"><img src="data:,x">'
    assert site(tmp_path, body, 'a { background: url("data:,x") } b { mask: url(#m) }') == []


@pytest.mark.parametrize(
    ("body", "style", "said"),
    [
        ('<a href="gone.html">x</a>', "", "index.html: leads nowhere: gone.html"),
        ('<a href="sub/b.html#gone">x</a>', "", "index.html: leads nowhere: sub/b.html#gone"),
        ('<a href="#gone">x</a>', "", "index.html: leads nowhere: #gone"),
        ('<img src="gone.png">', "", "index.html: is not there: gone.png"),
        ('<script src="https://a.example/x.js"></script>', "", "index.html: asks another host: https://a.example/x.js"),
        ('<link rel="preconnect" href="//a.example">', "", "index.html: asks another host: //a.example"),
        ('<img src="own.css" srcset="https://a.example/x 2x">', "", "index.html: asks another host: https://a.example/x"),
        ("<style>@import 'https://a.example/x'</style>", "", "index.html: asks another host: https://a.example/x"),
        ("", "a { src: url(https://a.example/f.woff2) }", "own.css: asks another host: https://a.example/f.woff2"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, body: str, style: str, said: str) -> None:
    assert site(tmp_path, body, style) == [said]


def test_no_page_is_a_problem(tmp_path: Path) -> None:
    assert problems(tmp_path) == [f"{tmp_path}: no page"]
