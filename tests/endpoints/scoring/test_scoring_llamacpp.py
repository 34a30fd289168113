"""llama.cpp's server scores what the same float32 weights score in process."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Outcome, Runner, call
from llamacpp_server import serve
from scored_alike import SCORES, TEXTS, answers, check_alike
from tiny_gguf import write_gemma3

from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.models.base import EndpointOptions, ModelOptions
from lsm_eval.models.gguf_checkpoint import convert
from lsm_eval.models.hf import HFModel
from lsm_eval.requests import Generate, Generated, Perplexity, Request, Score
from lsm_eval.results.reader import read_record

pytestmark = pytest.mark.usefixtures("one_thread")
_WORDS = ("the", "cat", "sat", "on", "mat", "and", "dog", "his", "hat", "hi", "log")
TOLERANCE = 5e-3
"""Nats a token: llama.cpp looks its GELU up in a table of 16-bit floats; most tokens are within 0.0005."""


@pytest.fixture(scope="module")
def gemma(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder with the weights, and the address of a server of the same."""
    folder = tmp_path_factory.mktemp("gemma")
    gguf = write_gemma3(folder / "tiny.gguf")
    (folder / "hf").mkdir()
    convert(gguf, folder / "hf")
    with serve(gguf, context=128) as server:
        yield folder / "hf", f"http://{server._address.netloc}/v1"


def test_likelihoods(gemma: tuple[Path, str]) -> None:
    """Tokens among the likeliest and others, bytes that are parts of characters, and the end of text."""
    folder, address = gemma
    near = HFModel("hf:tiny", ModelOptions(), folder=folder)
    far = EndpointModel("tiny", EndpointOptions(address, max_concurrency=4))
    ends: list[Request] = [Score("the cat", ("<eos>", "\x00", "é"))]
    requests = SCORES + TEXTS + ends
    assert far.cost(requests) == near.cost(requests)
    check_alike(answers(near, requests), answers(far, requests), TOLERANCE)
    details = far.info.details or {}
    # Its attention slides.
    assert details["scoring"].startswith("llama.cpp, without its cache, many tokens a request (proved:")
    assert far.info.context == 127  # it holds no more than the model was trained for


def _words(seed: int) -> str:
    drawn = random.Random(seed)
    return " ".join(drawn.choice(_WORDS) for _ in range(drawn.randint(4, 30)))


@pytest.mark.slow
def test_what_was_read_before_has_no_say(tmp_path: Path) -> None:
    """Texts that begin as no other, short and long: a server whose model's attention slides goes back to states of its cache,
    and those of the text before are not theirs."""
    gguf = write_gemma3(tmp_path / "tiny.gguf", **{"tokenizer.ggml.add_bos_token": False})
    (tmp_path / "hf").mkdir()
    convert(gguf, tmp_path / "hf")
    near = HFModel("hf:tiny", ModelOptions(), folder=tmp_path / "hf")
    requests: list[Request] = [
        Score("<bos>the cat", (" a",)),
        Score("the cat", (" a",)),
        Score("", ("the",)),
        Score("hi", (" his hat",)),
        Perplexity("the cat"),
        *(Score(_words(at), (" a", " the hat")) for at in range(20)),
    ] * 2
    ours = answers(near, requests)
    with serve(gguf, context=128) as server:
        far = EndpointModel("tiny", EndpointOptions(f"http://{server._address.netloc}/v1", max_concurrency=2))
        for _ in range(2):
            check_alike(ours, answers(far, requests), TOLERANCE)


def test_texts_with_detail(gemma: tuple[Path, str]) -> None:
    folder, address = gemma
    near = HFModel("hf:tiny", ModelOptions(), folder=folder)
    far = EndpointModel("tiny", EndpointOptions(address, max_concurrency=4))
    requests: list[Request] = [Generate(f"the cat {at} sat", max_tokens=4, detail=True) for at in range(16)]
    ours, theirs = answers(near, requests), answers(far, requests)
    whole = [
        at
        for at, one in enumerate(ours)
        if isinstance(one, Generated) and one.text and one.text.isascii() and one == ours[at]
    ]
    alike = [at for at in whole if getattr(theirs[at], "text", None) == getattr(ours[at], "text", None)]
    assert len(alike) >= 3
    check_alike([ours[at] for at in alike], [theirs[at] for at in alike], TOLERANCE)


def test_too_long(gemma: tuple[Path, str]) -> None:
    _, address = gemma
    far = EndpointModel("tiny", EndpointOptions(address), overflow="truncate")
    (answer,) = answers(far, [Score("the cat sat on the mat " * 60, (" the",))])
    assert getattr(answer, "truncated", 0) > 0
    (text,) = answers(far, [Perplexity("a b " * 300)])
    assert getattr(text, "tokens", 0) > 127


def test_a_run(gemma: tuple[Path, str], small_tasks: Path, tmp_path: Path) -> None:
    """Tasks that score, read and write; and once more, which asks nothing."""
    folder, address = gemma
    tasks = "choose,read,say"
    near = Runner(folder, small_tasks, tmp_path / "near")("--chat", "off", tasks=tasks)

    def ask() -> Outcome:
        return call(
            "run", "--tasks", tasks, "--include", small_tasks, "--out", tmp_path / "far", "--chat", "off",
            "--model", "openai:tiny", "--base-url", address, "--max-concurrency", "4",
        )  # fmt: skip

    far, again = ask(), ask()
    assert (near.code, far.code, again.code) == (0, 0, 0), near.err + far.err + again.err
    ours = {(row.task, row.metric): row.value for row in read_record(near.record).estimates}
    theirs = {(row.task, row.metric): row.value for row in read_record(far.record).estimates}
    assert theirs == pytest.approx(ours, abs=5e-3)
    here, there = (read_record(one.record).samples("say")["completion"].to_pylist() for one in (near, far))
    pairs = [(one, other) for one, other in zip(here, there, strict=True) if "\ufffd" not in one + other]
    assert pairs
    assert all(one == other for one, other in pairs)
    assert read_record(again.record).manifest.requests["computed"] == 0
