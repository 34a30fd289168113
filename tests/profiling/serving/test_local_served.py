"""Models of our own, asked as a server would be: in this process, and through llama.cpp."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import call
from tiny_models import save_model

from lsm_eval.models.base import ModelOptions
from lsm_eval.models.create import create
from lsm_eval.models.hf import HFModel
from lsm_eval.profiling.serving.in_process import LocalTarget
from lsm_eval.profiling.serving.load import Load, PlannedRequest
from lsm_eval.requests import Generate, Generated
from lsm_eval.results.reader import read_record

PROMPTS = ("a cat sat", "the dog ran to the house and back", "one", "two and three", "a", "of all the days")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("checkpoints") / "tiny")


def model_of(checkpoint: Path) -> HFModel:
    model = create(str(checkpoint), ModelOptions(device="cpu"))
    assert isinstance(model, HFModel)
    return model


def test_what_arrives_is_continued_as_if_it_were_alone(checkpoint: Path) -> None:
    """The texts of the loop are those of a run, whenever a prompt came."""
    model = model_of(checkpoint)
    requests = [Generate(prompt, max_tokens=5 + at) for at, prompt in enumerate(PROMPTS)]
    alone: dict[int, Any] = {}
    for batch in model.answer(requests):
        alone |= batch
    loop, prompts = model.arriving(requests, slots=3)
    found: dict[int, Any] = {}

    class Late:
        given = 0

        def due(self, now: int) -> list[Any]:
            # One more prompt at every step, so that they enter at different times.
            if self.given >= len(prompts):
                return []
            self.given += 1
            return [(self.given - 1, prompts[self.given - 1])]

        def seconds(self, now: int) -> float | None:
            return None if self.given >= len(prompts) else 0.0

        def tokens(self, numbers: Any, now: int) -> None: ...

        def ended(self, number: int, continuation: Any, now: int) -> None:
            found[number] = continuation

    loop.serve(Late())
    assert sorted(found) == list(range(len(prompts)))
    for at, continuation in found.items():
        answer = alone[at]
        assert isinstance(answer, Generated)
        assert (continuation.text, continuation.tokens) == (answer.text, answer.tokens)


@pytest.mark.parametrize("times", [None, [0, 20_000_000, 20_000_000, 90_000_000]])
def test_a_model_in_this_process_is_timed_token_by_token(checkpoint: Path, times: list[int] | None) -> None:
    served = LocalTarget(model_of(checkpoint))
    served.prepare(16)
    wanted = [PlannedRequest(prompt, 16, 6) for prompt in served.prompts(0, [16] * 4, 0)]
    found = served.run(Load(wanted, 2 if times is None else None, times))
    assert found.check is None  # nothing stands between
    for at, one in enumerate(found.requests):
        assert (one.index, one.prompt_tokens, one.output_tokens, one.counted_by) == (at, 16, 6, "engine")
        assert [chunk.tokens for chunk in one.chunks] == [1] * 6
        stamps = [chunk.at for chunk in one.chunks]
        assert stamps == sorted(stamps)
        assert one.started < stamps[0]
        assert one.ended == stamps[-1]
        if times is not None:
            assert one.started == one.scheduled == found.begun + times[at]
    if times is None:
        busy = [(one.started, one.ended or 0) for one in found.requests]
        for start, _ in busy:
            assert sum(one <= start < end for one, end in busy) <= 2
    served.close()


def test_the_command_profiles_a_checkpoint(checkpoint: Path, tmp_path: Path) -> None:
    outcome = call(
        "profile", "--model", checkpoint, "--concurrency", "1,2", "--rate", "50", "--prompt-tokens", "12", "--output-tokens", "4",
        "--requests", "8", "--objective", "ttft=10s", "--out", tmp_path,
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    record = read_record(outcome.record)
    profile = record.manifest.profile
    assert profile is not None
    assert [cell.name for cell in profile.cells] == [
        "serving_closed_c1_p12_o4", "serving_closed_c2_p12_o4", "serving_open_poisson_r50_p12_o4",
    ]  # fmt: skip
    for cell in profile.cells:
        known = {one.metric: one.value for one in cell.metrics}
        assert known["attainment"] == 1.0
        assert known["itl_p50"] > 0  # type: ignore[operator]
        assert cell.n == 8
    assert profile.workload.ends_ignored
    rows = record.measurements("requests").to_pylist()
    assert len(rows) == 24
    assert {row["prompt_tokens"] for row in rows} == {12}


def test_what_a_local_model_cannot_be_asked_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    base = ("profile", "--model", checkpoint, "--concurrency", "2", "--out", tmp_path)
    assert "--cache and --flush are for servers" in call(*base, "--cache", "cold").sentence()
    assert (
        "--engine plain says so"
        in call(*base, "--engine", "plain", "--prompt-tokens", "8", "--output-tokens", "2").err
    )
    assert "do not fit" in call(*base, "--prompt-tokens", "100000").sentence()


@pytest.mark.parametrize(
    "load",
    [pytest.param(("--concurrency", "1,3"), marks=pytest.mark.slow), ("--rate", "30", "--cache", "cold")],
)
def test_llamacpp_is_profiled_through_its_server(tmp_path: Path, load: tuple[str, ...]) -> None:
    pytest.importorskip("xllamacpp", reason="needs llama.cpp: pip install 'lsm-eval[llama-cpp]'")
    pytest.importorskip("aiohttp", reason="needs aiohttp: pip install 'lsm-eval[llama-cpp]'")
    from tiny_gguf import write_gemma3

    template = (
        "{{ bos_token }}{% for m in messages %}<start_of_turn>{{ m.role }}\n{{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
    )
    gguf = write_gemma3(tmp_path / "tiny.gguf", **{"tokenizer.chat_template": template})
    outcome = call(
        "profile", "--model", f"llama.cpp:{gguf}", *load, "--prompt-tokens", "80", "--output-tokens", "10", "--requests", "9",
        "--slots", "3", "--threads", "1", "--out", tmp_path / "reports",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    record = read_record(outcome.record)
    profile = record.manifest.profile
    assert profile is not None
    rows = record.measurements("requests").to_pylist()
    assert {row["failure"] for row in rows} == {None}
    assert {row["prompt_tokens"] for row in rows} == {
        80
    }  # as asked, to the token, with what the template puts around it
    assert {row["output_tokens"] for row in rows} == {10}  # it writes on where it would end
    assert {row["counted_by"] for row in rows} == {"server (a count a chunk)"}
    assert all(sum(row["chunk_tokens"]) == 10 for row in rows)
    if "cold" in load:
        assert {row["cached_tokens"] for row in rows} == {0}
        assert profile.cache == "cold"
    assert all(
        one.value is not None
        for cell in profile.cells
        for one in cell.metrics
        if one.metric.startswith("itl")
    )
