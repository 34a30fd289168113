"""`--adapter` several times: a row for the base and one for each, as runs of their own would have them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from command_line import Outcome, Runner, call, write_tasks
from tiny_models import save_model

from lsm_eval.cli.adapters import adapter_rows
from lsm_eval.results.names import shown_name
from lsm_eval.results.reader import read_record


@pytest.fixture(autouse=True)
def _own_machine(own_cache: Path, one_thread: None) -> None:
    """Own cache, one thread."""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Llama."""
    return save_model(tmp_path_factory.mktemp("checkpoints") / "tiny")


@pytest.fixture(scope="module")
def adapters(checkpoint: Path) -> list[Path]:
    """Two LoRAs that change every answer."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        model = get_peft_model(
            AutoModelForCausalLM.from_pretrained(checkpoint),
            LoraConfig(r=2, target_modules=["q_proj", "up_proj"]),
        )
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=0.5)
        found.append(checkpoint.parent / f"tuned-{seed}")
        model.save_pretrained(str(found[-1]))
    return found


@pytest.fixture
def run(checkpoint: Path, tmp_path: Path) -> Any:
    """Calls `lsm-eval run` on a small task."""
    runner = Runner(checkpoint, write_tasks(tmp_path / "tasks"), tmp_path / "reports")

    def several(adapters: list[Path], *more: str | Path) -> Outcome:
        return runner(*(part for one in adapters for part in ("--adapter", one)), *more, tasks="choose,say")

    return several


def _records(done: Outcome) -> list[Any]:
    lines = [line.removeprefix("record: ") for line in done.out.splitlines() if line.startswith("record: ")]
    return [read_record(Path(line)) for line in lines]


def _numbers(record: Any) -> Any:
    return (
        [(row.task, row.metric, row.value, row.low, row.high) for row in record.estimates],
        [record.samples(task).to_pylist() for task in ("choose", "say")],
        record.manifest.model.fingerprint,
    )


@pytest.mark.slow
def test_each_has_the_row_that_a_run_of_its_own_has(
    run: Any, adapters: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoModelForCausalLM

    read = []
    whole = AutoModelForCausalLM.from_pretrained.__func__  # type: ignore[attr-defined]

    def reading(cls: Any, *given: Any, **more: Any) -> Any:
        read.append(given[0])
        return whole(cls, *given, **more)

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", classmethod(reading))
    together = run(adapters, "--store", "none")
    assert together.code == 0, together.err
    assert len(read) == 1, "the base's weights are read once"
    base, *tuned = _records(together)
    assert [shown_name(record.manifest.model) for record in (base, *tuned)] == [
        "hf:tiny", "hf:tiny + tuned-1", "hf:tiny + tuned-2",
    ]  # fmt: skip
    alone = [run([], "--store", "none"), *(run([one], "--store", "none") for one in adapters)]
    for one, other in zip((base, *tuned), alone, strict=True):
        assert _numbers(one) == _numbers(_records(other)[0])
    assert len({record.manifest.model.fingerprint for record in (base, *tuned)}) == 3


@pytest.mark.slow
def test_answers_are_kept_and_a_second_run_asks_nothing(run: Any, adapters: list[Path]) -> None:
    first, second = run(adapters), run(adapters)
    assert [first.code, second.code] == [0, 0]
    for one, other in zip(_records(first), _records(second), strict=True):
        assert _numbers(one) == _numbers(other)
        assert other.manifest.work.store_hits == other.manifest.work.store_asked > 0


@pytest.mark.slow
def test_one_that_fails_does_not_lose_the_others(run: Any, adapters: list[Path], tmp_path: Path) -> None:
    broken = Path(shutil.copytree(adapters[0], tmp_path / "broken"))
    (broken / "adapter_model.safetensors").unlink()
    done = run([adapters[0], broken, adapters[1]])
    assert done.code == 2
    assert len(_records(done)) == 3
    (sentence,) = [line for line in done.err.splitlines() if line.startswith("lsm-eval: ")]
    assert "broken" in sentence
    assert "Traceback" not in done.err


@pytest.mark.slow
def test_a_name_is_the_base_s_and_adapters_follow_it(run: Any, adapters: list[Path]) -> None:
    records = _records(run(adapters, "--name", "mine"))
    assert [shown_name(one.manifest.model) for one in records] == ["mine", "mine + tuned-1", "mine + tuned-2"]


def test_folders_of_one_name_are_told_apart() -> None:
    rows = adapter_rows(["runs/a/last", "runs/b/last"], "builtin:x", None)
    assert rows == [((), None), (("runs/a/last",), "x + a/last"), (("runs/b/last",), "x + b/last")]
    assert adapter_rows(["runs/a/last"], "builtin:x", None) == [(("runs/a/last",), None)]
    assert adapter_rows(["a", "b"], "hf:x", None) == [((), None), (("a",), None), (("b",), None)]


def test_a_dry_run_and_what_is_refused(
    run: Any, adapters: list[Path], checkpoint: Path, tmp_path: Path
) -> None:
    dry = run(adapters, "--dry-run")
    assert dry.code == 0
    assert dry.out.count("Nothing was asked.") == 3
    policy = run(adapters, "--gate", "pull-request", "--baseline", tmp_path)
    assert policy.code == 2
    one = call("show", "task", "choose", "--include", tmp_path / "tasks", "--model", checkpoint,
               "--adapter", adapters[0], "--adapter", adapters[1])  # fmt: skip
    assert (
        one.sentence() == "--adapter is given 2 times, and this shows one model at a time: name one adapter."
    )


def test_a_gate_takes_one(run: Any, adapters: list[Path]) -> None:
    (record,) = _records(run([]))
    done = run(
        adapters,
        "--gate",
        "pull-request",
        "--baseline",
        record.folder,
    )
    assert done.sentence().startswith("--gate judges one candidate, and --adapter names several: name one")
