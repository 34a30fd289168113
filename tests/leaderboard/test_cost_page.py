"""Quality against cost: who is on the front, where names stand, and the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import quiet_page, running_browser, serious
from playwright.sync_api import Browser
from rivals import drawn, rivals

from lsm_eval.leaderboard.build import build
from lsm_eval.leaderboard.collect import collect
from lsm_eval.leaderboard.ranking.board import rank_board
from lsm_eval.leaderboard.table.cell import Cell, TableColumn
from lsm_eval.leaderboard.table.tasks import task_columns
from lsm_eval.leaderboard.tradeoff.axis import axis
from lsm_eval.leaderboard.tradeoff.costs import OTHER_MACHINE, OTHER_TASKS, SPEED, cost_axes
from lsm_eval.leaderboard.tradeoff.figure import figure, tick_text
from lsm_eval.leaderboard.tradeoff.front import Front, front, wider
from lsm_eval.leaderboard.tradeoff.labels import LONGEST, placed, short
from lsm_eval.results.reader import find_records
from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.combined import Interval
from lsm_eval.statistics.ranking.ranks import ranks

MODELS = 8
ATTACK = "<svg onload=window.pwned=1>"


def fixed(values: list[float]) -> list[Interval]:
    return [Interval(value, None, None) for value in values]


def of_scores(scores: FloatArray, costs: list[Interval], numbers: list[int | None] | None = None, *, cheap: bool = False) -> Front:  # fmt: skip
    found = ranks(scores)
    return front(
        found.values.tolist(), found.better, found.stricter, costs, numbers or [None] * len(costs),
        higher_is_better=True, more_is_cheaper=cheap,
    )  # fmt: skip


def test_a_clear_front() -> None:
    scores = drawn(4, 2000, step=0.2)
    assert of_scores(scores, fixed([1, 2, 3, 4])).statuses == ("on",) * 4
    assert of_scores(scores, fixed([4, 3, 2, 1])).statuses == ("off", "off", "off", "on")
    assert of_scores(scores, fixed([1, 1, 1, 1])).statuses == ("off", "off", "off", "on")
    assert of_scores(scores, fixed([4, 3, 2, 1]), cheap=True).statuses == ("on",) * 4
    assert of_scores(scores, fixed([1, 3, 2, 4])).observed == (True, False, True, True)


def test_what_samples_do_not_tell_may_be() -> None:
    one = drawn(1, 200)[0]
    found = of_scores(np.stack([one, one, 1 - one]), fixed([1, 2, 3]))
    assert found.statuses[:2] == ("on", "may"), "equal answers, and dearer"
    few = of_scores(drawn(3, 12, step=0.1), fixed([1, 2, 3]))
    assert few.statuses == ("on", "may", "may"), "the cheapest is on the front whatever its score"


def test_uncertain_costs_need_intervals_that_hold_all_at_once() -> None:
    scores = drawn(2, 2000, step=0.3)
    apart = [Interval(10.0, 9.0, 11.0), Interval(5.0, 4.5, 5.5)]
    assert of_scores(scores, apart, [1000, 1000]).statuses == ("off", "on")
    near = [Interval(10.0, 9.0, 11.0), Interval(8.4, 7.9, 8.9)]
    assert of_scores(scores, near, [1000, 1000]).statuses == ("may", "on"), (
        "apart at 95 % each, not all at once"
    )
    # Two rounds say little of their own spread.
    assert of_scores(scores, apart, [2, 2]).statuses == ("may", "on")
    assert wider(1, None) == pytest.approx(2.2414 / 1.95996, rel=1e-3)
    assert wider(10, 5) > wider(10, None) > wider(2, None)
    unknown = [Interval(10.0, None, None), Interval(5.0, 4.5, 5.5)]
    assert of_scores(scores, unknown).statuses == ("may", "on")


@pytest.mark.parametrize("seed", range(3))
def test_honestboards_set_is_within_those_not_surely_off(seed: int) -> None:
    """Its critical value is for cheaper rivals alone, ours for all pairs in steps: ours can only keep more, or, by steps, a little fewer."""
    honestboard = pytest.importorskip("honestboard")
    rng = np.random.default_rng(seed)
    scores, costs = drawn(7, 400, seed=seed, step=0.06), rng.permutation(7).astype(float) + 1
    board = honestboard.Board(list("abcdefg"), scores)
    theirs = honestboard.pareto_frontier(board, dict(zip("abcdefg", costs.tolist(), strict=True)), B=2000)
    found = of_scores(scores, fixed(costs.tolist()))
    for at, name in enumerate("abcdefg"):
        own = next(row for row in theirs["table"] if row["system"] == name)
        assert own["on_observed_frontier"] == found.observed[at]
        if own["in_frontier_set"]:
            assert found.statuses[at] != "off", name


@pytest.mark.slow
def test_the_front_holds_in_simulation() -> None:
    """No model of the true front is said to be off it, and none outside of it to be on it, in 95 of 100."""
    truth = np.array([0.5, 0.5, 0.6, 0.6, 0.7, 0.45])
    costs = [1.0, 2.0, 3.0, 3.0, 5.0, 6.0]
    # Outdone: by one that is truly better and no dearer (a tie in both outdoes nobody).
    outdone = [any(truth[j] > truth[i] and costs[j] <= costs[i] for j in range(6)) for i in range(6)]
    # Surely on: every other is truly worse or dearer.
    on = [all(truth[i] > truth[j] or costs[i] < costs[j] for j in range(6) if j != i) for i in range(6)]
    held = 0
    for seed in range(200):
        rng = np.random.default_rng([seed, 7])
        hard = rng.random(200)
        values = (0.5 * hard + 0.5 * rng.random((6, 200)) < truth[:, None]).astype(float)
        found = of_scores(values, fixed(costs)).statuses
        wrong_off = any(status == "off" and not out for status, out in zip(found, outdone, strict=True))
        wrong_on = any(status == "on" and not own for status, own in zip(found, on, strict=True))
        held += not wrong_off and not wrong_on
    assert held >= 0.94 * 200


def test_names_do_not_lie_over_one_another() -> None:
    rng = np.random.default_rng(0)
    points = [(float(x), float(y)) for x, y in rng.random((60, 2)) * (700, 400)]
    found = placed([f"a model of some name {at}" for at in range(60)], points, range(60), (0, 0, 700, 400))
    assert 20 < len(found) < 60
    boxes = [label.box for label in found.values()]
    for at, one in enumerate(boxes):
        assert one[0] >= 0
        assert one[2] <= 700
        for other in boxes[:at]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    assert len(short("x" * 100)) == LONGEST


def test_axes_are_logarithmic_where_they_span_decades() -> None:
    made = axis([1, 10, 1000], [0.5, 2000], 0, 100)
    assert made.logarithmic
    assert made.ticks(5) == [1, 10, 100, 1000]
    assert made.at(10) - made.at(1) == pytest.approx(made.at(1000) - made.at(100), abs=0.11)
    assert made.at(-5) == 0
    plain = axis([0.2, 0.9], [0.1, 0.95], 0, 100)
    assert not plain.logarithmic
    assert plain.ticks(5)[0] == pytest.approx(0.2)
    alone = axis([3.0], [], 0, 100)
    assert alone.at(3.0) == 50
    assert axis([0.0, 0.0], [], 0, 1).ticks(4)
    assert [tick_text(one, "fraction") for one in (0.1, 1.0)] == ["10", "100"]
    assert [tick_text(one, "GiB") for one in (1e-5, 0.5, 2000, 1e9)] == ["1e-05".replace("-", "−"), "0.5", "2,000", "1e+09"]  # fmt: skip


def records(root: Path) -> Path:
    rng = np.random.default_rng(1)
    manifest: list[dict[str, Any]] = []
    for at in range(MODELS):
        score = {"tokens": 100_000, "padding": 0, "pairs": 1, "rows": 1, "passes": 1, "seconds": 1.0,
                 "tokens_per_second": float(5000 / (1 + at) * rng.uniform(0.5, 2))}  # fmt: skip
        latency = {"request": "score", "requests": 9, "seconds": 1.0, "requests_per_second": 9.0, "output_tokens": None,
                   "output_tokens_per_second": None, "times": [{"what": "request", "n": 40, "requests": 1.0, "mean": 0.1 * (1 + at),
                   "quantiles": [{"share": 0.5, "seconds": 0.1 * (1 + at), "low": 0.09 * (1 + at), "high": 0.12 * (1 + at)}]}]}  # fmt: skip
        manifest.append({
            "model": {"parameters": 10 ** (7 + at // 2)}, "latency": [latency],
            "work": {"seconds": 13.75, "peak_memory_bytes": 2**30 * (1 + at), "score": score},
            "hardware": {"cpu": "another CPU" if at == 3 else "a CPU"},
        })  # fmt: skip
    names = [f"org/model {at}" for at in range(MODELS - 1)] + [ATTACK]
    return rivals(
        root, {"arc": list(drawn(MODELS, 200, step=0.08)), "hella": list(drawn(MODELS, 300, seed=2, step=0.03))},
        manifest=manifest, names=names,
    )  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cost")
    return build(records(root / "reports"), root / "out").parent


def test_the_page_reads_without_scripts(browser: Browser, site: Path) -> None:
    with quiet_page(browser, java_script_enabled=False) as page:
        page.goto((site / "cost.html").as_uri())
        assert page.locator("svg.scatter[role=img] circle").count() == MODELS
        rows = page.locator("table.tradeoff tbody tr")
        assert rows.count() == MODELS
        assert rows.locator("td:last-child").first.inner_text() in (
            "surely on the front",
            "may be on the front",
        )
        assert not page.locator("form.axes").is_visible()
        assert "logarithmic" in page.locator("figcaption").inner_text()


def test_axes_are_chosen_in_the_address(browser: Browser, site: Path) -> None:
    with quiet_page(browser) as page:
        page.goto(f"{(site / 'cost.html').as_uri()}?y=task:arc:accuracy&x=cost:score-request")
        page.locator("figcaption", has_text="scored answer").wait_for()
        assert "arc" in page.locator("figcaption").inner_text()
        assert "0.1 [0.09, 0.12]" in page.locator("table.tradeoff").inner_text()
        # Times of another machine are no cheaper or dearer.
        other = page.locator("table.tradeoff tr", has_text="model 3")
        assert "unknown" in other.inner_text()
        page.locator("select[name=x]").select_option("cost:memory")
        page.locator("figcaption", has_text="memory").wait_for()
        assert page.url.endswith("x=cost%3Amemory")
        page.get_by_role("button", name="中文").click()
        assert "越低越好" in page.locator("figcaption").inner_text()
        assert page.evaluate("window.pwned") is None
        assert page.locator("table.tradeoff").inner_text().count(ATTACK) == 1


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
def test_axe_finds_nothing_serious(browser: Browser, site: Path, scheme: str, width: int) -> None:
    with quiet_page(browser, viewport={"width": width, "height": 900}, color_scheme=scheme) as page:
        page.goto((site / "cost.html").as_uri())
        assert serious(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_every_pair_of_axes_has_a_drawing(site: Path) -> None:
    text = (site / "cost.html").read_text()
    for name in (
        "area:accuracy",
        "task:arc:accuracy",
        "task:hella:accuracy",
        "cost:parameters",
        "cost:memory",
        "cost:score",
    ):
        assert f'value="{name}"' in text
    assert len(list((site / "pieces" / "cost").iterdir())) == 3 * 4


def test_drawings_of_many_models_are_whole(tmp_path: Path) -> None:
    """A piece holds no text that is cut where it is long."""
    names = [f"org/a model with a name of some length {at}" for at in range(60)]
    manifest: list[dict[str, Any]] = [{"model": {"parameters": 10 ** (6 + at % 5)}} for at in range(60)]
    rivals(tmp_path / "reports", {"arc": list(drawn(60, 12, step=0.01))}, manifest=manifest, names=names)
    site = build(tmp_path / "reports", tmp_path / "out").parent
    text = (site / "pieces" / "cost" / "0.js").read_text()
    assert len(text) > 25_000
    assert "cut:" not in text
    assert text.count("circle cx") == 60 + 3, "and what they mean"


def thinking(
    root: Path, machines: list[str], counts: list[int], dtypes: Sequence[str] = ()
) -> dict[str, TableColumn]:
    """Columns of costs of models that ran there, and were asked so many samples of a task."""
    manifest: list[dict[str, Any]] = []
    for at, cpu in enumerate(machines):
        score = {"tokens": 100_000, "padding": 0, "pairs": 1, "rows": 1, "passes": 1, "seconds": 1.0, "tokens_per_second": 50.0 + at}  # fmt: skip
        manifest.append({"hardware": {"cpu": cpu}, "work": {"seconds": 1.0, "score": score}, "tokens": {"reasoning": 1000 * (1 + at)}})  # fmt: skip
    scores = drawn(len(machines), 100)
    for at, count in enumerate(counts):
        one, own = {"arc": [scores[at][:count]]}, {"dtype": dtypes[at]} if dtypes else {}
        rivals(
            root / f"{at}", one, names=[f"org/model {at}"],
            manifest=[{**manifest[at], "model": {"fingerprint": f"{at:064x}", **own}}],
        )  # fmt: skip
    board = collect(find_records(root)[0])
    return {column.id: column for column in cost_axes(board, [])}


def marks(column: TableColumn) -> list[tuple[str, str]]:
    return [(cell.mark, cell.why) for _, cell in sorted(column.cells.items())]


def test_costs_over_other_tasks_or_of_other_machines_do_not_compare(tmp_path: Path) -> None:
    made = thinking(tmp_path / "a", ["one", "one", "other"], [100, 50, 100])
    assert marks(made["cost:score"]) == [("", ""), ("", ""), ("†", OTHER_MACHINE)]
    assert marks(made["cost:reasoning"]) == [("", ""), ("†", OTHER_TASKS), ("", "")]
    # Of two machines neither is the norm.
    made = thinking(tmp_path / "b", ["one", "other"], [100, 100])
    assert marks(made["cost:score"]) == [("†", OTHER_MACHINE)] * 2
    assert marks(made["cost:reasoning"]) == [("", "")] * 2


def test_of_the_throughputs_of_a_condition_one_is_an_axis(tmp_path: Path) -> None:
    for at in range(2):
        rivals(
            tmp_path / f"{at}",
            {"arc": list(drawn(1, 9))},
            names=[f"m{at}"],
            manifest=[{"model": {"fingerprint": f"{at:064x}"}}],
        )
    board = collect(find_records(tmp_path)[0])
    cells = {0: Cell(Interval(1.0, None, None), 1), 1: Cell(Interval(2.0, None, None), 1)}
    ids = [
        f"task:profile_{condition}:{metric}"
        for condition in ("b1", "b4")
        for metric in ("total_tokens_per_second", "requests_per_second", "output_tokens_per_second", "latency", "flops_share")
    ]  # fmt: skip
    measured = [TableColumn(one, SPEED, one, "", "s", True, cells=cells) for one in ids]
    found = [column.id for column in cost_axes(board, measured) if column.group == SPEED]
    assert found == [
        f"task:profile_{one}:{metric}"
        for one in ("b1", "b4")
        for metric in ("output_tokens_per_second", "latency")
    ]


def test_a_number_format_is_no_other_machine(tmp_path: Path) -> None:
    """What rounding weights gains in speed is what such a page is for."""
    made = thinking(tmp_path, ["one"] * 3, [100] * 3, ["float32", "float32", "bfloat16"])
    assert marks(made["cost:score"]) == [("", "")] * 3
    assert [cell.notes for cell in made["cost:score"].cells.values()][2] == ("one (bfloat16)",)


def test_a_model_that_compares_with_no_other_is_not_on_the_front(tmp_path: Path) -> None:
    column = thinking(tmp_path, ["one", "one", "other"], [100, 100, 100])["cost:score"]
    board = collect(find_records(tmp_path)[0])
    score = next(one for one in task_columns(board) if one.first)
    ranked = rank_board(board).columns["arc", "accuracy"]
    whole = figure(board, ["a", "b", "c"], score, column, ranked)
    assert whole is not None
    assert sorted(mark.status == "unknown" for mark in whole.marks) == [False, False, True]
    alone = replace(column, cells={place: column.cells[place] for place in (0, 2)})
    pair = figure(board, ["a", "b", "c"], score, alone, ranked)
    assert pair is not None
    assert [mark.status for mark in pair.marks] == ["unknown", "unknown"]


def test_a_board_without_costs_has_no_such_page(tmp_path: Path) -> None:
    rivals(tmp_path / "reports", {"arc": list(drawn(3, 30))})
    assert not (build(tmp_path / "reports", tmp_path / "out").parent / "cost.html").exists()
    assert "cost.html" not in (tmp_path / "out" / "index.html").read_text()
