"""Files that lm-evaluation-harness 0.4.13 wrote, imported."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from command_line import call

from lsm_eval.errors import UserError
from lsm_eval.importing.importing import Imported, import_file
from lsm_eval.importing.record import AS_IMPORTED
from lsm_eval.recount.check import check_record
from lsm_eval.results.reader import read_record
from lsm_eval.statistics.intervals import proportion_interval

FILES = Path(__file__).parent / "files"
RESULTS = next((FILES / "lm_eval").glob("results_*.json"))
AGGREGATES = next((FILES / "lm_eval_aggregates").glob("results_*.json"))


def load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Imported:
    return import_file(RESULTS, tmp_path_factory.mktemp("records"))


def rows(made: Imported) -> dict[tuple[str, str], Any]:
    return {(row.task, row.metric): row for row in made.estimates}


def test_every_number_is_kept_to_the_last_digit(made: Imported) -> None:
    content = load(RESULTS)
    found = rows(made)
    count = 0
    for task, numbers in content["results"].items():
        for key, value in numbers.items():
            metric, comma, chosen = key.partition(",")
            if not comma:
                continue
            name = metric.removesuffix("_stderr") + ("" if chosen == "none" else f",{chosen}")
            told = found[task, name].imported
            assert told["stderr" if metric.endswith("_stderr") else "value"] == value
            if not metric.endswith("_stderr"):
                assert found[task, name].value == value
                assert not told["differs"]
            count += 1
    assert count == 2 * len(found) == 18


def test_intervals_are_ours(made: Imported) -> None:
    found = rows(made)
    acc = found["colours", "acc"]
    assert (acc.low, acc.high) == proportion_interval(4, 6, 0.95)[1]
    assert (acc.method, acc.n, acc.missing, acc.unit) == ("wilson", 6, 0, "fraction")
    strict = found["sums", "exact_match,strict-match"]
    assert (strict.method, strict.n, strict.value) == ("clopper-pearson", 4, 0.25)
    # A corpus score has no scores of its samples, a group no samples of its own.
    for key, n in ((("sums", "bleu,strict-match"), 4), (("small", "acc"), 12)):
        assert (found[key].low, found[key].high, found[key].method, found[key].n) == (
            None,
            None,
            AS_IMPORTED,
            n,
        )
    assert found["small", "acc"].stderr == load(RESULTS)["results"]["small"]["acc_stderr,none"]


def test_samples_are_kept(made: Imported) -> None:
    record = read_record(made.record)
    for task in ("colours", "sums"):
        file = next((FILES / "lm_eval").glob(f"samples_{task}_2*.jsonl"))
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        table = {row["sample"]: row for row in record.samples(task).to_pylist()}
        for line in lines:
            row = table[str(line["doc_id"])]
            assert row["prompt"] == line["arguments"]["gen_args_0"]["arg_0"]
            assert row["target"] == [line["target"]]
            told = json.loads(row["metadata"])
            assert {key: told[key] for key in ("doc_hash", "prompt_hash", "target_hash", "doc")} == {
                key: line[key] for key in ("doc_hash", "prompt_hash", "target_hash", "doc")
            }
            if task == "colours":
                assert row["logprobs"] == [float(pair[0][0]) for pair in line["resps"]]
                assert row["score.acc"] == line["acc"]
                assert row["continuations"] == [" " + word for word in line["doc"]["a"]]
            else:
                assert row["completion"] == line["resps"][0][0]
                assert row[f"score.exact_match,{line['filter']}"] == line["exact_match"]
                assert told["parts"][f"bleu,{line['filter']}"] == line["bleu"]


def test_how_it_was_asked(made: Imported) -> None:
    manifest = read_record(made.record).manifest
    tasks = {task.task: task for task in manifest.tasks}
    assert [task.shots for task in tasks.values()] == [0, 1, 0, None]
    assert [task.own_version for task in tasks.values()] == ["1.0", "1.0", "2.0", "1.0"]
    assert [task.samples for task in tasks.values()] == [6, 6, 4, 12]
    assert tasks["small"].no_samples == "it is a group, and its samples are those of its tasks"
    assert tasks["sums"].request == "generate"
    model = manifest.model
    assert (model.name, model.dtype, model.parameters) == ("nobody/tiny", "float32", 36000)
    assert (manifest.seed, manifest.command, manifest.work) == (7, [], None)
    assert manifest.created.startswith("2026-11-29T09:39:10")
    assert manifest.imported is not None
    assert len(manifest.imported.files) == 4
    assert manifest.imported.files[RESULTS.name] == hashlib.sha256(RESULTS.read_bytes()).hexdigest()
    assert "the command" in manifest.imported.lacking
    signature = rows(made)["colours_few", "acc"].signature
    for part in ("colours_few:v1 ", "n:6 ", "shots:1 ", "chat:off ", "seed:7 ", " imported:lm-eval/0.4.13 "):
        assert part in signature
    assert rows(made)["small", "acc"].signature.split()[3] == "shots:?"


def test_the_record_is_whole_and_shown(made: Imported, tmp_path: Path) -> None:
    assert check_record(made.record).problems == ()
    assert check_record(made.record).without_samples == ("small",)
    done = call("leaderboard", made.record, "--out", tmp_path / "site")
    assert done.code == 0, done.err
    page = next((tmp_path / "site" / "models").glob("*.html")).read_text()
    assert "Imported" in page
    assert "from lm-eval 0.4.13" in page
    assert "shots unknown" in page


def test_aggregates_alone(tmp_path: Path) -> None:
    done = call("import", AGGREGATES, "--out", tmp_path)
    assert done.code == 0
    assert "colours: no samples, because there is no samples_colours_" in done.err
    record = read_record(done.record)
    assert not record.has_samples("colours")
    assert [row.method for row in record.estimates] == [AS_IMPORTED] * 2
    numbers = load(AGGREGATES)["results"]["colours"]
    assert record.estimates[0].stderr == numbers["acc_stderr,none"]
    assert record.estimates[0].value == numbers["acc,none"]
    assert check_record(done.record).whole
    assert "was imported before" in call("import", AGGREGATES, "--out", tmp_path).sentence()


def changed(tmp_path: Path, change: Any) -> Path:
    """A copy of the files with another results file."""
    shutil.copytree(RESULTS.parent, tmp_path / "files")
    path = tmp_path / "files" / RESULTS.name
    content = load(path)
    change(content)
    path.write_text(json.dumps(content))
    return path


def test_a_mean_that_is_another_stands_beside_ours(tmp_path: Path) -> None:
    path = changed(tmp_path, lambda c: c["results"]["colours"].update({"acc,none": 0.9}))
    done = call("import", path, "--out", tmp_path / "out")
    assert done.code == 0
    assert "the mean of its samples' scores is 0.6666666666666666, and the file says 0.9" in done.err
    row = read_record(done.record).estimates[0]
    assert row.value == 4 / 6
    assert row.imported is not None
    assert (row.imported["value"], row.imported["differs"]) == (0.9, True)
    assert check_record(done.record).whole


def test_what_is_no_mean_by_its_settings_keeps_the_tools_value(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["results"]["colours"]["acc,none"] = 0.9
        content["configs"]["colours"]["metric_list"][0]["aggregation"] = "perplexity"

    made = import_file(changed(tmp_path, change), tmp_path / "out")
    row = made.estimates[0]
    assert (row.value, row.low, row.method) == (
        0.9,
        None,
        "none (as imported: not the mean of its samples' scores)",
    )
    assert check_record(made.record).whole


def test_nan_is_missing_and_not_nought(tmp_path: Path) -> None:
    path = changed(
        tmp_path, lambda c: c["results"]["colours"].update({"acc,none": math.nan, "acc_stderr,none": "N/A"})
    )
    file = next(path.parent.glob("samples_colours_2*.jsonl"))
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0].replace('"acc": 1.0', '"acc": NaN'), *lines[1:]]))
    made = import_file(path, tmp_path / "out")
    row = made.estimates[0]
    assert (row.value, row.n, row.missing) == (3 / 5, 5, 1)
    assert row.imported is not None
    assert (row.imported["value"], row.imported["stderr"]) == (None, None)
    assert check_record(made.record).problems == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.update(results=[1]), "results is a list, and should be an object"),
        (lambda c: c.update(date=None), "date is 'None', no time"),
        (lambda c: c.update(date=1e300), "no time"),
        (lambda c: c["results"].update(sums=None), "results.sums is missing, and should be an object"),
    ],
)
def test_wrong_shapes_are_one_sentence(tmp_path: Path, change: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        import_file(changed(tmp_path, change), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_sample_twice_is_refused(tmp_path: Path) -> None:
    path = changed(tmp_path, lambda c: None)
    file = next(path.parent.glob("samples_colours_2*.jsonl"))
    file.write_text(file.read_text() * 2)
    assert "line 7 is the second of sample 0" in call("import", path, "--out", tmp_path / "out").sentence()
    file.write_text('{"doc_id": 0\n')
    assert "line 1 is no JSON" in call("import", path, "--out", tmp_path / "out").sentence()
