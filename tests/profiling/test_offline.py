"""Offline profiles of tiny models, from the name to the record; faults are played, models are real."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lsm_eval.errors import UserError
from lsm_eval.models.base import ModelOptions
from lsm_eval.profiling.matmul import Machine
from lsm_eval.profiling.offline import run as offline_run
from lsm_eval.profiling.offline.measure import Batch, BatchRunner, NotMeasured
from lsm_eval.profiling.offline.reach import MachineMeter, Speeds
from lsm_eval.profiling.offline.run import ProfileResult, profile_model
from lsm_eval.profiling.offline.spec import Cell, OfflineSpec
from lsm_eval.progress import Silent
from lsm_eval.recount.check import check_record
from lsm_eval.results.profile_rows import unranked
from lsm_eval.results.reader import read_record
from lsm_eval.runner.spec import RunSpec

SMALL = OfflineSpec(batches=(1, 3), prompts=(8,), outputs=(4,), max_repeats=5)
MACHINE = Machine(1e18, 1e18)


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    """What the machine reaches is measured in tests of its own."""
    monkeypatch.setattr(
        offline_run,
        "MachineMeter",
        lambda device, dtype: MachineMeter(device, dtype, measure=lambda *_: MACHINE),
    )


@pytest.fixture(scope="module")
def made(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> ProfileResult:
    """A profile of `SMALL`, for tests that look at one and change nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            offline_run,
            "MachineMeter",
            lambda device, dtype: MachineMeter(device, dtype, measure=lambda *_: MACHINE),
        )
        return profiled(tiny_llama, tmp_path_factory.mktemp("profiled"))


def profiled(model: Path | str, out: Path, spec: OfflineSpec = SMALL, **options: Any) -> ProfileResult:
    """A profile of `model`, below `out`."""
    asked = RunSpec([], str(model), options=ModelOptions(device="cpu", **options), out=out)
    return profile_model(asked, spec, Silent())


def test_a_profile_is_a_whole_record(made: ProfileResult) -> None:
    record = read_record(made.record)
    names = ["prefill_b1_p8_o1", "decode_b1_p8_o4", "prefill_b3_p8_o1", "decode_b3_p8_o4"]
    assert list(record.tasks) == [f"profile_{name}" for name in names]
    checked = check_record(made.record)
    assert checked.whole, checked.problems
    assert checked.recomputed == checked.estimates > 30
    profile = record.manifest.profile
    assert profile is not None
    assert (profile.kind, profile.cache, profile.stopped) == ("offline", "cold", None)
    assert profile.load_seconds is not None
    first = [cell.metrics[0] for cell in profile.cells]
    assert {one.metric for one in first} == {"input_tokens_per_second", "output_tokens_per_second"}
    assert all(one.low is not None and one.value is not None and one.low < one.value for one in first)
    assert {row.area for row in record.estimates} == {"speed"}


def test_each_cell_is_measured_in_each_round_and_warming_up_does_not_count(made: ProfileResult) -> None:
    rows = read_record(made.record).measurements("repeats").to_pylist()
    warm = [row for row in rows if row["warm_up"]]
    counted = [row for row in rows if not row["warm_up"]]
    assert len(warm) == 4
    assert Counter(row["cell"] for row in counted) == dict.fromkeys({row["cell"] for row in warm}, 5)
    orders = [tuple(row["cell"] for row in counted if row["round"] == number) for number in range(5)]
    assert all(len(set(order)) == 4 for order in orders)
    assert len(set(orders)) > 1, "each round has an order of its own"
    assert [row["order"] for row in rows] == list(range(len(rows)))


def test_texts_go_on_where_the_model_would_end(made: ProfileResult) -> None:
    rows = read_record(made.record).measurements("repeats").to_pylist()
    wanted = {
        "prefill_b1_p8_o1": (8, 1),
        "decode_b1_p8_o4": (8, 4),
        "prefill_b3_p8_o1": (24, 3),
        "decode_b3_p8_o4": (24, 12),
    }
    assert {row["cell"]: (row["prompt_tokens"], row["output_tokens"]) for row in rows} == wanted
    assert made.profile.workload.ends_ignored


def test_numbers_are_those_of_the_batches(made: ProfileResult) -> None:
    rows = [
        row
        for row in read_record(made.record).measurements("repeats").to_pylist()
        if row["cell"] == "decode_b3_p8_o4" and not row["warm_up"]
    ]
    cell = next(cell for cell in made.profile.cells if cell.name == "decode_b3_p8_o4")
    values = {one.metric: one.value for one in cell.metrics}
    seconds = sum(row["seconds"] for row in rows)
    assert values["output_tokens_per_second"] == pytest.approx(60 / seconds)
    assert values["input_tokens_per_second"] == pytest.approx(120 / seconds)
    assert values["total_tokens_per_second"] == pytest.approx(180 / seconds)
    assert values["latency"] == pytest.approx(seconds / 5)
    assert values["requests_per_second"] == pytest.approx(15 / seconds)
    decode = sum(row["decode_seconds"] for row in rows)
    # Three tokens a pass, and four passes a batch.
    assert values["time_per_output_token"] == pytest.approx(decode / 20)
    assert values["flops_per_second"] == pytest.approx(sum(row["decode_flops"] for row in rows) / decode)


@pytest.mark.parametrize("engine", ["plain", "tree"])
def test_it_measures_the_engine_that_a_run_uses(engine: Any, tiny_llama: Path, tmp_path: Path) -> None:
    made = profiled(tiny_llama, tmp_path, engine=engine)
    told = made.manifest.model.details["generation"]
    assert told.startswith("plain" if engine == "plain" else "continuous")
    assert check_record(made.record).whole


def test_an_encoder_decoder_is_profiled_and_a_masked_model_refused(tmp_path: Path) -> None:
    from tiny_models import save_encoder_model

    t5 = save_encoder_model(tmp_path / "t5", "t5")
    made = profiled(
        t5, tmp_path / "out", OfflineSpec(batches=(2,), prompts=(8,), outputs=(3,), max_repeats=5)
    )
    assert check_record(made.record).whole
    assert all(cell.missing is None for cell in made.profile.cells)
    bert = save_encoder_model(tmp_path / "bert", "bert")
    with pytest.raises(UserError, match="masked language model, which writes no text"):
        profiled(bert, tmp_path / "none")
    with pytest.raises(UserError, match="asks no model"):
        profiled("builtin:uniform", tmp_path / "none")
    assert not list((tmp_path / "none").iterdir())


def test_a_profile_has_the_row_of_the_models_scores(tiny_llama: Path, made: ProfileResult) -> None:
    from lsm_eval.models.create import create

    model = create(str(tiny_llama), ModelOptions(device="cpu"))
    assert made.manifest.model.fingerprint == model.fingerprint()
    assert made.manifest.model.name == model.info.name


def test_cells_that_do_not_fit_are_refused_before_anything_is_loaded(
    tiny_llama: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        UserError, match=r"a prompt of 60 and an answer of 8 tokens do not fit .*context of 64"
    ):
        profiled(tiny_llama, tmp_path, OfflineSpec(prompts=(60,), outputs=(8,)))
    with pytest.raises(UserError, match="make 1,200 cells"):
        OfflineSpec(batches=range(1, 21), prompts=range(1, 21), outputs=(2, 3)).cells("x", None)
    with pytest.raises(UserError, match="--max-repeats 5 is fewer than the --repeats 6"):
        profiled(tiny_llama, tmp_path, OfflineSpec(repeats=6, max_repeats=5))


def test_rounds_go_on_for_cells_that_vary(
    tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = BatchRunner.measure
    turns: Counter[Cell] = Counter()

    def varying(self: BatchRunner, cell: Cell, requests: Any) -> Batch:
        batch = real(self, cell, requests)
        turns[cell] += 1
        steady = 1.0 if cell.batch == 1 else 1.0 + turns[cell] % 2
        return Batch(steady, batch.prompt_tokens, batch.output_tokens)

    monkeypatch.setattr(BatchRunner, "measure", varying)
    spec = OfflineSpec(batches=(1, 2), prompts=(8,), outputs=(2,), repeats=5, max_repeats=8)
    made = profiled(tiny_llama, tmp_path, spec)
    assert {cell.name: cell.n for cell in made.profile.cells} == {
        "prefill_b1_p8_o1": 5, "decode_b1_p8_o2": 5, "prefill_b2_p8_o1": 8, "decode_b2_p8_o2": 8,
    }  # fmt: skip
    assert any("2 of 4 cells" in note and "after 8 rounds" in note for note in made.profile.notes)


def test_memory_that_runs_out_costs_the_cell_alone(
    tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lsm_eval.models.hf import HFModel

    real = HFModel.answer

    def small(self: HFModel, requests: Any, known: Any = ()) -> Any:
        if len(requests) - len(known) == 3 and requests[0].max_tokens == 4:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
        return real(self, requests, known)

    monkeypatch.setattr(HFModel, "answer", small)
    made = profiled(tiny_llama, tmp_path)
    missing = {cell.name: cell.missing for cell in made.profile.cells if cell.missing}
    assert missing == {"decode_b3_p8_o4": "There was not enough memory."}
    record = read_record(made.record)
    assert [row.task for row in record.manifest.left_out] == ["profile_decode_b3_p8_o4"]
    assert len(record.tasks) == 3
    assert check_record(made.record).whole


def test_a_batch_that_the_engine_takes_apart_is_not_called_one(
    tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lsm_eval.inference.generating import capacity

    monkeypatch.setattr(capacity, "_CPU_SLOTS", 2)
    made = profiled(tiny_llama, tmp_path)
    missing = {cell.name: cell.missing or "" for cell in made.profile.cells}
    assert "of the 3 prompts at a time" in missing["decode_b3_p8_o4"]
    assert missing["decode_b1_p8_o4"] == ""


def test_ctrl_c_writes_what_there_is_and_marks_it(
    tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stop_at(monkeypatch, 4 + 2 * 4 + 1)  # warming up, two rounds, and one batch
    made = profiled(tiny_llama, tmp_path)
    assert made.profile.stopped == "Ctrl-C ended it in round 3 of 5 or more."
    record = read_record(made.record)
    assert record.estimates
    assert {unranked(row.signature) for row in record.estimates} == {"stopped"}
    assert check_record(made.record).whole


@pytest.mark.parametrize("batches", [0, 3, 5])
def test_ctrl_c_before_any_cell_is_whole_leaves_nothing(
    batches: int, tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stop_at(monkeypatch, batches)
    with pytest.raises(KeyboardInterrupt):
        profiled(tiny_llama, tmp_path)
    assert not list(tmp_path.iterdir())


def _stop_at(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    real = BatchRunner.measure
    count = 0

    def measure(self: BatchRunner, cell: Cell, requests: Any) -> Batch:
        nonlocal count
        if count == number:
            raise KeyboardInterrupt
        count += 1
        return real(self, cell, requests)

    monkeypatch.setattr(BatchRunner, "measure", measure)


# Shares of the machine


def test_what_is_faster_than_the_machine_is_measured_again() -> None:
    measured = iter([Machine(1.0, 5.0), Machine(2.0, 4.0), Machine(9.0, 3.0)])
    reach = MachineMeter("cpu", "float32", measure=lambda *_: next(measured))
    found = reach.beside(Speeds(flops=8.0, bytes=2.0))
    assert (found.flops_per_second, found.bytes_per_second) == (9.0, 5.0)
    assert reach.beside(Speeds(flops=8.0, bytes=2.0)) == found, "no more is measured than is needed"


def test_the_machine_is_measured_anew_after_half_a_minute() -> None:
    now = [0.0]
    count: list[int] = []

    def measure(*_: str) -> Machine:
        count.append(1)
        return MACHINE

    reach = MachineMeter("cpu", "float32", measure=measure, clock=lambda: now[0])
    for now[0] in (0.0, 29.0, 31.0, 60.0, 62.0):
        reach.now()
    assert len(count) == 3


def test_a_share_above_all_there_is_is_never_shown(
    tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Machine(1.0, 1.0)
    monkeypatch.setattr(
        offline_run,
        "MachineMeter",
        lambda device, dtype: MachineMeter(device, dtype, measure=lambda *_: slow),
    )
    made = profiled(tiny_llama, tmp_path)
    rows = read_record(made.record).measurements("repeats").to_pylist()
    disturbed = Counter(row["cell"] for row in rows if row["disturbed"])
    assert disturbed == dict.fromkeys({row["cell"] for row in rows}, 2), "each cell is measured again, twice"
    for cell in made.profile.cells:
        shares = [one for one in cell.metrics if one.metric.endswith("_share")]
        assert shares
        assert all(one.value is None and one.why for one in shares)
        assert cell.n == 5
    assert check_record(made.record).whole


def test_shares_are_of_the_machine_in_the_same_minute(made: ProfileResult) -> None:
    cell = next(cell for cell in made.profile.cells if cell.name == "decode_b3_p8_o4")
    values = {one.metric: one.value for one in cell.metrics}
    assert values["flops_share"] == pytest.approx((values["flops_per_second"] or 0) / 1e18)
    assert values["bandwidth_share"] == pytest.approx((values["bytes_per_second"] or 0) / 1e18)
    assert cell.reach is not None
    assert cell.reach.flops_per_second == 1e18


def test_the_mean_of_shares_is_not_that_of_the_possible_ones_alone() -> None:
    import pandas as pd

    from lsm_eval.profiling.offline.numbers import cell_row
    from lsm_eval.profiling.offline.sweep import MeasuredBatch, SweepResult
    from lsm_eval.recount.offline import value as recounted

    cell = Cell("prefill", 1, 8, 1)

    def share(reached: list[float]) -> Any:
        found = SweepResult()
        for number, flops in enumerate(reached):
            batch = Batch(1.0, 8, 1, prefill_seconds=1.0, prefill_flops=flops)
            found.rows.append(MeasuredBatch(cell, number, number, 0.0, batch, Machine(100.0, None)))
        rows = pd.DataFrame(
            [
                dict.fromkeys(_COUNTED, None)
                | {"prefill_flops": flops, "prefill_seconds": 1.0, "reach_flops": 100.0}
                for flops in reached
            ]
        )
        again = recounted("flops_share", dict(cell.conditions), rows)
        one = {one.metric: one for one in cell_row(cell, found, None, ()).metrics}["flops_share"]
        return one, again

    one, again = share([90.0, 94.0, 98.0])
    assert (one.value, again, one.missing) == (pytest.approx(0.94), pytest.approx(0.94), 0)
    # Around 100 %: the mean of those below it would be 92 %.
    one, again = share([88.0, 96.0, 104.0, 112.0])
    assert (one.value, one.low, one.missing) == (None, None, 4)
    assert "in 2 of 4 batches" in one.why
    assert again != again, "no number is the right one"


_COUNTED = (
    "seconds",
    "prompt_tokens",
    "output_tokens",
    "joules",
    "decode_seconds",
    "decode_tokens",
    "decode_bytes",
    "reach_bytes",
)
"""Columns of batches that a share does not look at."""


def test_an_engine_that_tells_nothing_is_told_apart_by_difference(tiny_llama: Path, tmp_path: Path) -> None:
    from lsm_eval.profiling.offline.numbers import cell_row
    from lsm_eval.profiling.offline.sweep import MeasuredBatch, SweepResult

    reading, writing = Cell("prefill", 2, 8, 1), Cell("decode", 2, 8, 5)
    found = SweepResult()
    for number in range(5):
        for cell, seconds in ((reading, 1.0 + number / 10), (writing, 3.0 + number / 10)):
            batch = Batch(seconds, 16, 2 * cell.output)
            found.rows.append(MeasuredBatch(cell, number, number, 0.0, batch, Machine(None, None)))
    values = {one.metric: one for one in cell_row(writing, found, None, ()).metrics}
    # Eight tokens in the two seconds beyond reading; two prompts at a time.
    assert values["decode_tokens_per_second"].value == pytest.approx(4.0)
    assert values["time_per_output_token"].value == pytest.approx(0.5)
    assert "difference" in values["time_per_output_token"].method
    assert "flops_share" not in values


def test_prompts_are_new_each_time(tiny_llama: Path) -> None:
    from lsm_eval.models.create import create
    from lsm_eval.profiling.energy import Energy

    bench = BatchRunner(create(str(tiny_llama), ModelOptions(device="cpu")), Energy([], "none"))
    rng = random.Random(0)
    texts = [one.prompt for _ in range(5) for one in bench.prompts(Cell("decode", 4, 16, 2), rng)]
    assert len({text[:5] for text in texts}) == 20


def test_a_prompt_that_no_model_answers_is_missing(
    monkeypatch: pytest.MonkeyPatch, tiny_llama: Path, tmp_path: Path
) -> None:
    def refuse(self: BatchRunner, *_: Any) -> Any:
        raise NotMeasured("the model does not answer such a prompt (no)")

    monkeypatch.setattr(BatchRunner, "as_of_a_long_run", refuse)
    with pytest.raises(
        UserError, match=r"nothing could be measured: the model does not answer such a prompt"
    ):
        profiled(tiny_llama, tmp_path)
    assert not list(tmp_path.iterdir())
