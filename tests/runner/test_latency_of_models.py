"""How long requests to a model in this process took: texts by themselves, scored requests by the batch."""

from __future__ import annotations

import json

import pytest
from command_line import Runner

from lsm_eval.inference.times import Times
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.hf import HFModel
from lsm_eval.progress import Silent
from lsm_eval.results.latency_rows import LatencyRow
from lsm_eval.results.latency_summary import latency_summary
from lsm_eval.results.reader import read_record
from lsm_eval.runner.execute import Tally
from lsm_eval.runner.latency import latency_rows
from lsm_eval.runner.run import run as run_spec
from lsm_eval.runner.spec import RunSpec


def rows(run: Runner, *more: str, **where: str) -> dict[str, LatencyRow]:
    done = run("--store", "none", *more, **where)  # type: ignore[arg-type]
    assert done.code == 0, done.err
    manifest = read_record(done.record).manifest
    assert ("latency: " in done.out) == bool(manifest.latency)
    return {row.request: row for row in manifest.latency or ()}


def test_texts_and_batches(run: Runner) -> None:
    found = rows(run, tasks="choose,say,read")
    say = found["generate"]
    (timed,) = say.times
    assert (timed.what, timed.n, timed.requests, say.requests) == ("sequence", 24, 1.0, 24)
    assert 0 < timed.mean <= say.seconds
    assert say.output_tokens is not None
    assert say.output_tokens_per_second is not None
    for kind in ("score", "perplexity"):
        row = found[kind]
        (timed,) = row.times
        assert timed.what == "batch"
        assert timed.n * timed.requests == row.requests == 24
        assert timed.n * timed.mean <= row.seconds * 1.01
        assert row.output_tokens is None


def test_batches_of_plain_computing(run: Runner) -> None:
    found = rows(run, "--engine", "plain", "--batch-tokens", "128", tasks="choose,say")
    for kind in ("score", "generate"):
        (timed,) = found[kind].times
        assert timed.what == "batch"
        assert timed.n > 1
        assert timed.n * timed.requests == pytest.approx(24)
        assert timed.n * timed.mean <= found[kind].seconds * 1.01


def test_a_row_without_a_model_has_no_times(run: Runner) -> None:
    assert rows(run, tasks="choose", model="builtin:first") == {}


def test_a_second_run_with_the_same_model_times_itself_only(run: Runner) -> None:
    model = HFModel("hf:tiny", ModelOptions(device="cpu"), folder=run.model)
    spec = RunSpec(["say"], str(run.model), include=[run.tasks], out=run.out)
    for _ in range(2):
        rows = run_spec(spec, model, Silent()).manifest.latency or []
        assert [(row.request, row.times[0].n) for row in rows] == [("generate", 24)]
    model.release()
    assert [len(times) for times in model.times().values()] == [48], "known after the weights are gone"


def test_the_line_says_percentiles_that_there_are_times_enough_for() -> None:
    times = Times()
    times.of("generate", "request").extend(at / 1000 for at in range(1, 401))
    tally = Tally(400, 400, 0, 400, 0, tokens_generated=4000, kind="generate", seconds=8.0)
    found = latency_rows([tally], times.found())
    assert latency_summary(found) == (
        "generate 50 requests/s, 500 tokens/s, a request p50 200 ms, p90 360 ms, p95 380 ms, p99 396 ms (n 400)"
    )
    unknown = latency_rows([Tally(4, 4, 0, 4, 0, kind="generate", seconds=2.0, counted=False)], times.found())
    assert unknown[0].output_tokens is None
    assert latency_rows([Tally(4, 4, 4, 0, 0, kind="generate")], {}) == []
    assert latency_summary(None) == ""


def test_what_failed_makes_no_model_fast() -> None:
    times = Times()
    times.of("generate", "request").extend([0.5] * 10)
    # 90 of 100 were refused at once.
    (row,) = latency_rows(
        [Tally(100, 100, 0, 100, 90, kind="generate", seconds=2.0, tokens_generated=40)], times.found()
    )
    assert (row.requests, row.requests_per_second, row.output_tokens_per_second) == (10, 5.0, 20.0)
    assert latency_rows([Tally(9, 9, 0, 9, 9, kind="generate", seconds=0.1, here=True)], {}) == []


def test_few_times_bear_a_median_alone() -> None:
    times = Times()
    times.of("generate", "request").extend([0.1, 0.2, 0.3])
    (row,) = latency_rows([Tally(3, 3, 0, 3, 0, kind="generate", seconds=1.0)], times.found())
    assert [one.share for one in row.times[0].quantiles] == [0.5, 0.9, 0.95, 0.99]
    assert [one.share for one in row.times[0].reliable] == [0.5]


def test_early_records_have_none(run: Runner) -> None:
    done = run("--store", "none")
    path = done.record / "manifest.json"
    content = json.loads(path.read_text())
    del content["latency"]
    path.write_text(json.dumps(content))
    assert read_record(done.record).manifest.latency is None
