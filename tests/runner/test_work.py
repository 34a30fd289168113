"""What a run says of itself: counts that hold together, seconds that add up, and nothing that was not measured."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import Outcome, Runner

from lsm_eval.leaderboard.build import build
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.hf import HFModel
from lsm_eval.profiling.matmul import Machine
from lsm_eval.progress import Silent
from lsm_eval.results.reader import read_record, read_records
from lsm_eval.results.schema import Manifest
from lsm_eval.results.summary import work_summary
from lsm_eval.results.work_rows import Work
from lsm_eval.runner import work as module
from lsm_eval.runner.execute import Tally
from lsm_eval.runner.run import run as run_spec
from lsm_eval.runner.spec import RunSpec
from lsm_eval.runner.work import PhaseTimer, RunUsage, describe, phases

SMALL = ("--batch-tokens", "64")


def manifest(outcome: Outcome) -> Manifest:
    assert outcome.code == 0, outcome.err
    return read_record(outcome.record).manifest


def work_of(outcome: Outcome) -> Work:
    found = manifest(outcome).work
    assert found is not None
    return found


def lines(outcome: Outcome) -> dict[str, str]:
    """The last lines, by their first word."""
    split = [line.partition(": ") for line in outcome.out.splitlines()]
    return {name: text for name, colon, text in split if colon}


def nothing(work: Work, *names: str) -> bool:
    """Whether none of these is known."""
    return all(getattr(work, name) is None for name in names)


def test_the_phases_add_up_to_the_run(run: Runner, tmp_path: Path) -> None:
    start = time.perf_counter()
    done = run("--store", tmp_path / "store", *SMALL, tasks="choose,read,say")
    wall = time.perf_counter() - start
    found = manifest(done)
    assert found.work is not None
    names = [phase.name for phase in found.phases]
    assert len(names) == len(set(names))
    inside = {"check", "plan", "score", "decode"}
    assert {"data", "tokenise", "load", "metrics", "write"} | inside <= set(names)
    other = sum(phase.seconds for phase in found.phases if phase.name == "other")
    assert other < 0.5 * found.work.seconds, "most of it has a name"
    # Each second once: more would be counted twice, less lost.
    assert sum(phase.seconds for phase in found.phases) == pytest.approx(found.work.seconds, abs=0.02)
    # Beside the run the command only imports and draws a table.
    assert 0 <= wall - found.work.seconds < 0.5 * wall + 1


def test_scoring_counts_hold_together(run: Runner) -> None:
    done = run("--store", "none", *SMALL)
    found, work = manifest(done), work_of(done)
    assert work.score is not None
    assert work.tokens_asked == found.tokens["asked"]
    assert work.tokens_computed == work.score.tokens
    assert work.tokens_ratio == pytest.approx(found.tokens["asked"] / work.score.tokens)
    assert found.tokens["asked"] > 1.5 * work.score.tokens, "choices share their question"
    assert work.rows_computed == work.rows_needed == work.score.rows
    assert work.tokens_unique is not None
    assert work.tokens_unique <= work.score.tokens
    assert work.score.pairs >= 2 * work.score.tokens, "in both layers every token attends at least to itself"
    assert work.score.flops is not None
    assert work.score.seconds is not None
    assert work.score.flops_per_second == pytest.approx(work.score.flops / work.score.seconds)
    assert work.peak_memory_bytes is not None
    assert work.peak_memory_bytes > 100 * 2**20, "torch alone is larger"
    assert nothing(work, "prefill", "decode", "store_asked", "store_hits", "tokens_from_store")
    assert "store" not in lines(done)
    assert lines(done)["tokens"].startswith(
        f"{work.tokens_asked:,} asked, {work.tokens_computed:,} computed ("
    )
    assert lines(done)["vocabulary rows"] == f"{work.rows_computed:,} computed, {work.rows_needed:,} needed"
    assert set(lines(done)) == {"tokens", "vocabulary rows", "speed", "latency", "time", "memory", "record"}


def test_a_short_run_measures_no_machine(run: Runner) -> None:
    done = run("--store", "none")
    work = work_of(done)
    assert work.matmul_flops_per_second is work.memory_bytes_per_second is None
    assert work.score is not None
    assert work.score.matmul_share is None
    assert "measure" not in [phase.name for phase in manifest(done).phases]
    assert "%" not in lines(done)["speed"]


def test_a_long_run_is_compared_with_the_machine(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WORTH_SECONDS", 0.0)
    done = run("--store", "none")
    work = work_of(done)
    assert work.score is not None
    assert work.matmul_flops_per_second is not None
    assert work.memory_bytes_per_second is not None
    assert work.score.flops_per_second is not None
    share = work.score.flops_per_second / work.matmul_flops_per_second
    assert work.score.matmul_share == pytest.approx(share)
    assert 0 < share < 1, "two layers of 32 numbers cannot keep a processor busy"
    assert "% of a matrix product here, " in lines(done)["speed"]
    (seconds,) = (phase.seconds for phase in manifest(done).phases if phase.name == "measure")
    assert seconds > 0.2


def test_plain_scoring_pads_and_computes_more(run: Runner) -> None:
    tree, plain = (work_of(run("--store", "none", "--engine", engine)) for engine in ("tree", "plain"))
    assert tree.tokens_computed is not None
    assert plain.tokens_computed is not None
    assert tree.tokens_asked == plain.tokens_asked
    assert plain.tokens_computed > tree.tokens_computed
    assert plain.padding_share is not None
    assert 0 < plain.padding_share < 1


def test_all_from_the_store_says_so(run: Runner, tmp_path: Path) -> None:
    run("--store", tmp_path, tasks="choose,say,read")
    again = run("--store", tmp_path, tasks="choose,say,read")
    found, work = manifest(again), work_of(again)
    count = found.requests["unique"]
    assert (work.store_asked, work.store_hits, work.tokens_computed) == (count, count, 0)
    assert work.tokens_from_store == work.tokens_asked
    assert nothing(work, "score", "prefill", "decode", "tokens_ratio", "padding_share")
    assert found.model.details["engine"] == "not used: all answers were in the store"
    assert lines(again)["store"] == f"all {count:,} answers were there; nothing was computed"
    assert not {"tokens", "speed", "vocabulary rows"} & set(lines(again))
    names = {phase.name for phase in found.phases}
    assert not {"load", "plan", "score", "decode"} & names
    assert sum(phase.seconds for phase in found.phases) == pytest.approx(work.seconds, abs=0.02)


def test_a_part_from_the_store_does_not_flatter_the_ratio(run: Runner, tmp_path: Path) -> None:
    first = work_of(run("--store", tmp_path, tasks="choose"))
    done = run("--store", tmp_path, tasks="choose,read")
    more = work_of(done)
    assert first.tokens_asked is not None
    assert more.tokens_asked is not None
    assert more.tokens_from_store == first.tokens_asked
    assert more.tokens_computed
    assert more.tokens_ratio == pytest.approx((more.tokens_asked - first.tokens_asked) / more.tokens_computed)
    assert (more.store_hits, more.store_asked) == (24, 48)
    assert f"{first.tokens_asked:,} of them answered from the store" in lines(done)["tokens"]
    assert lines(done)["store"] == "24 of 48 answers were there"
    assert manifest(done).model.details["engine"] == "tree"


def test_generated_texts_count_with_the_tokens_that_came(run: Runner) -> None:
    done = run("--store", "none", tasks="say")
    found, work = manifest(done), work_of(done)
    allowed = 24 * 8
    assert work.tokens_asked == found.tokens["asked"] - allowed + found.tokens["generated"]
    assert work.score is None
    assert work.decode is not None
    assert work.decode.tokens >= found.tokens["generated"]
    assert work.tokens_computed == work.decode.tokens + (work.prefill.tokens if work.prefill else 0)
    assert work.decode.flops is not None
    assert work.decode.read_bytes is not None
    assert work.decode.seconds is not None
    assert work.decode.tokens_per_second == pytest.approx(work.decode.tokens / work.decode.seconds)
    assert lines(done)["speed"].split(", ")[-1].startswith("decoding ")


def test_rows_without_a_model_have_no_tokens(run: Runner, tmp_path: Path) -> None:
    first, again = (run("--store", tmp_path, model="builtin:uniform") for _ in range(2))
    for done in (first, again):
        work = work_of(done)
        assert nothing(work, "tokens_asked", "tokens_computed", "tokens_ratio", "score", "padding_share")
        assert nothing(work, "rows_computed", "planner_share")
        assert not {"tokens", "speed", "vocabulary rows"} & set(lines(done))
        assert "engine" not in manifest(done).model.details
    assert lines(first)["store"] == "0 of 24 answers were there"
    assert "score" in [phase.name for phase in manifest(first).phases]


class Uncounted(HFModel):
    """A model that does not say what it computed, as one of another package."""

    def computed(self) -> Mapping[str, float]:
        return {}


def spec(run: Runner, tasks: str = "choose") -> RunSpec:
    return RunSpec(tasks.split(","), str(run.model), include=[run.tasks], out=run.out)


def test_what_a_model_does_not_count_is_not_known(run: Runner) -> None:
    model = Uncounted("hf:tiny", ModelOptions(device="cpu"), folder=run.model)
    result = run_spec(spec(run, "choose,say"), model, Silent())
    work = result.manifest.work
    assert work is not None
    assert work.tokens_asked
    assert nothing(work, "tokens_computed", "tokens_ratio", "padding_share", "rows_computed")
    summary = work_summary(result.manifest)
    assert summary["tokens"] == f"{work.tokens_asked:,} asked"
    assert set(summary) == {"tokens", "latency", "time", "memory"}
    by_name = {phase.name: phase.seconds for phase in result.manifest.phases}
    assert {"load", "score", "generate"} <= set(by_name)
    assert sum(by_name.values()) == pytest.approx(work.seconds, abs=0.02)


def test_no_share_is_above_all_there_is() -> None:
    """A machine that was measured slower than the run itself says nothing of the run."""
    counts = {
        "score_tokens": 100, "score_passes": 1, "score_seconds": 1.0, "score_flops": 90e9,
        "decode_tokens": 40, "decode_passes": 10, "decode_seconds": 2.0, "decode_flops": 8e9, "decode_bytes": 50e9,
    }  # fmt: skip
    tally = Tally(4, 4, 0, 4, 0, tokens_asked=140, tokens_generated=40)
    work = describe(RunUsage([tally], counts, counted=True, stored=False, machine=Machine(80e9, 20e9)), 4.0)
    assert work.score is not None
    assert work.decode is not None
    assert work.score.matmul_share is None
    assert "slower than the run itself" in (work.score.matmul_share_unknown or "")
    assert work.decode.matmul_share == pytest.approx(0.05)
    assert work.decode.matmul_share_unknown is None
    assert work.decode.bandwidth_share is None
    assert "cache" in (work.decode.bandwidth_share_unknown or "")
    assert work.matmul_flops_per_second == 80e9


def test_a_share_above_all_in_an_early_record_is_not_shown(run: Runner) -> None:
    found = manifest(run("--store", "none"))
    assert found.work is not None
    assert found.work.score is not None
    score = found.work.score.model_copy(update={"matmul_share": 1.3, "matmul_share_unknown": None})
    work = found.work.model_copy(update={"score": score, "matmul_flops_per_second": 1e9})
    speed = work_summary(found.model_copy(update={"work": work}))["speed"]
    assert "%" not in speed
    assert "no share of a matrix product: it was measured slower than the run itself" in speed


def test_a_second_run_with_the_same_model_counts_itself_only(run: Runner) -> None:
    model = HFModel("hf:tiny", ModelOptions(device="cpu"), folder=run.model)
    first, second = (run_spec(spec(run), model, Silent()).manifest.work for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.tokens_computed == second.tokens_computed
    assert first.tokens_computed


def test_decoding_is_held_against_the_bandwidth() -> None:
    counts = {
        "decode_tokens": 40, "decode_padding": 2, "decode_pairs": 900, "decode_rows": 40, "decode_passes": 10,
        "decode_seconds": 2.0, "decode_flops": 8e9, "decode_bytes": 10e9, "prefill_tokens": 100,
        "prefill_passes": 1, "prefill_seconds": 0.5, "prefill_flops": 20e9, "plan_seconds": 0.1,
    }  # fmt: skip
    tally = Tally(4, 4, 0, 4, 0, tokens_asked=560, tokens_generated=44)
    asked = RunUsage([tally], counts, counted=True, stored=False, machine=Machine(80e9, 20e9))
    work = describe(asked, 4.0)
    assert work.decode is not None
    assert work.prefill is not None
    assert work.decode.bandwidth_share == pytest.approx(0.25)
    assert work.decode.matmul_share == pytest.approx(0.05)
    assert work.prefill.matmul_share == pytest.approx(0.5)
    assert (work.tokens_computed, work.tokens_ratio) == (140, 4.0)
    assert work.padding_share == pytest.approx(2 / 142)
    assert work.planner_share == pytest.approx(0.025)
    # Who counts scoring only does not know what it computed while generating.
    blind = {f"score_{name.partition('_')[2]}": value for name, value in counts.items() if "decode" in name}
    assert describe(replace(asked, counts=blind), 4.0).tokens_computed is None


def test_seconds_inside_the_model_are_taken_out_of_the_phase_around_them() -> None:
    counts = {"encode_seconds": 1.0, "plan_seconds": 0.5, "score_seconds": 5.0, "decode_seconds": 2.0}
    outside = {"data": 1.0, "tokenise": 2.0, "load model": 3.0, "score": 7.0, "generate": 2.5, "metrics": 0.5}
    asked = RunUsage([], counts, counted=True, stored=False)
    found = {phase.name: phase.seconds for phase in phases(outside, asked, 17.0)}
    assert found == {
        "data": 1.0, "tokenise": 3.0, "load": 3.0, "plan": 0.5, "score": 5.0, "decode": 2.0, "metrics": 0.5,
        "other": 2.0,
    }  # fmt: skip


def test_a_phase_under_way_is_timed_so_far() -> None:
    timed = PhaseTimer(Silent())
    with timed.phase("write"):
        time.sleep(0.02)
        seconds, whole = timed.now()
        assert seconds["write"] >= 0.02
        assert whole >= seconds["write"]
    assert timed.seconds["write"] >= seconds["write"]


def test_early_records_still_read_and_say_nothing_of_it(repo: Path) -> None:
    for record in read_records(repo / "reports"):
        if record.manifest.work is None:
            assert work_summary(record.manifest) == {}


def test_the_site_shows_it(run: Runner, tmp_path: Path) -> None:
    done = run("--store", tmp_path / "store")
    build(run.out, tmp_path / "site")
    (page,) = (tmp_path / "site" / "models").glob("*.html")
    text = page.read_text(encoding="utf-8")
    assert ">Work</span></h3>" in text
    for name in ("tokens", "vocabulary rows", "speed", "memory", "store"):
        assert f"<dt>{name.capitalize()}</dt><dd>{lines(done)[name]}</dd>" in text
