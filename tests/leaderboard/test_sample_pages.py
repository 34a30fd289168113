"""Pages of samples: what stands in them, pieces that load on demand, filters and search, in a real browser from disk."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browsing import quiet_page, running_browser
from made_boards import made_board
from playwright.sync_api import Browser, Page
from records import estimate, generated, sample, task, write_record

from lsm_eval.leaderboard.build import build
from lsm_eval.leaderboard.frame.safe import safe_json
from lsm_eval.leaderboard.sample_pieces import Shown, packed, portions, starts
from lsm_eval.leaderboard.samples import WEIGHT, sample_view, weight

N = 700


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("samples")
    return build(made_board(root / "reports", samples=N), root / "out", samples=N).parent


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with quiet_page(browser) as page:
        yield page


def until(page: Page, true: Callable[[], bool]) -> None:
    for _ in range(500):
        if true():
            return
        page.wait_for_timeout(20)
    raise AssertionError(page.locator("#found").inner_text())


def shown(page: Page) -> list[int]:
    """Places of the samples that can be seen."""
    script = "() => Array.from(document.querySelectorAll('article'), (one) => one.checkVisibility() && Number(one.id.slice(1)))"
    return [place for place in page.evaluate(script) if place is not False]


def letters(text: str) -> list[int]:
    """The flags in a page's index."""
    (about,) = re.findall(r'data-name="samples">(.*?)</script>', text)
    return ["ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef".index(letter) for letter in json.loads(about)["index"]]


def piece(name: str, site: Path) -> list[dict[str, object]]:
    text = (site / name).read_text()
    found: list[dict[str, object]] = json.loads(text[text.index(",") + 1 : text.rindex(")")])
    return found


def view(at: int, **other: object) -> Shown:
    return Shown(sample_view(sample("arc", at, **other)), 0, 0, 0, None)


def test_portions_hold_every_sample_once_and_no_more_bytes_than_they_may() -> None:
    samples = [view(at, prompt="x" * (at % 50) * 40) for at in range(400)]
    found = list(portions(samples, first=20_000, piece=30_000))
    assert [one.view.index for portion in found for one in portion] == list(range(400))
    assert len(found) > 5
    assert sum(weight(one.view) for one in found[0]) <= 20_000
    for portion in found[1:]:
        assert sum(len(safe_json(packed(one))) for one in portion) <= 30_000
    assert list(portions([])) == [[]]
    assert starts([3, 2, 5]) == [0, 3, 5]


@pytest.mark.parametrize("letter", ["a", '"', "<", "\u202e", "模", "🙂", "\n"])
def test_a_sample_of_any_length_stays_light(letter: str) -> None:
    text = letter * 10_000
    row = generated(
        "qa", 0, text, text, [text] * 60, sample=text, cluster=text, finish=text, thoughts=text, failure=text, failure_detail=text,
        metadata=json.dumps({f"{at}{text[:5000]}": text for at in range(60)}), choices=[],
        judgements=json.dumps({"m": [{text[:100]: {"answer": text}}] * 60}),
        further=json.dumps([{"prompt": text, "completion": text}] * 60),
    )  # fmt: skip
    found = sample_view(row)
    assert weight(found) <= WEIGHT
    assert found.shortened
    assert len(safe_json(packed(Shown(found, 0, 0, 0, None)))) <= 4 * WEIGHT
    scored = sample_view(
        sample(
            "arc",
            0,
            prompt=text,
            choices=[text] * 90,
            logprobs=[-1.0] * 90,
            tokens=[1] * 90,
            greedy=[True] * 90,
        )
    )
    assert weight(scored) <= WEIGHT
    assert scored.more > 0


def test_a_usual_sample_is_whole_and_choices_have_shares() -> None:
    found = sample_view(sample("arc", 0, logprobs=[-1.0, -2.0]))
    assert not found.shortened
    assert [choice.share for choice in found.choices] == ["73.1%", "26.9%"]
    assert [c.share for c in sample_view(sample("arc", 0, logprobs=[-1000.0, -1001.0])).choices] == [
        "73.1%",
        "26.9%",
    ]
    assert [c.share for c in sample_view(sample("arc", 0, logprobs=[-1.0, float("nan")])).choices] == [
        "–",
        "–",
    ]
    assert [c.share for c in sample_view(sample("arc", 0, logprobs=[])).choices] == ["–", "–"]


def test_other_requests_of_a_sample_are_shown() -> None:
    further = [
        {"prompt": "and then?", "completion": "so"},
        {"prompt": "p", "continuations": [" a"], "logprobs": [-1.5]},
        {"prompt": "w", "logprobs": [-2.5]},
    ]
    found = sample_view(sample("arc", 0, further=json.dumps(further)))
    assert found.further == (("and then?", "so"), ("p", " a (−1.500)"), ("w", "−2.500"))
    assert sample_view(sample("arc", 0, further="{")).further == (("{", "unreadable"),)


def test_a_page_reads_at_most_300_kb_and_holds_its_first_samples_without_a_script(site: Path) -> None:
    pages = sorted((site / "samples").rglob("*.html"))
    assert len(pages) == 16
    for path in pages:
        assert path.stat().st_size <= 300_000, path
    for path in (site / "samples").rglob("*.js"):
        assert path.stat().st_size <= 200_000, path
    text = (site / "samples" / "beta" / "qa.html").read_text()
    assert text.count("<article") > 30
    assert "Tell me about 0." in text
    assert text.count("qa.p1.js") == 1, "thousands of pieces need no list of names"
    assert re.search(r'<noscript><p>.*href="\.\./\.\./samples/beta/qa\.p1\.js"', text)


def test_flags_agree_with_the_samples(site: Path) -> None:
    text = (site / "samples" / "beta" / "qa.html").read_text()
    found = letters(text)
    assert len(found) == N
    for at, flags in enumerate(found):
        assert bool(flags & 2) == (at % 19 == 7), at
        assert bool(flags & 4) == (at % 13 == 4), at
        assert not (flags & 1 and flags & 2), "missing is not wrong"
    rows = piece("samples/beta/qa.p1.js", site)
    start = N - sum(
        len(piece(f"samples/beta/{path.name}", site)) for path in (site / "samples" / "beta").glob("qa.p*.js")
    )
    for at, row in enumerate(rows, start):
        assert row.get("fl", 0) == found[at]
        wrong = "nonsense" in str(row.get("a", ""))
        assert bool(found[at] & 1) == wrong
        right, answered = row.get("o", [0, 0])  # type: ignore[misc]
        if wrong and 2 * right > answered:  # type: ignore[has-type]
            assert found[at] & 8
    assert sum(bool(flags & 16) for flags in found) == pytest.approx(N / 20, abs=3)


def test_filters_narrow_and_stand_in_the_address(page: Page, site: Path) -> None:
    path = site / "samples" / "beta" / "qa.html"
    found = letters(path.read_text())
    page.goto(path.as_uri())
    page.locator("[value=wrong]").check()
    until(page, lambda: "match" in page.locator("#found").inner_text() or page.locator("#more").is_visible())
    assert page.url.endswith("?show=wrong")
    wrong = [at for at, flags in enumerate(found) if flags & 1]
    assert shown(page) == wrong[:50]
    page.locator("#more").click()
    until(page, lambda: len(shown(page)) == 100)
    assert shown(page) == wrong[:100]
    page.locator("[value=disagrees]").check()
    both = [at for at, flags in enumerate(found) if flags & 9 == 9]
    until(page, lambda: shown(page) == both[:50])
    assert "show=wrong%2Cdisagrees" in page.url
    page.reload()
    until(page, lambda: shown(page) == both[:50])
    assert page.locator("[value=disagrees]").is_checked()
    page.locator("#all").click()
    until(page, lambda: "?" not in page.url)
    assert shown(page)[:3] == [0, 1, 2]


def test_a_search_reads_pieces_and_stands_in_the_address(page: Page, site: Path) -> None:
    path = site / "samples" / "beta" / "arc.html"
    page.goto(path.as_uri())
    page.locator("[name=q]").fill("WORD3?")
    wanted = [at for at in range(N) if at % 17 == 3]
    until(page, lambda: shown(page) == wanted)
    assert "42 samples match." in page.locator("#found").inner_text() or len(wanted) != 42
    assert "q=WORD3" in page.url
    last = page.locator("article:visible").last
    assert f"question {wanted[-1]}, of word3?" in last.inner_text()
    for ours in ("prompt", "log-prob", "2.0", "accuracy"):
        page.locator("[name=q]").fill(ours)
        until(page, lambda: page.locator("#found").inner_text() == "No sample matches.")
    page.locator("[name=q]").fill("s699")
    until(page, lambda: shown(page) == [699])
    page.locator("[name=q]").fill("nowhere to be found")
    until(page, lambda: page.locator("#found").inner_text() == "No sample matches.")
    assert shown(page) == []


def test_a_link_to_a_sample_beyond_the_first_ones_leads_there(page: Page, site: Path) -> None:
    page.goto((site / "samples" / "beta" / "arc.html").as_uri() + f"#s{N - 1}")
    until(page, lambda: page.locator(f"#s{N - 1}").count() == 1)
    assert f"question {N - 1}," in page.locator(f"#s{N - 1}").inner_text()
    assert f" to {N} of {N} are shown." in page.locator("#found").inner_text(), (
        "none of them matched anything"
    )
    until(
        page,
        lambda: page.locator(f"#s{N - 1}").evaluate("one => one.getBoundingClientRect().top < innerHeight"),
    )


def test_samples_from_a_piece_look_as_those_in_the_page(page: Page, site: Path) -> None:
    page.goto((site / "samples" / "beta" / "arc.html").as_uri())
    own = page.locator("article").count()
    page.locator("#more").click()
    until(page, lambda: page.locator("article").count() > own)
    first, later = page.locator("article").first, page.locator("article").nth(own)

    def shape(one: object) -> object:
        script = "one => Array.from(one.querySelectorAll('*'), (e) => [e.tagName, e.className.replace(/right|picked|undefined/g, '').trim()].join('.')).filter((name) => !/SPAN|BDI/.test(name)).join(' ')"
        return one.evaluate(script)  # type: ignore[attr-defined]

    def like(one: object) -> object:
        return re.sub(r" (LI|B|TR|TD|UL\.scores)\S*", "", str(shape(one)))

    assert like(first) == like(later)
    assert later.locator("table.choices tbody tr").count() == 2
    assert later.locator("h2").inner_text().startswith(f"#{own} s{own}")


def test_harmful_texts_stay_folded_in_pieces_too(page: Page, site: Path) -> None:
    page.goto((site / "samples" / "beta" / "adv.html").as_uri() + "?show=disagrees")
    until(page, lambda: len(shown(page)) > 0)
    for article in page.locator("article:visible").all():
        assert article.locator("details.folded").count() == 1
        assert not article.locator("pre").first.is_visible()
    page.locator("[name=q]").fill("nonsense")
    until(page, lambda: "q=nonsense" in page.url and len(shown(page)) > 0)
    assert not page.locator("article:visible pre").first.is_visible()


def test_redacted_texts_stay_redacted(tmp_path: Path) -> None:
    from lsm_eval.results.redaction import redact

    rows = [generated("adv", at, f"secret {at}", f"hidden {at}", ["no"]) for at in range(3)]
    columns = redact({name: [row[name] for row in rows] for name in rows[0]})
    rows = [{name: values[at] for name, values in columns.items()} for at in range(3)]
    write_record(
        tmp_path / "reports" / "r", "m", [estimate("adv", area="safety")], samples=rows, redacted=True,
        tasks=[task("adv", "safety", request="generate", sensitive=True, redacted=True)],
    )  # fmt: skip
    text = (build(tmp_path / "reports", tmp_path / "site").parent / "samples" / "m" / "adv.html").read_text()
    assert "secret" not in text
    assert "hidden 0" not in text
    assert text.count("[withheld sha256:") >= 6
    assert "may be harmful" not in text.partition('id="list"')[2].partition("data-name")[0]


def test_without_javascript_the_first_samples_can_be_read(browser: Browser, site: Path) -> None:
    with quiet_page(browser, java_script_enabled=False) as page:
        page.goto((site / "samples" / "beta" / "arc.html").as_uri())
        assert page.locator("article:visible").count() > 20
        assert not page.locator("#filter").is_visible()
        assert page.locator("noscript a").first.is_visible()


def test_the_language_changes_with_all_that_is_loaded(page: Page, site: Path) -> None:
    page.goto((site / "samples" / "beta" / "arc.html").as_uri() + f"?lang=zh#s{N - 1}")
    until(page, lambda: page.locator(f"#s{N - 1}").count() == 1)
    assert page.locator(f"#s{N - 1} h3").first.inner_text() == "提示"
    assert page.locator("#filter legend").inner_text() == "只显示同时满足以下各项的样本"


@pytest.mark.slow
def test_a_page_of_very_long_samples_stays_light_and_finds_its_pieces(page: Page, tmp_path: Path) -> None:
    number = 4_000
    long = [f"{place} {'<&' * 60}" for place in range(30)]
    rows = [
        sample("arc", at, prompt=f"question {at}", choices=long, continuations=long, logprobs=[-1.0] * 30, tokens=[1] * 30, greedy=[False] * 30)
        for at in range(number)
    ]  # fmt: skip
    write_record(tmp_path / "reports" / "r", "m", [estimate("arc", value=1.0)], samples=rows)
    site = build(tmp_path / "reports", tmp_path / "site", samples=number).parent
    path = site / "samples" / "m" / "arc.html"
    assert len(list(path.parent.glob("arc.p*.js"))) > 200
    assert path.stat().st_size <= 300_000
    page.goto(path.as_uri() + f"#s{number - 1}")
    until(page, lambda: page.locator(f"#s{number - 1}").count() == 1)
    assert f"question {number - 1}" in page.locator(f"#s{number - 1}").inner_text()


@pytest.mark.slow
def test_a_hundred_thousand_samples_are_filtered_by_an_index_that_loads(page: Page, tmp_path: Path) -> None:
    number = 100_000
    rows = [
        sample(
            "arc",
            at,
            prompt=f"question {at}",
            **{"score.accuracy": float(at % 1000 != 999), "stats.accuracy": [1.0]},
        )
        for at in range(number)
    ]
    write_record(tmp_path / "reports" / "r", "m", [estimate("arc", value=0.999)], samples=rows)
    site = build(tmp_path / "reports", tmp_path / "site", samples=number).parent
    path = site / "samples" / "m" / "arc.html"
    assert path.stat().st_size <= 300_000
    assert (site / "samples" / "m" / "arc.index.js").stat().st_size < 110_000
    page.goto(path.as_uri() + "?show=wrong")
    until(page, lambda: "of the first" in page.locator("#found").inner_text())
    page.locator("#more").click()
    until(page, lambda: len(shown(page)) > 50 or "match" in page.locator("#found").inner_text())
    assert set(shown(page)) <= set(range(999, number, 1000))
    assert shown(page)[:3] == [999, 1999, 2999]
