"""The ranks of a board: who is ranked with whom, by what, and what the pages say of it."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from records import Json, estimate, task, write_record
from rivals import Scores, drawn, rivals

from lsm_eval.comparison.aggregates import Aggregates
from lsm_eval.comparison.difference import difference
from lsm_eval.comparison.pairs import match
from lsm_eval.comparison.tables import read
from lsm_eval.errors import UserError
from lsm_eval.leaderboard.board import Board
from lsm_eval.leaderboard.collect import collect
from lsm_eval.leaderboard.options import Options
from lsm_eval.leaderboard.ranking.board import rank_board
from lsm_eval.leaderboard.ranking.columns import ALONE, NO_DIRECTION, NO_MODEL
from lsm_eval.leaderboard.ranking.metric_scores import pseudo_values
from lsm_eval.leaderboard.ranking.scores import NO_SAMPLES, by_task, read_scores
from lsm_eval.leaderboard.ranking.site_ranks import mean_columns, with_ranks
from lsm_eval.leaderboard.site import Site
from lsm_eval.results.reader import find_records, read_record
from lsm_eval.statistics.ranking.ranks import ranks


def board(root: Path) -> Board:
    return collect(find_records(root)[0])


def edited(folder: Path, file: str, change: Callable[[Any], None]) -> None:
    content = json.loads((folder / file).read_text())
    change(content)
    (folder / file).write_text(json.dumps(content))


def test_a_columns_ranks_are_those_of_its_samples(tmp_path: Path) -> None:
    scores = drawn(4, 300, step=0.15)
    scores[1][10:30] = np.nan
    found = rank_board(board(rivals(tmp_path, {"arc": list(scores)}))).columns["arc", "accuracy"]
    own = ranks(scores)
    assert [(p.rank, p.low, p.high, p.of, p.mark) for _, p in sorted(found.places.items())] == [
        (int(own.ranks[at]), int(own.low[at]), int(own.high[at]), 4, "") for at in range(4)
    ]
    assert (found.told, found.neighbours) == own.neighbours
    assert found.top == tuple(f"org-model-{at}" for at in own.top)
    assert found.unknown == {}


def test_samples_are_matched_by_id_and_clusters_are_kept(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    scores = drawn(3, 120, step=0.2)
    clusters = [str(at // 6) for at in range(120)]
    rivals(tmp_path, {"arc": list(scores)}, clusters={"arc": clusters})
    path = tmp_path / "1" / "samples" / "arc.parquet"
    pq.write_table(pq.read_table(path).take(np.random.default_rng(0).permutation(120)[:100]), path)
    held = set(pq.read_table(path)["sample"].to_pylist())
    scores[1] = np.where([f"s{at}" in held for at in range(120)], scores[1], np.nan)
    (said,) = json.loads((tmp_path / "1" / "estimates.json").read_text())
    (tmp_path / "1" / "estimates.json").write_text(
        json.dumps([said | {"value": float(np.nanmean(scores[1]))}])
    )
    made = board(tmp_path)
    found, own = rank_board(made).columns["arc", "accuracy"], ranks(scores, clusters)
    assert [(p.low, p.high) for _, p in sorted(found.places.items())] == list(
        zip(own.low.tolist(), own.high.tolist(), strict=True)
    )
    assert found.places["org-model-0"].high > ranks(scores).high[0] or own.needed > 0


def test_what_does_not_compare_is_not_ranked_together(tmp_path: Path) -> None:
    rivals(tmp_path, {"arc": list(drawn(7, 200))})
    for at, word in ((0, "shots:5"), (1, "shots:5"), (2, "shots:3")):
        edited(tmp_path / f"{at}", "estimates.json", lambda rows, w=word: rows[0].update(signature=rows[0]["signature"].replace("shots:0", w)))  # type: ignore[misc]  # fmt: skip
    found = rank_board(board(tmp_path)).columns["arc", "accuracy"]
    assert {slug: (p.of, p.mark) for slug, p in sorted(found.places.items())} == {
        "org-model-0": (2, "†b"), "org-model-1": (2, "†b"), "org-model-3": (4, ""), "org-model-4": (4, ""),
        "org-model-5": (4, ""), "org-model-6": (4, ""),
    }  # fmt: skip
    assert found.unknown == {"org-model-2": ALONE}
    assert set(found.top) <= {f"org-model-{at}" for at in range(3, 7)}
    assert found.neighbours == 3


def test_why_a_rank_is_unknown(tmp_path: Path) -> None:
    rivals(
        tmp_path,
        {"arc": list(drawn(4, 60)), "bias": list(drawn(4, 60))},
        fields={"bias": {"higher_is_better": None}},
    )
    write_record(tmp_path / "imported", "other", [estimate("arc", n=60, signature=signature(tmp_path))],
                 tasks=[task("arc", samples=60, no_samples="it was imported")], model_fields={"fingerprint": "9" * 64})  # fmt: skip
    edited(tmp_path / "3", "manifest.json", lambda content: content["model"].update(name="builtin:uniform"))
    (tmp_path / "2" / "samples" / "arc.parquet").write_bytes(b"no table")
    found = rank_board(board(tmp_path)).columns
    assert found["arc", "accuracy"].unknown == {
        "other": NO_SAMPLES, "builtin-uniform": NO_MODEL, "org-model-2": "its samples cannot be read",
    }  # fmt: skip
    assert set(found["arc", "accuracy"].places) == {"org-model-0", "org-model-1"}
    assert set(found["bias", "accuracy"].unknown.values()) == {NO_DIRECTION, NO_MODEL}


def signature(root: Path) -> str:
    rows = json.loads((root / "0" / "estimates.json").read_text())
    return str(next(row["signature"] for row in rows if row["task"] == "arc"))


def area_scores() -> dict[str, list[Scores]]:
    return {"a": list(drawn(4, 300, step=0.15)), "b": list(drawn(4, 200, seed=1, step=0.15)),
            "worse": list(1 - drawn(4, 100, seed=2, step=0.15)), "nats": list(drawn(4, 90, seed=3))}  # fmt: skip


def test_an_areas_mean_is_ranked_over_tasks_in_percent_alone(tmp_path: Path) -> None:
    fields: dict[str, Json] = {
        "worse": {"higher_is_better": False},
        "nats": {"unit": "nats", "higher_is_better": False},
    }
    made = board(rivals(tmp_path, area_scores(), fields=fields))
    columns = mean_columns(made)
    assert [column.row.task for column in columns["area:accuracy"]] == ["a", "b", "worse"]
    found = rank_board(made, columns).means["area:accuracy"]
    assert [found.places[f"org-model-{at}"].rank for at in range(4)] == [4, 3, 2, 1]
    single = rank_board(made).columns["b", "accuracy"]
    assert found.told >= single.told
    # As if samples of all tasks were one table, each task a third of it.
    assert found.told == 3


def test_a_model_that_lacks_a_task_has_no_mean_rank(tmp_path: Path) -> None:
    scores = area_scores()
    rivals(tmp_path, {"a": scores["a"], "b": scores["b"]})
    edited(tmp_path / "2", "estimates.json", lambda rows: rows.pop())
    made = board(tmp_path)
    found = rank_board(made, mean_columns(made)).means["area:accuracy"]
    assert set(found.places) == {"org-model-0", "org-model-1", "org-model-3"}
    assert found.places["org-model-0"].of == 3
    assert found.unknown == {"org-model-2": "it lacks 1 of 2 tasks, such as b"}


def test_the_table_has_them_by_the_models_places(tmp_path: Path) -> None:
    rivals(tmp_path / "reports", {"a": area_scores()["a"], "b": area_scores()["b"]})
    made = with_ranks(board(tmp_path / "reports"), Site(tmp_path / "out", Options()))
    assert {"task:a:accuracy", "task:b:accuracy", "area:accuracy"} <= set(made.ranks)
    shown = made.ranks["area:accuracy"]
    assert shown.low[3] == 1
    assert shown.top == (3,)
    assert (shown.told, shown.pairs) == (3, 3)
    assert all(low <= high for low, high in zip(shown.low, shown.high, strict=True))


def test_large_boards_are_ranked_by_copies_of_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lsm_eval.leaderboard.ranking import board as module

    made = board(rivals(tmp_path, area_scores()))
    digests: list[list[Any]] = [[], []]
    found = []
    for at, tables in enumerate((module.MANY_TABLES, 1)):
        monkeypatch.setattr(module, "MANY_TABLES", tables)
        found.append(
            rank_board(
                made, mean_columns(made), digest=lambda s: (s.task, os.getpid()), keep=digests[at].append
            )
        )
    own, copies = found
    assert own.columns.keys() == copies.columns.keys()
    assert all(own.columns[key].places == copies.columns[key].places for key in own.columns)
    assert own.means["area:accuracy"].places == copies.means["area:accuracy"].places
    assert [task for task, _ in digests[0]] == [task for task, _ in digests[1]]
    assert {process for _, process in digests[0]} == {os.getpid()}
    if (os.cpu_count() or 1) > 1 and sys.platform == "linux" and threading.active_count() == 1:
        assert os.getpid() not in {process for _, process in digests[1]}


def test_pseudo_values_have_the_value_as_mean_and_the_jackknifes_spread() -> None:
    rng = np.random.default_rng(0)
    statistics = rng.random((50, 2)) + 0.5

    def ratio(sums: Scores) -> Scores:
        return np.asarray(sums[..., 0] / sums[..., 1])

    found = pseudo_values(ratio, statistics)
    assert found.mean() == pytest.approx(float(ratio(statistics.sum(axis=0))), abs=1e-12)
    without = np.array([ratio(np.delete(statistics, at, axis=0).sum(axis=0)) for at in range(50)])
    jackknife = 49 / 50 * ((without - without.mean()) ** 2).sum()
    assert found.var(ddof=1) / 50 == pytest.approx(jackknife, rel=1e-9)


def test_scores_of_every_metric_have_its_number_as_mean(tmp_path: Path) -> None:
    """Of the published records of the quickstart suite, BLEU and chrF among them (a perplexity is a mean of logarithms)."""
    published = Path(__file__).parents[2] / "reports"
    shutil.copytree(published, tmp_path / "reports", ignore=shutil.ignore_patterns("board"))
    made = board(tmp_path / "reports")
    by_slug = {model.slug: model for model in made.models}
    seen: set[str] = set()
    for name, held in by_task(made).items():
        scores = read_scores(name, held, Aggregates())
        for metric, own in scores.values.items():
            seen |= {"pseudo"} if metric in scores.pseudo else {"mean"}
            for slug, found in own.items():
                number = by_slug[slug].numbers[name, metric]
                assert np.nanmean(found) == pytest.approx(number.row.value, rel=1e-9, abs=1e-12), (
                    name,
                    metric,
                )
    assert "mean" in seen


def test_a_perplexity_is_no_mean_of_what_its_samples_keep(tmp_path: Path) -> None:
    """They keep logarithms, of which the larger is better; of their perplexity the smaller is."""
    rng = np.random.default_rng(2)
    first = -rng.gamma(16, 0.25, size=80)
    logs = np.stack([first, first - 1 + rng.normal(0, 0.2, 80)])
    fields: dict[str, Json] = {"lambada": {"unit": "perplexity", "higher_is_better": False}}
    rivals(tmp_path, {"lambada": list(logs)}, metrics={"lambada": "target_perplexity"}, fields=fields)
    values = [float(np.exp(-own.mean())) for own in logs]
    for at, value in enumerate(values):
        path = tmp_path / f"{at}" / "estimates.json"
        (said,) = json.loads(path.read_text())
        path.write_text(json.dumps([said | {"value": value}]))
    found = rank_board(board(tmp_path)).columns["lambada", "target_perplexity"]
    assert [(place.low, place.high) for _, place in sorted(found.places.items())] == [(1, 1), (2, 2)]
    one, two = (read(read_record(tmp_path / f"{at}"), "lambada") for at in (0, 1))
    made = difference(one.record.estimates[0], match(one, two), Aggregates(), 0.95)
    assert made.first == pytest.approx(values[0])
    assert made.second == pytest.approx(values[1])
    assert made.found is not None
    assert made.found.low is not None
    assert 0 < made.found.low < values[1] - values[0]


def reasked(folder: Path, change: Callable[[int], str | None]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "samples" / "arc.parquet"
    table = pq.read_table(path)
    hashes = pa.array([change(at) for at in range(table.num_rows)], pa.string())
    if "asked" in table.column_names:
        table = table.drop(["asked"])
    pq.write_table(table.append_column("asked", hashes), path)


def test_samples_that_asked_other_things_are_no_pairs(tmp_path: Path) -> None:
    scores = np.stack([np.ones(100), np.zeros(100), np.zeros(100), np.zeros(100)])
    rivals(tmp_path, {"arc": list(scores)})
    reasked(tmp_path / "0", lambda at: f"one {at}")
    reasked(tmp_path / "1", lambda at: f"other {at}")
    reasked(tmp_path / "2", lambda at: f"{'one' if at < 40 else 'other'} {at}")
    reasked(tmp_path / "3", lambda at: None)
    made = board(tmp_path)
    found = rank_board(made).columns["arc", "accuracy"]
    assert found.better is not None
    at = {slug: place for place, slug in enumerate(found.slugs)}
    shown = {(one, two) for one in range(4) for two in range(4) if found.better[at[f"org-model-{one}"], at[f"org-model-{two}"]]}  # fmt: skip
    # The first and the second share no sample; of the last it is not known what was asked.
    assert shown == {(0, 2), (0, 3)}
    read = read_scores("arc", by_task(made)["arc"], Aggregates())
    assert len(read.samples) == 200
    held = read.matrix("accuracy", [f"org-model-{at}" for at in range(4)])
    assert (~np.isnan(held)).sum(axis=1).tolist() == [100, 100, 100, 100]
    assert int((~np.isnan(held[:2])).all(axis=0).sum()) == 0
    assert int((~np.isnan(held[[0, 2]])).all(axis=0).sum()) == 40


def test_tables_that_are_alike_in_part_are_read_as_others(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    from lsm_eval.leaderboard.ranking.tables import ALIKE, Tables

    scores = drawn(4, 300)
    scores[2, 5] = np.nan
    rivals(tmp_path, {"arc": list(scores)}, clusters={"arc": [str(at // 3) for at in range(300)]})
    reasked(tmp_path / "1", str)
    path = tmp_path / "3" / "samples" / "arc.parquet"
    pq.write_table(pq.read_table(path).drop(["cluster"]), path)
    path = tmp_path / "0" / "samples" / "arc.parquet"
    pq.write_table(pq.read_table(path), path, row_group_size=70, compression="none")
    tables, wanted = Tables("arc"), [*ALIKE, "stats.accuracy"]
    records = sorted(find_records(tmp_path)[0], key=lambda record: record.folder)
    for record in [*records[:3], *records[:3]]:
        table = tables.read(record, ["stats.accuracy"])
        own = pq.read_table(record.sample_file("arc"))
        assert {name: column.to_pylist() for name, column in table.items()} == {
            name: own[name].to_pylist() for name in wanted if name in own.column_names
        }
    with pytest.raises(UserError, match="has no cluster"):
        tables.read(records[3], ["stats.accuracy"])


def test_an_infinite_score_is_a_reason_and_no_error(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rivals(tmp_path, {"arc": list(drawn(3, 60))})
    path = tmp_path / "1" / "samples" / "arc.parquet"
    table = pq.read_table(path)
    own = [[float("inf"), 1.0], *table["stats.accuracy"].to_pylist()[1:]]
    at = table.column_names.index("stats.accuracy")
    pq.write_table(table.set_column(at, "stats.accuracy", pa.array(own)), path)
    found = rank_board(board(tmp_path)).columns["arc", "accuracy"]
    assert found.unknown == {"org-model-1": "a sample's score is infinite"}
    assert set(found.places) == {"org-model-0", "org-model-2"}
