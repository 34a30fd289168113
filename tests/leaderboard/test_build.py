"""Building the site: whole or not at all, the same from the same, harmless whatever the records say."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from records import Json, estimate, generated, sample, task, write_record

from lsm_eval.cli import cli
from lsm_eval.errors import UserError
from lsm_eval.leaderboard.build import build
from lsm_eval.leaderboard.write import MARKER

HOSTILE = [
    "<script>window.pwned=1</script>", '"><img src=x onerror="window.pwned=1">', "{{ 7 * 7 }}{% raw %}",
    "</style></script><b id=injected>", "javascript:alert(1)", "\u202egnp.exe\u2066", "x" * 50_000,
    "nul\x00bell\x07", "שלום עולם مرحبا", "' onmouseover='window.pwned=1", "<!-- ]]> -->",
]  # fmt: skip


class Elements(HTMLParser):
    """Names of all elements and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name in ("href", "src", "action"):
                self.addresses.add(value or "")


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    root = tmp_path / "reports"
    rows = [sample("arc", index) for index in range(12)]
    write_record(root / "a", "Org/Model", [estimate("arc", value=0.25), estimate("arc", "f1")], samples=rows)
    write_record(root / "b", "builtin:uniform", [estimate("arc", value=None, n=0, missing=3)])
    return root


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_pages_and_what_they_say(reports: Path, tmp_path: Path) -> None:
    index = build(reports, tmp_path / "site", samples=10)
    assert index == (tmp_path / "site" / "index.html").resolve()
    assert {name for name in files(index.parent) if not name.startswith("pieces/")} == {
        MARKER, "index.html", "compare.html", "models/org-model.html", "models/builtin-uniform.html",
        "samples/org-model/arc.html", "tasks/arc.html", "history/org-model.html", "history/builtin-uniform.html",
    }  # fmt: skip
    assert "pieces/board/arc.js" in files(index.parent)
    text = index.read_text()
    assert "<b>25.0</b>" in text
    assert "[20.0, 30.0]" not in text  # the helper's interval is 5 % of the value either side
    assert "[23.8, 26.2]" in text
    assert "all 3 samples failed" in text
    assert ">0.0<" not in text
    samples = (index.parent / "samples/org-model/arc.html").read_text()
    assert "The first 10 of 12 samples." in samples
    assert "a/samples/arc.parquet" in samples
    assert str(tmp_path) not in samples
    model = (index.parent / "models/org-model.html").read_text()
    for words in (
        "f1",
        "lsm-eval run --tasks core",
        "torch",
        "12.25 s",
        "f" * 64,
        "ab" * 32,
        "MIT",
        "0123abc",
    ):
        assert words in model


def test_same_records_give_the_same_bytes(reports: Path, tmp_path: Path) -> None:
    first = files(build(reports, tmp_path / "one").parent)
    time.sleep(0.01)
    assert files(build([reports], tmp_path / "two").parent) == first
    # Folders named twice, or one inside the other, count once.
    assert files(build([reports, reports / "a"], tmp_path / "three").parent) == first


def test_links_lead_to_pages_that_are_there(reports: Path, tmp_path: Path) -> None:
    site = build(reports, tmp_path / "site").parent
    seen = 0
    for page in site.rglob("*.html"):
        for address in Elements(page.read_text()).addresses:
            path, _, anchor = address.partition("#")
            target = (page.parent / path).resolve() if path else page
            assert target.is_file(), f"{page} links to {address}"
            assert not anchor or f'id="{anchor}"' in target.read_text()
            seen += 1
    assert seen > 5


def signed(name: str, metric: str, text: str) -> Json:
    """An estimate whose signature ends with a text."""
    row = estimate(name, metric)
    return {**row, "signature": f"{row['signature']} {text}"}


def test_hostile_texts_stay_text(tmp_path: Path) -> None:
    for place, text in enumerate(HOSTILE):
        other: Json = {
            "title": text,
            "source": text,
            "licence": text,
            "description": text,
            "departures": [text],
        }
        dense = "".join(text.split())  # what parts of a signature can be
        tasks = [
            task("arc", request="generate", references=[{text[:99]: text}], failures={text: 1}, **other),
            task("bbq", text),
        ]
        none: Json = {"score.accuracy": None, "stats.accuracy": None}
        failed: Json = {"failure": text, "failure_detail": text, "tokens": [], **none}
        rows = [
            generated("arc", 0, text, text, [text], sample=text, cluster=text, **failed),
            generated("arc", 1, text, text, [text], sample=f"{text}1", cluster=text),
            sample("bbq", 0, prompt=text, choices=[text, text], metadata=text),
        ]
        write_record(
            tmp_path / "reports" / str(place), text, tasks=tasks, samples=rows, command=[text], run=text,
            estimates=[
                {**signed("arc", dense, text), "metric": text, "method": text, "title": text, "n": 1, "missing": 1},
                estimate("arc", title=text, n=1, missing=1),
                estimate("bbq", area=text),
            ],
            settings={text: {"deep": [text]}}, hardware={text: text}, versions={text: text},
            model_fields={"licence": text, "details": {text: text}, "fingerprint": dense, "revision": text},
        )  # fmt: skip
    site = build(tmp_path / "reports", tmp_path / "site").parent
    plain_reports = tmp_path / "plain"
    for name in ("m", "another"):
        write_record(
            plain_reports / name, name, [estimate("arc"), estimate("bbq", area="bias")],
            tasks=[task("arc", request="generate"), task("bbq", "bias")],
            samples=[generated("arc", 0, "p", "c", ["t"]), sample("bbq", 0, metadata='{"a": 1}')],
            model_fields={"fingerprint": name[0].encode().hex() * 32},
        )  # fmt: skip
    plain = build(plain_reports, tmp_path / "plain-site").parent
    ours = [Elements(page.read_text()) for page in plain.rglob("*.html")]
    tags = set().union(*(page.tags for page in ours)) | {
        "sup",
        "div",
        "section",
        "p",
        "li",
        "ul",
        "small",
        "noscript",
    }
    attributes = set().union(*(page.attributes for page in ours))
    pages = list(site.rglob("*.html"))
    assert len(pages) >= 1 + 2 + 4 * len(HOSTILE)
    for page in pages:
        text = page.read_text()
        found = Elements(text)
        assert found.tags <= tags, page
        assert found.attributes <= attributes, page
        assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", text)
        assert text.count("<script>") == 1  # our own
        assert not any(address.startswith(("javascript:", "http", "//")) for address in found.addresses)
    whole = [page.read_text() for page in pages if page.parent.parent.name == "samples"]
    assert any("{{ 7 * 7 }}" in text for text in whole)
    assert any("[cut: 4000 of 50000 characters shown]" in text for text in whole)
    assert any("⟨U+202E⟩gnp.exe" in text for text in whole)
    assert any("שלום עולם مرحبا" in text for text in whole)


def test_content_security_policy_allows_only_our_own(reports: Path, tmp_path: Path) -> None:
    for page in build(reports, tmp_path / "site").parent.rglob("*.html"):
        policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page.read_text())
        assert policy is not None
        assert "default-src 'none'" in policy[1]
        assert "script-src 'sha256-" in policy[1]
        assert not re.search(r"unsafe|http|\*|data:", policy[1])


def test_safety_texts_are_folded_away(tmp_path: Path) -> None:
    rows = [generated("adv", 0, "how to do harm", "like so", ["no"])]
    write_record(
        tmp_path / "reports" / "r",
        "m",
        [estimate("adv", area="safety")],
        samples=rows,
        tasks=[task("adv", "safety", request="generate")],
    )
    text = (build(tmp_path / "reports", tmp_path / "site").parent / "samples/m/adv.html").read_text()
    before, _, folded = text.partition('<details class="folded">')
    assert "how to do harm" not in before
    assert "how to do harm" in folded
    assert "<details open" not in text


def test_a_failing_build_leaves_the_old_site(reports: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    before = files(build(reports, site).parent)
    for manifest in reports.rglob("manifest.json"):
        manifest.write_text("{")
    with pytest.raises(UserError, match=r"none of the records .*manifest\.json is broken"):
        build(reports, site)
    assert files(site) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reports", "site"]


def test_a_new_build_removes_pages_of_models_that_are_gone(reports: Path, tmp_path: Path) -> None:
    site = build(reports, tmp_path / "site").parent
    for path in (reports / "b").iterdir():
        path.unlink()
    build(reports, site)
    assert not (site / "models" / "builtin-uniform.html").exists()


def test_never_replaces_what_is_not_ours(reports: Path, tmp_path: Path) -> None:
    other = tmp_path / "thesis"
    other.mkdir()
    build(reports, other)  # empty: fine
    (other / "CNAME").write_text("example.org")
    with pytest.raises(UserError, match="CNAME"):
        build(reports, other)
    assert (other / "CNAME").is_file()
    (other / MARKER).unlink()
    with pytest.raises(UserError, match="not empty and no site"):
        build(reports, other)
    with pytest.raises(UserError, match="is a file"):
        build(reports, reports / "a" / "manifest.json")
    with pytest.raises(UserError, match="lie inside"):
        build(reports, tmp_path)


def test_command_prints_the_index(reports: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["leaderboard", str(reports), "--out", str(tmp_path / "site")])
    assert result.exit_code == 0
    assert result.stdout.strip() == str((tmp_path / "site" / "index.html").resolve())


def test_no_records_says_how_to_make_some(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    with pytest.raises(UserError, match="lsm-eval run"):
        build(tmp_path / "reports", tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_a_record_published_without_samples_has_a_page(tmp_path: Path) -> None:
    write_record(tmp_path / "reports" / "r", "m", [estimate("arc")])
    site = build(tmp_path / "reports", tmp_path / "site").parent
    assert "keeps no samples" in (site / "models/m.html").read_text()


@pytest.mark.slow
def test_many_records_build_in_seconds(tmp_path: Path) -> None:
    rows = [sample(f"t{n:02}", index) for n in range(20) for index in range(3)]
    for place in range(100):
        write_record(
            tmp_path / "reports" / f"{place}", f"model-{place}", [estimate(f"t{n:02}") for n in range(20)],
            samples=rows if place < 20 else (),
        )  # fmt: skip
    start = time.process_time()
    build(tmp_path / "reports", tmp_path / "site")
    assert time.process_time() - start < 25
