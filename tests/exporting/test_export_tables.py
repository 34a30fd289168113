"""CSV, OpenMetrics and the hub's YAML."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from command_line import call
from exported_records import change_manifest
from made_profiles import write_serving

from lsm_eval.results.reader import read_record


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_csv_has_every_number_of_all_records(record: Path, tmp_path: Path) -> None:
    out = tmp_path / "board" / "numbers.csv"
    done = call("export", record.parent.parent, record, "--format", "csv", "--out", out)
    assert (done.code, done.out) == (0, f"{out}\n")
    found = rows_of(out.read_bytes().decode())
    own = read_record(record)
    assert len(found) == len(own.estimates), "a record that is named twice counts once"
    for cells, row in zip(found, own.estimates, strict=True):
        assert (cells["task"], cells["metric"], cells["signature"]) == (row.task, row.metric, row.signature)
        for name in ("value", "low", "high", "stderr", "level"):
            value = getattr(row, name)
            assert cells[name] == ("" if value is None else repr(value))
        assert cells["missing"] == str(row.missing)
        assert cells["model"] == own.manifest.model.name


def test_csv_runs_no_formula_and_missing_is_empty(record: Path) -> None:
    change_manifest(record, model__name='=1+1, "x"\nsecond')
    done = call("export", record, "--format", "csv", "--out", "-")
    assert done.code == 0, done.err
    for cells in rows_of(done.out):
        assert cells["model"] == '\'=1+1, "x"\nsecond'
        assert cells["revision"] == ""
        assert float(cells["value"]) >= 0


LINE = re.compile(r'([a-z_]+)\{((?:[a-z_]+="(?:[^"\\\n]|\\\\|\\"|\\n)*",?)*)\} (-?[0-9.e+-]+|NaN|[+-]Inf)')


def test_openmetrics(record: Path) -> None:
    change_manifest(record, model__name='a "quoted" \\ name')
    done = call("export", record, "--format", "openmetrics", "--out", "-")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[-1] == "# EOF"
    families: list[str] = []
    seen: set[tuple[str, str]] = set()
    for line in lines[:-1]:
        if line.startswith("# TYPE "):
            families.append(line.split()[2])
            continue
        if line.startswith("# "):
            assert line.split()[2] == families[-1]
            continue
        match = LINE.fullmatch(line)
        assert match, line
        assert match[1].removesuffix("_info") == families[-1], "samples of a family stand together"
        assert (match[1], match[2]) not in seen
        seen.add((match[1], match[2]))
    assert len(families) == len(set(families))
    own = read_record(record)
    values = [line.rpartition(" ")[2] for line in lines if line.startswith("lsm_eval_score{")]
    assert values == [repr(row.value) for row in own.estimates if row.value is not None]
    assert 'model="a \\"quoted\\" \\\\ name"' in lines[2]


def test_a_copy_of_a_record_counts_once(record: Path, tmp_path: Path) -> None:
    shutil.copytree(record.parent, tmp_path / "copies" / record.parent.name)
    for form in ("csv", "openmetrics"):
        texts = [
            call("export", *folders, "--format", form, "--out", "-").out
            for folders in ([record], [record, tmp_path / "copies"])
        ]
        assert texts[0] == texts[1]


def test_openmetrics_says_which_numbers_are_ranked_nowhere(tmp_path: Path) -> None:
    place = write_serving(tmp_path, client_bound=True)
    done = call("export", place, "--format", "openmetrics", "--out", "-")
    told = [line for line in done.out.splitlines() if line.startswith("lsm_eval_score{")]
    assert told
    assert all('unranked="client_bound' in line for line in told)


def test_openmetrics_has_no_percentile_of_few(record: Path) -> None:
    timed = read_record(record).manifest.latency
    assert timed
    done = call("export", record, "--format", "openmetrics", "--out", "-")
    told = [line for line in done.out.splitlines() if line.startswith("lsm_eval_run_latency_seconds{")]
    assert len(told) == sum(len(one.reliable) for row in timed for one in row.times)
    assert not any('quantile="0.99"' in line for line in told), "there are fewer than 299 of each"


def test_openmetrics_by_prometheus_own_parser(record: Path) -> None:
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    change_manifest(record, model__name='a "quoted" \\ name')
    done = call("export", record, "--format", "openmetrics", "--out", "-")
    families = {family.name: family for family in parser.text_string_to_metric_families(done.out)}
    own = read_record(record)
    scores = [sample.value for sample in families["lsm_eval_score"].samples]
    assert scores == [row.value for row in own.estimates if row.value is not None]
    assert families["lsm_eval_score"].samples[0].labels["model"] == 'a "quoted" \\ name'


def test_hub(record: Path, tmp_path: Path) -> None:
    change_manifest(
        record, dataset__source="mirror", dataset__name="nobody/questions", dataset__revision="0" * 40,
        dataset__configs=["hard"],
    )  # fmt: skip
    done = call(
        "export", record, "--format", "hf-eval-results", "--out", tmp_path / "repo", "--source-url",
        "https://example.org/x", "--organisation", "Nobody", "--task-id", "say=spoken",
    )  # fmt: skip
    assert done.code == 0, done.err
    own = read_record(record)
    first = {row.task: row for row in reversed(own.estimates)}
    for path in map(Path, done.out.splitlines()):
        assert path.parent == tmp_path / "repo" / ".eval_results"
        (entry,) = yaml.safe_load(path.read_text())
        row = first[path.stem]
        assert entry["dataset"] == {
            "id": "nobody/questions", "task_id": "spoken" if row.task == "say" else "hard", "revision": "0" * 40,
        }  # fmt: skip
        assert row.value is not None
        assert entry["value"] == (100 * row.value if row.unit == "fraction" else row.value)
        assert entry["source"] == {"url": "https://example.org/x", "name": "Nobody"}
        assert entry["date"].startswith(own.created.isoformat()[:19])
        assert entry["notes"].startswith(row.metric)
        assert "0 shots" in entry["notes"]
    assert "go to the same place of nobody/questions" in done.err
    hub = pytest.importorskip("huggingface_hub._eval_results")
    parsed = [
        hub.parse_eval_result_entries(yaml.safe_load(Path(p).read_text())) for p in done.out.splitlines()
    ]
    assert [entry.dataset_id for (entry,) in parsed] == ["nobody/questions"] * 4


def test_hub_says_which_of_two_records_is_kept(record: Path, tmp_path: Path) -> None:
    changes = {"dataset__source": "mirror", "dataset__name": "nobody/questions"}
    change_manifest(record, **changes)
    newer = record.with_name("20991231T000000.000000Z")
    shutil.copytree(record, newer)
    change_manifest(newer, run=newer.name, created="2099-12-31T00:00:00+00:00")
    done = call("export", record.parent, "--format", "hf-eval-results", "--out", tmp_path / "repo")
    assert done.code == 0, done.err
    assert f"choose.yaml of {record.name} gave way to that of {newer.name}, which is newer" in done.err
    assert len(done.out.splitlines()) == len(set(done.out.splitlines()))


def test_hub_takes_no_other_data(record: Path, tmp_path: Path) -> None:
    done = call("export", record, "--format", "hf-eval-results", "--out", tmp_path / "repo")
    assert "none of its tasks has both data of the hub and a value" in done.sentence()
    assert not (tmp_path / "repo").exists()


WRONG = {
    "csv with --model-id": (
        ["--format", "csv", "--model-id", "a/b"],
        "--model-id has no place in --format csv",
    ),
    "no model": (["--format", "lm-eval", "--model-id", "tiny"], "write ORGANISATION/NAME"),
    "password": (
        ["--format", "every-eval-ever", "--source-url", "https://me:secret@example.org"],
        "holds a token or a password",
    ),
    "no address": (["--format", "every-eval-ever", "--source-url", "example"], "is not an address"),
    "no pair": (["--format", "hf-eval-results", "--task-id", "say"], "is not a pair"),
    "no task": (["--format", "hf-eval-results", "--task-id", "sing=x"], "no task of"),
    "no source": (["--format", "hf-eval-results", "--organisation", "x"], "needs --source-url"),
    "empty": (["--format", "every-eval-ever", "--organisation", " "], "--organisation is empty"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_options_are_one_sentence(record: Path, tmp_path: Path, case: str) -> None:
    options, said = WRONG[case]
    done = call("export", record, *options, "--out", tmp_path / "out")
    assert said in done.sentence()
    assert not (tmp_path / "out").exists()


def test_wrong_places_are_one_sentence(record: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for form, out, said in (
        ("csv", tmp_path, "is a folder"),
        ("lm-eval", tmp_path / "file", "is no folder"),
        ("lm-eval", Path("-"), "cannot be printed"),
        ("csv", tmp_path / "file" / "x.csv", "cannot be written"),
    ):
        assert said in call("export", record, "--format", form, "--out", out).sentence()
    assert (tmp_path / "file").read_text() == "x"
    (tmp_path / "empty").mkdir()
    done = call("export", tmp_path / "empty", "--format", "csv", "--out", tmp_path / "x.csv")
    assert "holds no record" in done.sentence()


def test_a_record_that_is_not_what_it_says_is_not_passed_on(record: Path, tmp_path: Path) -> None:
    rows = json.loads((record / "estimates.json").read_text())
    rows[0]["value"] = 0.987654
    (record / "estimates.json").write_text(json.dumps(rows))
    done = call("export", record, "--format", "csv", "--out", tmp_path / "x.csv")
    assert "is not what it says" in done.sentence()
    assert not (tmp_path / "x.csv").exists()


@pytest.mark.parametrize("form", ["every-eval-ever", "lm-eval"])
@pytest.mark.parametrize(
    "name",
    [
        "../../outside",
        "hf:../x",
        "/etc/x",
        "a\\b:c*?",
        "con",
        "data",
        "\u202egnp.exe",
        "x" * 5000,
        ".",
        "hf:org/con.txt",
    ],
)
def test_no_name_leads_out_of_the_folder(record: Path, tmp_path: Path, form: str, name: str) -> None:
    change_manifest(record, model__name=name)
    out = tmp_path / "deep" / "out"
    done = call("export", record, "--format", form, "--out", out)
    assert done.code == 0, done.err
    files = [path for path in tmp_path.rglob("*.json*") if record.parent.parent not in path.parents]
    assert files
    for path in files:
        assert path.resolve().is_relative_to(out.resolve())
        assert not {part.partition(".")[0].lower() for part in path.relative_to(out).parts} & {"con", "aux"}
        for line in path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]:
            json.loads(line)
