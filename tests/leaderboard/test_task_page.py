"""Pages of tasks and of models: what they say of numbers, of the field, and of single samples."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import quiet_page, running_browser
from made_boards import MODELS, made_board
from playwright.sync_api import Browser, Page
from records import estimate, task, write_record

from lsm_eval.leaderboard.build import build
from lsm_eval.leaderboard.collect import collect
from lsm_eval.leaderboard.outcomes.fields import Fields
from lsm_eval.leaderboard.site import Site
from lsm_eval.leaderboard.task_view import published, task_view
from lsm_eval.results.reader import read_records

N = 120


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_board(tmp_path_factory.mktemp("board"), samples=N)


@pytest.fixture(scope="module")
def site(reports: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(reports, tmp_path_factory.mktemp("site") / "out", samples=N).parent


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with quiet_page(browser) as page:
        yield page


def view(reports: Path, name: str):  # type: ignore[no-untyped-def]
    from lsm_eval.leaderboard.options import Options

    board = collect(read_records(reports))
    fields = Fields(board, Site(None, Options()).showing, lambda slug, task: True)
    return task_view(board, name, fields.of(name), N)


def test_numbers_stand_best_first_and_published_ones_beside_them(reports: Path, site: Path) -> None:
    found = view(reports, "arc")
    (metric,) = found.metrics
    values = [number.row.value for model, number in metric.numbers if not model.no_model]
    assert values == sorted(values, reverse=True)
    assert len(metric.numbers) == len(MODELS) + 1
    assert metric.numbers[-1][0].no_model, "a row that asks no model stands below, whatever it has"
    lower = view(reports, "adv").metrics[0]
    values = [number.row.value for _, number in lower.numbers]
    assert values == sorted(values), "where lower is better the lowest comes first"
    text = (site / "tasks" / "arc.html").read_text()
    assert "some model" in text
    assert "<b>40.0%</b>" in text, "a published share is written as ours are"
    assert "its card" in text
    for words in ("What arc asks.", "It differs so.", "MIT", "A paper, 2024", "accuracy|version:1"):
        assert words in text


def test_published_numbers_of_other_metrics_are_not_lost(tmp_path: Path) -> None:
    reference = {"model": "GPT-2", "metric": "f1", "value": 12.5, "source": "its paper"}
    write_record(
        tmp_path / "reports" / "r", "m", [estimate("arc")], tasks=[task("arc", references=[reference])]
    )
    text = (build(tmp_path / "reports", tmp_path / "site").parent / "tasks" / "arc.html").read_text()
    assert "Published numbers of other metrics" in text
    assert "GPT-2" in text
    assert published(12.5, "fraction") == "12.5"
    assert published(0.125, "fraction") == "12.5%"
    assert published("about half", "fraction") == "about half"
    assert published(None, "fraction") == "null"


def test_a_metric_of_the_package_says_what_it_is(tmp_path: Path) -> None:
    row = {**estimate("arc", "acc"), "metric_signature": "acc"}
    row["signature"] = row["signature"].replace("metric:acc|version:1", "metric:acc")
    write_record(tmp_path / "reports" / "r", "m", [row], tasks=[task("arc")])
    text = (build(tmp_path / "reports", tmp_path / "site").parent / "tasks" / "arc.html").read_text()
    assert "right choice has the highest log-probability" in text


def test_models_without_a_model_have_no_say_in_agreement(reports: Path) -> None:
    found = view(reports, "arc")
    assert found.agreement is not None
    assert [model.name for model in found.agreement.models] == sorted(MODELS)
    assert all(found.agreement.share[at][at] == 1.0 for at in range(len(MODELS)))
    assert found.compared == N
    assert found.metric == "accuracy"


def test_hard_samples_are_those_that_the_records_have_wrong(reports: Path) -> None:
    found = view(reports, "qa")
    rows = {
        record.manifest.model.name: record.sample_rows("qa", N)
        for record in read_records(reports)
        if "qa" in record.tasks
    }
    for one in found.hardest:
        at = int(one.found.sample[1:])
        scores = [own[at]["score.accuracy"] for own in rows.values()]
        assert one.found.answered == sum(score is not None for score in scores)
        assert one.found.right == sum(score == 1 for score in scores)
        assert 2 * one.found.right < one.found.answered
        for model, place in one.wrong:
            assert place == at
            assert rows[model.name][at]["score.accuracy"] == 0
    assert found.hardest[0].found.right <= found.hardest[-1].found.right
    assert all(0 < one.found.right < one.found.answered for one in found.disputed)


def test_links_lead_to_the_sample_that_they_name(page: Page, site: Path) -> None:
    page.goto((site / "tasks" / "arc.html").as_uri())
    row = page.locator("[aria-labelledby=disputed] tbody tr").first
    name = row.locator("th").inner_text()
    row.locator("td a").first.click()
    assert "/samples/" in page.url
    anchor = page.url.rpartition("#")[2]
    for _ in range(200):
        if page.locator(f"#{anchor}").count():
            break
        page.wait_for_timeout(20)
    assert name in page.locator(f"#{anchor} h2").inner_text()
    assert "wrong" in page.locator(f"#{anchor} h2").inner_text(), "the wrong answers are linked first"


def test_strengths_and_weaknesses_are_named_and_the_rest_is_not(site: Path) -> None:
    best, middle, worst = (
        (site / "models" / f"{name}.html").read_text() for name in ("org-alpha-7b", "gamma", "epsilon")
    )
    assert 'id="its--strengths"' in best
    assert 'id="its--weaknesses"' not in best
    assert 'id="its--weaknesses"' in worst
    assert 'id="its--strengths"' not in worst
    assert 'id="its--strengths"' not in middle
    assert 'id="its--weaknesses"' not in middle
    assert "not told apart from it on 3." in re.sub(r"<[^>]*>", "", middle)
    chance = (site / "models" / "builtin-first.html").read_text()
    assert 'id="standing"' not in chance


def test_the_ledger_adds_up_and_the_command_can_be_copied(page: Page, site: Path) -> None:
    page.goto((site / "models" / "beta.html").as_uri())
    assert "13.75 s" in page.locator(".ledger").inner_text()
    button = page.locator("[data-copy]").first
    button.click()
    for _ in range(100):
        if button.inner_text() != "Copy":
            break
        page.wait_for_timeout(20)
    assert button.inner_text() in ("Copied", "Selected: copy it")
    if button.inner_text() != "Copied":
        assert page.evaluate("() => getSelection().toString()") == "lsm-eval run --tasks core --model beta"


def test_no_page_is_wider_than_a_phone(browser: Browser, site: Path) -> None:
    with quiet_page(browser, viewport={"width": 390, "height": 844}) as page:
        for path in (
            "models/beta.html",
            "tasks/qa.html",
            "samples/beta/arc.html",
            "samples/beta/qa.html",
            "history/beta.html",
        ):
            page.goto((site / path).as_uri())
            page.evaluate(
                "() => { for (const one of document.querySelectorAll('details')) one.open = true; }"
            )
            assert page.evaluate("() => document.documentElement.scrollWidth") <= 390, path
