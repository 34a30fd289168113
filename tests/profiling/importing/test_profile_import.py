"""Files that vLLM's bench serve, GuideLLM and AIPerf wrote, as profiles: the tools' own numbers, with intervals from the single times."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Outcome, call

from lsm_eval.recount.check import check_record
from lsm_eval.results.reader import Record, read_record

FILES = Path(__file__).parent / "files"
VLLM, GUIDELLM, AIPERF = (
    FILES / "vllm_detailed.json",
    FILES / "benchmarks.json",
    FILES / "aiperf" / "profile_export_aiperf.json",
)
TOOLS = {"vllm": VLLM, "guidellm": GUIDELLM, "aiperf": AIPERF}


def bring(tool: str, path: Path, out: Path, *more: str) -> Outcome:
    return call("profile", "--import", tool, path, "--out", out, *more)


def record_of(tool: str, path: Path, out: Path, *more: str) -> Record:
    done = bring(tool, path, out, *more)
    assert done.code == 0, done.err
    assert check_record(done.record).problems == ()
    return read_record(done.record)


def values(record: Record) -> dict[str, Any]:
    return {row.metric: row for row in record.estimates}


def load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.mark.parametrize("tool", TOOLS)
def test_every_number_of_the_tool_is_kept(tool: str, tmp_path: Path) -> None:
    record = record_of(tool, TOOLS[tool], tmp_path)
    profile = record.manifest.profile
    assert profile is not None
    assert (profile.kind, profile.cache, profile.machine) == ("serving", "unknown", "?")
    assert record.manifest.imported is not None
    assert record.manifest.imported.tool == tool
    told = [row for row in record.estimates if row.imported is not None]
    assert len(told) >= 15
    for row in told:
        assert row.imported is not None
        scale = 1e-3 if row.imported["unit"] == "ms" else 1.0
        assert row.value is not None
        same = math.isclose(row.value, row.imported["value"] * scale, rel_tol=1e-6, abs_tol=2e-9)
        assert row.imported["differs"] is not same
        if tool != "guidellm":
            assert same, row.metric
    assert all(row.unit == "s" for row in record.estimates if "_p" in row.metric and "per" not in row.metric)


def test_vllm(tmp_path: Path) -> None:
    content = load(VLLM)
    record = record_of("vllm", VLLM, tmp_path, "--name", "our server")
    assert record.manifest.model.name == "our server"
    assert record.manifest.model.own_name == "tiny"
    found = values(record)
    assert found["output_tokens_per_second"].value == content["output_throughput"]
    ttft = found["ttft_p50"]
    assert ttft.value == pytest.approx(content["median_ttft_ms"] / 1e3, abs=1e-9)
    ordered = sorted(content["ttfts"])
    assert ttft.method == "order statistics"
    assert ttft.low == pytest.approx(ordered[2], abs=1e-9), "12 values: the third and the tenth"
    assert ttft.high == pytest.approx(ordered[9], abs=1e-9)
    p99 = found["ttft_p99"]
    assert (p99.low, p99.high) == (None, None)
    assert " unranked:too_few " in p99.signature
    gaps = [gap for own in content["itls"] for gap in own]
    assert found["chunk_gap_p90"].value == pytest.approx(float(np.percentile(gaps, 90)), abs=1e-9)
    assert found["itl_p50"].value is None, "nine parts are not eight tokens"
    table = record.measurements("requests").to_pylist()
    assert len(table) == content["completed"] == found["ttft_p50"].n
    assert all(len(row["chunk_times"]) == 9 and row["output_tokens"] == 8 for row in table)
    assert [row["prompt_tokens"] for row in table] == content["input_lens"]
    profile = record.manifest.profile
    assert profile is not None
    assert profile.cells[0].conditions == {
        "phase": "serving", "loop": "closed", "concurrency": 3, "output_tokens": 8
    }  # fmt: skip


def test_vllm_without_single_times_has_no_intervals(tmp_path: Path) -> None:
    content = {key: value for key, value in load(VLLM).items() if not isinstance(value, list)}
    content |= {"request_rate": 2.5, "burstiness": 0.5, "max_concurrency": None}
    del content["p95_ttft_ms"]
    path = tmp_path / "short.json"
    path.write_text(json.dumps(content))
    record = record_of("vllm", path, tmp_path / "out")
    found = values(record)
    assert found["ttft_p90"].value == pytest.approx(content["p90_ttft_ms"] / 1e3, rel=1e-12)
    assert {found[name].method for name in ("ttft_p50", "tpot_p99", "e2e_p90")} == {"none (as imported)"}
    assert all(row.low is None and row.high is None for row in record.estimates)
    assert found["ttft_p95"].value is None
    assert "does not say" in found["ttft_p95"].method
    assert not record.has_measurements("requests")
    profile = record.manifest.profile
    assert profile is not None
    assert profile.cells[0].conditions["arrivals"] == "gamma:0.5"
    assert profile.cells[0].conditions["rate"] == 2.5


def test_vllm_failures_count_and_several_measurements_are_cells(tmp_path: Path) -> None:
    content = load(VLLM)
    content["errors"][3], content["ttfts"][3], content["itls"][3] = "Bad Gateway", 0.0, []
    content["completed"], content["failed"] = 11, 1
    other = {**load(VLLM), "max_concurrency": 6}
    path = tmp_path / "several.json"
    path.write_text(json.dumps(content) + "\n" + json.dumps(other) + "\n")
    record = record_of("vllm", path, tmp_path / "out")
    profile = record.manifest.profile
    assert profile is not None
    first, second = profile.cells
    assert (first.n, first.failures, second.n, second.failures) == (11, {"failed": 1}, 12, {})
    rate = next(row for row in first.metrics if row.metric == "error_rate")
    assert rate.value == pytest.approx(1 / 12)
    assert second.conditions["concurrency"] == 6


def test_guidellm(tmp_path: Path) -> None:
    (benchmark,) = load(GUIDELLM)["benchmarks"]
    record = record_of("guidellm", GUIDELLM, tmp_path)
    found = values(record)
    rows = benchmark["requests"]["successful"]
    own = [row["time_to_first_token_ms"] / 1e3 for row in rows]
    assert found["ttft_p50"].value == pytest.approx(float(np.median(own)), abs=1e-6)
    # What it calls inter-token latency is vLLM's time per output token, and what it calls that is another thing.
    per_token = [row["inter_token_latency_ms"] / 1e3 for row in rows]
    assert found["tpot_p50"].value == pytest.approx(float(np.median(per_token)), abs=1e-6)
    assert found["tpot_p50"].imported["name"] == "inter_token_latency_ms.p50"
    assert found["itl_p50"].value is None
    assert found["chunk_gap_p50"].value is None
    assert "between the first and the last" in found["chunk_gap_p50"].method
    assert (
        found["requests_per_second"].value
        == benchmark["metrics"]["requests_per_second"]["successful"]["mean"]
    )
    assert record.manifest.imported is not None
    assert record.manifest.imported.version == "0.8.1"
    assert not record.has_measurements("requests")


def test_aiperf(tmp_path: Path) -> None:
    content = load(AIPERF)
    record = record_of("aiperf", AIPERF, tmp_path)
    found = values(record)
    assert found["e2e_p95"].value == pytest.approx(content["request_latency"]["p95"] / 1e3, abs=2e-9)
    assert found["tpot_p90"].value == pytest.approx(content["inter_token_latency"]["p90"] / 1e3, abs=2e-9)
    assert found["ttft_p50"].low is not None
    assert record.manifest.imported is not None
    assert set(record.manifest.imported.files) == {"profile_export_aiperf.json", "profile_export.jsonl"}
    profile = record.manifest.profile
    assert profile is not None
    assert any("counts 288 output tokens, and the server 96" in note for note in profile.notes)
    assert record.measurements("requests").num_rows == 12


def test_aiperf_alone_and_with_failed_requests(tmp_path: Path) -> None:
    shutil.copy(AIPERF, tmp_path / AIPERF.name)
    found = values(record_of("aiperf", tmp_path / AIPERF.name, tmp_path / "alone"))
    assert found["ttft_p50"].method == "none (as imported)"
    rows = [json.loads(line) for line in (FILES / "aiperf" / "profile_export.jsonl").read_text().splitlines()]
    rows[2] |= {"error": {"code": 500, "type": "ServerError", "message": "no"}, "metrics": {}}
    rows[5]["metadata"]["benchmark_phase"] = "warmup"
    (tmp_path / "profile_export.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    record = record_of("aiperf", tmp_path / AIPERF.name, tmp_path / "failed")
    profile = record.manifest.profile
    assert profile is not None
    assert (profile.cells[0].n, profile.cells[0].failures) == (10, {"ServerError": 1})


@pytest.mark.parametrize("tool", TOOLS)
def test_wrong_files_are_one_sentence(tool: str, tmp_path: Path) -> None:
    other = TOOLS["vllm" if tool != "vllm" else "aiperf"]
    assert "it is no result of" in bring(tool, other, tmp_path).sentence()
    assert "is no file: name a result of" in bring(tool, tmp_path / "nowhere.json", tmp_path).sentence()
    assert "is a folder" in bring(tool, FILES, tmp_path).sentence()
    bad = tmp_path / "bad.json"
    for text in (
        "",
        "{",
        "[]",
        "null",
        '{"benchmarks": 3, "metadata": {"guidellm_version": "1"}}',
        "[" * 100_000,
    ):
        bad.write_text(text)
        assert bring(tool, bad, tmp_path / "out").sentence()
    assert bring(tool, tmp_path / "nowhere.json", tmp_path / "out").sentence()
    assert not (tmp_path / "out").exists()


def test_broken_values_are_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    for change in (
        {"ttfts": [0.1]}, {"itls": [[-1.0]] * 12}, {"ttfts": ["x"] * 12}, {"date": "yesterday"}, {"completed": None},
    ):  # fmt: skip
        path.write_text(json.dumps({**load(VLLM), **change}))
        assert "cannot be imported" in bring("vllm", path, tmp_path / "out").sentence()


def test_other_options_have_no_meaning(tmp_path: Path) -> None:
    done = bring("vllm", VLLM, tmp_path, "--concurrency", "4")
    assert "--concurrency has no meaning with --import" in done.sentence()
    assert bring("vllm", VLLM, tmp_path).code == 0
    assert "was imported before" in bring("vllm", VLLM, tmp_path).sentence()
