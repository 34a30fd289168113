"""Every number of the front page's table, made anew from the records' files by code that shares nothing with the site."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from front_found import read
from front_page import Table, check_page
from made_boards import numbers
from made_profiles import write_serving
from records import Json, generated, sample, task, write_record

from lsm_eval.leaderboard.build import build
from lsm_eval.leaderboard.options import Options

TASKS = {
    "choose": ("accuracy", True, "fraction"), "pick": ("accuracy", True, "fraction"), "say": ("accuracy", True, "points"),
    "wander": ("perplexity", False, "perplexity"), "truth": ("hallucination", True, "fraction"),
    "lies": ("hallucination", False, "fraction"), "harm": ("safety", False, "fraction"),
}  # fmt: skip


def made(root: Path) -> Path:
    """Seven rows: one with answers that were cut and samples that failed, one of other shots, one of fewer samples, one without a
    task, one that asks no model, and one that measured nothing of a task."""
    chance = random.Random(5)
    names = ("hf:org/a", "hf:org/b", "cut", "shots", "few", "lacks", "builtin:uniform", "nothing")
    for place, name in enumerate(names):
        rows: list[Json] = []
        estimates, tasks = [], []
        for key, (area, higher, unit) in TASKS.items():
            if name == "lacks" and key in ("truth", "harm"):
                continue
            own = [
                _sample(name, key, at, chance.random() < (0.2 + 0.1 * place), unit)
                for at in range(9 if name == "few" and key == "pick" else 24)
            ]
            scores = [row["score.accuracy"] for row in own if row["score.accuracy"] is not None]
            lost = len(own) - len(scores)
            found = numbers(
                key, sum(score > 0 for score in scores), max(len(scores), 1), area=area, unit=unit, higher_is_better=higher, missing=lost,
            )  # fmt: skip
            if unit == "points":
                found |= {end: 100 * found[end] for end in ("value", "low", "high", "stderr")}
            if unit == "perplexity":
                found |= {"value": 7.5 + place, "low": 7.25 + place, "high": 8.0 + place}
            if not scores:
                found |= {"value": None, "low": None, "high": None, "stderr": None, "method": "none", "n": 0}
            if name == "shots" and key == "choose":
                found["signature"] = found["signature"].replace("shots:0", "shots:5")
            cut = sum(row["finish"] == "length" for row in own)
            more: Json = {"cut_off": {"samples": cut, "in_thoughts": 0, "bounds": []}} if cut else {}
            if lost:
                more["failures"] = {"too_long": lost}
            if len(own) == 9:
                more["limit"] = 9
            tasks.append(
                task(
                    key,
                    area,
                    request="generate" if key in ("say", "harm") else "score",
                    shots=5 if "shots:5" in found["signature"] else 0,
                    **more,
                )
            )
            rows += own
            estimates.append(found)
        write_record(
            root / f"r{place}", name, estimates, tasks=tasks, samples=rows, model_fields={"fingerprint": f"{place:x}" * 64}
        )  # fmt: skip
    return root


def _sample(name: str, key: str, at: int, good: bool, unit: str) -> Json:
    score = float(good) * (100 if unit == "points" else 1)
    own: Json = {
        "asked": f"{key}{at}",
        "score.accuracy": score,
        "stats.accuracy": [score] if unit == "perplexity" else [score, 1.0],
    }
    if (name == "cut" and key == "truth" and at % 5 == 1) or (name == "nothing" and key == "harm"):
        own |= {"score.accuracy": None, "stats.accuracy": None, "failure": "too_long", "failure_detail": "99"}
    if key not in ("say", "harm"):
        return sample(key, at, **own)
    own["finish"] = "length" if name == "cut" and at % 3 == 0 else "stop"
    made = generated(key, at, f"ask {at}", f"answer {at}", ["x"], **own)
    return {**made, "completion": None, "finish": None} if own.get("failure") else made


def test_every_number_of_the_table_is_that_of_the_records(tmp_path: Path) -> None:
    root = made(tmp_path / "reports")
    index = build(root, tmp_path / "site", options=Options(reference="a"))
    seen = check_page(index.parent, read(root), "hf:org/a", {})
    assert {kind: count // 8 for kind, count in seen.items()} == {"area": 3, "task": 7, "ratio": 2}


def test_every_number_of_the_quickstart_table_is_that_of_the_records(tmp_path: Path) -> None:
    """Of the published records those of the quickstart suite; `test_board_numbers` is of the published board."""
    published = Path(__file__).parents[2] / "reports"
    if not published.is_dir():
        pytest.skip("needs the published records")
    root = tmp_path / "reports"
    shutil.copytree(published, root, ignore=shutil.ignore_patterns("board"))
    site = build(root, tmp_path / "site").parent
    suite = ["quickstart_accuracy_en", "quickstart_accuracy_zh", "quickstart_en_zh", "quickstart_en_de", "quickstart_summary",
             "quickstart_hallucination", "quickstart_bias", "quickstart_privacy"]  # fmt: skip
    seen = check_page(site, read(root), None, {"quickstart": suite})
    assert seen["area"] > 10
    assert seen["task"] > 20


def test_a_profile_among_runs_is_no_task_and_its_columns_have_units(tmp_path: Path) -> None:
    write_serving(tmp_path / "profiles")
    alone = (build(tmp_path / "profiles", tmp_path / "alone")).read_text(encoding="utf-8")
    (first, *_) = [head for column, head in Table(alone).heads.items() if column.endswith(":ttft_p50")]
    assert "ttft_p50 s ↓" in first
    write_record(tmp_path / "runs" / "a", "a", [numbers("choose", 3, 4)])
    index = build([tmp_path / "runs", tmp_path / "profiles"], tmp_path / "both").read_text(encoding="utf-8")
    table = Table(index)
    assert table.columns == ["area:accuracy", "task:choose:accuracy"]
    assert any(one[0].endswith(":ttft_p50") for one in table.data["catalogue"])
    assert ">1 task<" in index
    assert ">2 models<" in index
