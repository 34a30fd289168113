"""Two runs compared: what is paired, what differs, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command_line import Outcome, call
from compared_runs import Runs
from honest import edit, made_honest


def compared(runs: Runs, *more: str | Path, first: Path | None = None, second: Path | None = None) -> Outcome:
    return call("compare", first or runs.first, second or runs.second, "--include", runs.tasks, *more)


def rows_of(outcome: Outcome) -> dict[str, dict[str, Any]]:
    return {f"{row['task']}:{row['metric']}": row for row in json.loads(outcome.out)["rows"]}


def samples(record: Path, task: str) -> pd.DataFrame:
    return pd.read_parquet(record / "samples" / f"{task}.parquet")


def copy(record: Path, folder: Path) -> Path:
    return Path(shutil.copytree(record, folder / "copy" / record.name))


def edited(record: Path, folder: Path, task: str, change: Any) -> Path:
    """A copy of a record with another sample table of one task."""
    made = copy(record, folder)
    table = samples(made, task)
    change(table).to_parquet(made / "samples" / f"{task}.parquet")
    return made_honest(made, task)


def resigned(record: Path, folder: Path, old: str, new: str) -> Path:
    """A copy of a record with other signatures, and what they are made from."""
    made = copy(record, folder)
    path = made / "estimates.json"
    path.write_text(path.read_text().replace(old, new))

    def rows(content: list[dict[str, Any]]) -> None:
        for row in content:
            row["task_version"] = 2 if f"{row['task']}:v2" in row["signature"] else 1
            if "metric:acc|other " in row["signature"]:
                row["metric_signature"] = "acc|other"

    def manifest(content: dict[str, Any]) -> None:
        for row in content["tasks"]:
            row["version"] = 2 if f"{row['task']}:v2" == new else 1
            if new == "shots:5/first":
                row |= {"shots": 5, "sampler": "first"}

    edit(path, rows)
    edit(made / "manifest.json", manifest)
    return made


def test_values_and_differences_are_those_of_the_samples(runs: Runs) -> None:
    outcome = compared(runs, "--json", "--groups")
    assert outcome.code == 0, outcome.err
    found = rows_of(outcome)
    for task, metric in (("choose", "acc"), ("choose", "acc_norm"), ("say", "f1")):
        one, other = (samples(record, task)[f"score.{metric}"] for record in (runs.first, runs.second))
        row = found[f"{task}:{metric}"]
        assert row["baseline_value"] == pytest.approx(one.mean())
        assert row["candidate_value"] == pytest.approx(other.mean())
        assert row["difference"] == pytest.approx((other - one).mean())
        assert row["discordant"] == (one != other).sum()
        assert row["n"] == 24
        assert row["low"] < row["difference"] < row["high"]
    assert {"choose:acc[odd]", "choose:acc[even]"} <= set(found)
    assert found["choose:acc[odd]"]["n"] == 12
    assert "choose:acc[odd]" not in rows_of(compared(runs, "--json"))


def test_corpus_scores_are_made_from_both_runs_statistics(runs: Runs) -> None:
    row = rows_of(compared(runs, "--json"))["read:byte_perplexity"]
    for which, record in (("baseline", runs.first), ("candidate", runs.second)):
        rows = json.loads((record / "estimates.json").read_text())
        recorded = next(one["value"] for one in rows if one["task"] == "read")
        assert row[f"{which}_value"] == pytest.approx(recorded)
    assert row["method"].startswith("jackknife(samples), paired")
    table = [samples(record, "read")["stats.byte_perplexity"] for record in (runs.first, runs.second)]

    def value(kept: np.ndarray[Any, Any]) -> float:
        sums = [np.stack(list(one))[kept].sum(axis=0) for one in table]
        return float(np.exp(-sums[1][0] / sums[1][1]) - np.exp(-sums[0][0] / sums[0][1]))

    n = 24
    without = np.array([value(np.arange(n) != at) for at in range(n)])
    error = np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
    assert (row["high"] - row["low"]) / 2 == pytest.approx(2.0687 * error, rel=0.03)


def test_a_record_against_itself_differs_in_nothing(runs: Runs) -> None:
    outcome = compared(runs, second=runs.first)
    assert outcome.code == 0
    assert outcome.out.count("no pair differs") == 8
    for row in rows_of(compared(runs, "--json", second=runs.first)).values():
        assert row["verdict"] == "same"
        assert row["difference"] == 0
        assert row["low"] is None or row["low"] < 0 < row["high"]


def test_samples_are_matched_by_id_and_never_by_place(runs: Runs, tmp_path: Path) -> None:
    whole = rows_of(compared(runs, "--json"))["choose:acc"]
    mixed = edited(runs.second, tmp_path, "choose", lambda table: table.sample(frac=1, random_state=3))
    assert rows_of(compared(runs, "--json", second=mixed))["choose:acc"] == whole


def test_a_sample_with_another_question_is_no_pair(runs: Runs, tmp_path: Path) -> None:
    def other(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[:4, "asked"] = "another"
        return table

    row = rows_of(compared(runs, "--json", second=edited(runs.second, tmp_path, "choose", other)))[
        "choose:acc"
    ]
    assert (row["n"], row["other_prompt"]) == (19, 5)


def test_early_records_are_matched_by_their_prompts(runs: Runs, tmp_path: Path) -> None:
    def early(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[:1, "prompt"] = "another"
        return table.drop(columns="asked")

    row = rows_of(compared(runs, "--json", second=edited(runs.second, tmp_path, "choose", early)))[
        "choose:acc"
    ]
    assert (row["n"], row["other_prompt"]) == (22, 2)


def test_failed_samples_leave_the_pair_and_are_counted(runs: Runs, tmp_path: Path) -> None:
    def failed(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[:2, "failure"] = "nan"
        for name in table.columns:
            if name.startswith(("score.", "stats.")):
                table[name] = table[name].astype(object)
                table.loc[:2, name] = None
        return table

    made = edited(runs.second, tmp_path, "choose", failed)
    outcome = compared(runs, "--json", second=made)
    row = rows_of(outcome)["choose:acc"]
    assert (row["n"], row["missing"]) == (21, 3)
    assert "3 failed in one run or both" in compared(runs, second=made).out


def first_twenty(table: pd.DataFrame) -> pd.DataFrame:
    return table.iloc[:20]


def test_only_the_samples_of_both_runs_count(runs: Runs, tmp_path: Path) -> None:
    fewer = edited(runs.second, tmp_path, "choose", first_twenty)
    row = rows_of(compared(runs, "--json", second=fewer))["choose:acc"]
    assert (row["n"], row["only_baseline"], row["only_candidate"]) == (20, 4, 0)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("choose:v1", "choose:v2", "version (v1 against v2) differs"),
        ("shots:0", "shots:5/first", "shots (0 against 5/first) differs"),
        ("metric:acc ", "metric:acc|other ", "metric (acc against acc|other) differs"),
    ],
)
def test_other_signatures_are_not_compared(runs: Runs, tmp_path: Path, old: str, new: str, said: str) -> None:
    made = resigned(runs.second, tmp_path, old, new)
    outcome = compared(runs, second=made)
    assert outcome.code == 4
    assert said in outcome.out
    part = said.partition(" ")[0]
    assert rows_of(compared(runs, "--json", "--across", part, second=made))["choose:acc"]["n"] == 24


def test_another_release_compares_where_the_engine_agrees(runs: Runs, tmp_path: Path) -> None:
    made = resigned(runs.second, tmp_path, "lsm-eval:", "lsm-eval:9")
    assert rows_of(compared(runs, "--json", second=made))["choose:acc"]["n"] == 24
    manifest = json.loads((made / "manifest.json").read_text())
    manifest["model"]["details"]["engine"] = "llama.cpp"
    (made / "manifest.json").write_text(json.dumps(manifest))
    first = copy(runs.first, tmp_path / "first")
    manifest = json.loads((first / "manifest.json").read_text())
    manifest["model"]["details"]["engine"] = "tree"
    (first / "manifest.json").write_text(json.dumps(manifest))
    outcome = compared(runs, first=first, second=made)
    assert outcome.code == 4
    assert "and engine (tree against llama.cpp) differ" in outcome.out
    assert (
        rows_of(compared(runs, "--json", "--across", "lsm-eval", first=first, second=made))["choose:acc"]["n"]
        == 24
    )


def test_intervals_and_the_number_of_samples_may_differ(runs: Runs, tmp_path: Path) -> None:
    fewer = edited(runs.second, tmp_path, "choose", first_twenty)
    made = resigned(fewer, tmp_path / "other", "intervals:", "intervals:other-")
    assert " n:20 " in (made / "estimates.json").read_text()
    assert compared(runs, second=made).code == 0


def test_an_unknown_part_is_a_mistake(runs: Runs) -> None:
    said = compared(runs, "--across", "colour").sentence()
    assert said.startswith(
        "--across colour: no signature of these records has such a part; it is one of chat, data"
    )


def test_records_without_samples_are_not_compared(runs: Runs, tmp_path: Path) -> None:
    made = copy(runs.second, tmp_path)
    shutil.rmtree(made / "samples")
    outcome = compared(runs, second=made)
    assert outcome.code == 4
    assert "the candidate has no samples of its own, only numbers" in outcome.out


def test_a_value_that_its_samples_do_not_give_is_not_compared(runs: Runs, tmp_path: Path) -> None:
    made = copy(runs.first, tmp_path)
    rows = json.loads((made / "estimates.json").read_text())
    for row in rows:
        if row["task"] == "read":
            row["value"] *= 1.01
    (made / "estimates.json").write_text(json.dumps(rows))
    row = rows_of(compared(runs, "--json", first=made))["read:byte_perplexity"]
    assert row["why"] == "its value is no function of its samples' statistics"


def twice(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table, table.iloc[:1]])


def no_float(record: Path) -> None:
    path = record / "samples" / "choose.parquet"
    table = pd.read_parquet(path)
    table["score.acc"] = "good"
    table.to_parquet(path)


TAMPERED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "value": (
        lambda record: edit(
            record / "estimates.json", lambda rows: rows[0].update(value=0.123, low=0, high=1)
        ),
        "choose, acc: it says 0.123, and the mean of its 24 scores is",
    ),
    "samples": (
        lambda record: edit(record / "manifest.json", lambda found: found["tasks"][0].update(samples=25)),
        "manifest.json says 25 samples, and the table has 24",
    ),
    "torn": (
        lambda record: (record / "samples" / "choose.parquet").write_bytes(b"PAR1 and no more"),
        "samples/choose.parquet cannot be read",
    ),
    "gone": (
        lambda record: (record / "samples" / "choose.parquet").unlink(),
        "samples/choose.parquet is missing",
    ),
    "type": (no_float, "string, which cannot be counted"),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_a_record_that_is_not_what_it_says_is_not_compared(runs: Runs, tmp_path: Path, how: str) -> None:
    tamper, said = TAMPERED[how]
    made = copy(runs.second, tmp_path)
    tamper(made)
    outcome = compared(runs, "--json", second=made)
    assert outcome.code == 4
    assert {row["why"] for row in rows_of(outcome).values()} == {"the candidate is not what it says"}
    for which, found in (
        ("candidate", compared(runs, second=made)),
        ("baseline", compared(runs, first=made)),
    ):
        assert found.code == 4
        assert f"The {which} is not what it says: " in found.out
        assert said in found.out


def test_only_what_is_compared_is_counted_again(runs: Runs, tmp_path: Path) -> None:
    one, other = copy(runs.first, tmp_path / "one"), copy(runs.second, tmp_path / "other")
    for record in (one, other):
        (record / "samples" / "say.parquet").write_bytes(b"")
    told = samples(other, "told")["tokens"].map(sum).sum()

    def manifest(found: dict[str, Any]) -> None:
        found["tasks"] = [row for row in found["tasks"] if row["task"] != "say"]
        found["tokens"]["generated"] = int(told)

    def rows(found: list[dict[str, Any]]) -> None:
        found[:] = [row for row in found if row["task"] != "say"]

    edit(other / "manifest.json", manifest)
    edit(other / "estimates.json", rows)
    (other / "samples" / "say.parquet").unlink()
    outcome = compared(runs, first=one, second=other)
    assert outcome.code == 0, outcome.out
    assert "Only the baseline has say." in outcome.out


def test_one_doubtful_candidate_leaves_the_others(runs: Runs, tmp_path: Path) -> None:
    made = copy(runs.second, tmp_path)
    TAMPERED["value"][0](made)
    outcome = call("compare", runs.first, made, runs.second, "--include", runs.tasks, "--json")
    assert outcome.code == 4
    found = json.loads(outcome.out)["rows"]
    assert {row["verdict"] for row in found if row["candidate"] == 0} == {"not compared"}
    assert all(row["verdict"] != "not compared" for row in found if row["candidate"] == 1)


def test_the_same_id_twice_is_not_compared(runs: Runs, tmp_path: Path) -> None:
    outcome = compared(runs, second=edited(runs.second, tmp_path, "choose", twice))
    assert outcome.code == 4
    assert "is there 2 times" in outcome.out


def test_several_candidates_are_judged_together(runs: Runs) -> None:
    outcome = call("compare", runs.first, runs.second, runs.first, "--include", runs.tasks, "--json")
    found = json.loads(outcome.out)
    assert [row["candidate"] for row in found["rows"]] == [0] * 8 + [1] * 8
    assert found["tested"] == sum(row["p"] is not None for row in found["rows"])
    worst = min((row for row in found["rows"] if row["p"] is not None), key=lambda row: row["p"])
    assert worst["p_adjusted"] == pytest.approx(min(1, worst["p"] * found["tested"]))


def test_records_with_no_task_in_common_say_so(runs: Runs, tmp_path: Path) -> None:
    made = copy(runs.second, tmp_path)
    (made / "estimates.json").write_text("[]")
    outcome = compared(runs, second=made)
    assert outcome.code == 4
    assert "The records have no number in common." in outcome.out


def test_samples_that_stand_for_several_weigh_so(runs: Runs, tmp_path: Path) -> None:
    weights = np.resize([1.0, 1.0, 3.0, 8.0], 24)
    made = [
        edited(record, tmp_path / name, "choose", lambda table: table.assign(weight=weights))
        for name, record in (("one", runs.first), ("other", runs.second))
    ]
    row = rows_of(compared(runs, "--json", first=made[0], second=made[1]))["choose:acc"]
    scores = [samples(record, "choose")["score.acc"] for record in made]
    assert row["baseline_value"] == pytest.approx(np.average(scores[0], weights=weights))
    assert row["difference"] == pytest.approx(np.average(scores[1] - scores[0], weights=weights))
    plain = rows_of(compared(runs, "--json"))["choose:acc"]
    assert row["high"] - row["low"] > plain["high"] - plain["low"]
    unlike = rows_of(compared(runs, "--json", first=made[0]))["choose:acc"]
    assert unlike["why"] == "its samples have different weights in the two runs"


def test_a_smaller_run_is_compared_over_its_samples(runs: Runs, tmp_path: Path) -> None:
    made = resigned(runs.second, tmp_path, "n:24", "n:24 drawn:groups+clusters/24 seed:0")
    assert rows_of(compared(runs, "--json", second=made))["choose:acc"]["n"] == 24


@pytest.mark.parametrize("odd", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("which", ["baseline", "candidate"])
def test_a_score_that_is_no_number_is_named_with_task_and_metric(
    runs: Runs, tmp_path: Path, which: str, odd: float
) -> None:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[3, "score.acc_norm"] = odd
        stats = [np.array([odd, 1.0]) if at == 3 else own for at, own in enumerate(table["stats.acc_norm"])]
        table["stats.acc_norm"] = pd.Series(stats, dtype=object)
        return table

    def without_value(content: list[dict[str, Any]]) -> None:
        row = next(row for row in content if (row["task"], row["metric"]) == ("choose", "acc_norm"))
        row |= {"value": None, "low": None, "high": None, "stderr": None, "method": "none (infinite)"}

    record = runs.first if which == "baseline" else runs.second
    made = copy(record, tmp_path)
    table = change(samples(made, "choose"))
    table.to_parquet(made / "samples" / "choose.parquet")
    edit(made / "estimates.json", without_value)
    pair = (made, runs.second) if which == "baseline" else (runs.first, made)
    what = f"The {which} is not what it says: choose: "
    held = compared(runs, first=pair[0], second=pair[1])
    gated = call("gate", "--baseline", pair[0], "--candidate", pair[1], "--include", runs.tasks)
    assert (held.code, gated.code) == (4, 4)
    for said in (held.out, gated.out):
        assert what in said
        assert ".acc_norm of sample '3' is not finite" in said
