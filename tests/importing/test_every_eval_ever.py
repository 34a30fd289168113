"""Files that Every Eval Ever's own converter 0.3.0 wrote, imported."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from command_line import call

from lsm_eval.importing.importing import import_file
from lsm_eval.recount.check import check_record
from lsm_eval.results.reader import read_record

FILES = Path(__file__).parent / "files" / "every_eval_ever"
FEW, SUMS, MIXED, GROUP = (
    next(FILES.glob(f"{name}*[0-9a-f].json")) for name in ("c79f", "8b01", "5471", "1ac0")
)


def load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_every_number_is_kept(tmp_path: Path) -> None:
    for path in (FEW, SUMS, GROUP, MIXED):
        made = import_file(path, tmp_path)
        results = load(path)["evaluation_results"]
        assert len(results) == len(made.estimates)
        for result, row in zip(results, made.estimates, strict=True):
            assert row.value == result["score_details"]["score"]
            assert row.imported is not None
            doubt = result["score_details"]["uncertainty"]
            assert row.imported["stderr"] == doubt["standard_error"]["value"]
            assert row.imported["n"] == doubt["num_samples"] == row.n
            assert " imported:every-eval-ever/0.3.0 " in row.signature
        assert check_record(made.record).problems == ()


def test_scores_of_several_metrics(tmp_path: Path) -> None:
    made = import_file(FEW, tmp_path)
    assert [(row.metric, row.method, row.n, row.unit) for row in made.estimates] == [
        ("acc", "wilson", 6, "fraction"), ("acc_norm", "wilson", 6, "fraction"),
    ]  # fmt: skip
    table = {row["sample"]: row for row in read_record(made.record).samples("colours_few").to_pylist()}
    for line in FEW.with_name(FEW.stem + "_samples.jsonl").read_text().splitlines():
        told = json.loads(line)
        row = table[told["sample_id"]]
        assert row[f"score.{told['evaluation_result_id']}"] == told["evaluation"]["score"]
        assert row["prompt"] == told["input"]["raw"]
        assert row["target"] == told["input"]["reference"]
        assert json.loads(row["metadata"])["doc_hash"] == told["metadata"]["doc_hash"]
    made = import_file(SUMS, tmp_path)
    assert [task.task for task in made.manifest.tasks] == ["sums_strict-match", "sums_flexible-extract"]
    assert [task.title for task in made.manifest.tasks] == ["sums/strict-match", "sums/flexible-extract"]
    assert made.manifest.imported is not None
    assert "shots" in made.manifest.imported.lacking


def test_samples_that_are_not_the_tasks_are_found_out(tmp_path: Path) -> None:
    """The converter took another task's samples: the number stays the file's, and gets no interval."""
    done = call("import", MIXED, "--out", tmp_path)
    assert done.code == 0
    assert (
        "the file says 0.6666666666666666, which is not the mean of the scores that it gives its samples"
        in done.err
    )
    for row in read_record(done.record).estimates:
        assert row.low is None
        assert row.method == "none (as imported: not the mean of its samples' scores)"
        assert row.imported is not None
        assert row.imported["differs"]


def copied(tmp_path: Path, change: Any) -> Path:
    shutil.copytree(FILES, tmp_path / "files")
    path = tmp_path / "files" / FEW.name
    content = load(path)
    change(content)
    path.write_text(json.dumps(content))
    return path


def test_an_unknown_number_of_samples_is_not_nought(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content.pop("detailed_evaluation_results")
        content["evaluation_results"][0]["score_details"] = {"score": 0.125}

    made = import_file(copied(tmp_path, change), tmp_path / "out")
    row = made.estimates[0]
    # The other metric of the task says how many samples it has.
    assert (row.value, row.stderr, row.n) == (0.125, None, 6)

    def none(content: dict[str, Any]) -> None:
        content.pop("detailed_evaluation_results")
        content["evaluation_results"] = content["evaluation_results"][:1]
        content["evaluation_results"][0]["score_details"] = {"score": 0.125}
        content["evaluation_results"][0]["source_data"].pop("samples_number", None)

    made = import_file(copied(tmp_path / "more", none), tmp_path / "out")
    row = made.estimates[0]
    assert (row.n, row.low, made.manifest.tasks[0].samples) == (None, None, None)
    assert " n:? " in row.signature
    assert check_record(made.record).problems == ()
    done = call("leaderboard", made.record, "--out", tmp_path / "site")
    assert done.code == 0, done.err


def test_another_file_of_samples_is_refused(tmp_path: Path) -> None:
    path = copied(tmp_path, lambda c: None)
    samples = path.with_name(path.stem + "_samples.jsonl")
    samples.write_text(samples.read_text().replace('"score": 0.0', '"score": 1.0'))
    assert "another SHA-256" in call("import", path, "--out", tmp_path / "out").sentence()
    samples.unlink()
    made = import_file(path, tmp_path / "out")
    assert made.manifest.tasks[0].no_samples == f"there is no {samples.name} beside it"


@pytest.mark.parametrize("name", ["../../../etc/passwd", "..", "", "a\\..\\b", "/"])
def test_a_path_in_the_file_stays_beside_it(tmp_path: Path, name: str) -> None:
    path = copied(tmp_path, lambda c: c["detailed_evaluation_results"].update(file_path=name))
    done = call("import", path, "--out", tmp_path / "out")
    assert "Traceback" not in done.err
    assert done.code in (0, 2)
    assert "passwd_" not in done.out
