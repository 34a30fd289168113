"""The probe and held answers at the real llama.cpp server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command_line import QUESTIONS, call
from llamacpp_server import serve
from tiny_gguf import write_gemma3

from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.models.base import EndpointOptions, ModelOptions
from lsm_eval.models.gguf_checkpoint import convert
from lsm_eval.models.hf import HFModel
from lsm_eval.requests import Generate, Generated, Request, Score
from lsm_eval.results.reader import read_record
from lsm_eval.runner.written_choices.wording import listed

pytestmark = pytest.mark.usefixtures("one_thread")


def _answers(model: Any, requests: list[Request]) -> list[Generated]:
    found = {at: one for batch in model.answer(requests) for at, one in batch.items()}
    return [found[at] for at in range(len(requests))]


def _asked() -> list[Request]:
    requests: list[Request] = []
    for at, row in enumerate(QUESTIONS):
        score = Score(f"{row['question']}?", tuple(f" {choice}" for choice in row["choices"]))
        request, shown = listed(score, " ", chat=False, draw=f"0/{at}/0")
        requests.append(replace(request, stop=(), choices=tuple(f" {label}" for label in shown.labels)))
    return requests


def test_what_llamacpp_does_and_the_letters_it_writes(tmp_path: Path, small_tasks: Path) -> None:
    """The same letters as the same float32 weights write in process, where the likeliest is taken."""
    gguf = write_gemma3(tmp_path / "tiny.gguf", **{"gemma3.context_length": 512})
    (tmp_path / "folder").mkdir()
    convert(gguf, tmp_path / "folder")
    requests = _asked()
    ours = _answers(HFModel("hf:tiny", ModelOptions(), folder=tmp_path / "folder"), requests)
    with serve(gguf, context=512) as server:
        url = f"http://{server._address.netloc}/v1"
        model = EndpointModel("tiny", EndpointOptions(url, max_concurrency=4))
        model.probe([Generate("x"), Generate("x", chat=True)])
        probed = model.info.probed or {}
        theirs = _answers(model, requests)
        done = call(
            "run", "--tasks", "choose", "--include", small_tasks, "--out", tmp_path / "reports", "--chat", "off", "--choices", "generate",
            "--model", "openai:tiny", "--base-url", url,
        )  # fmt: skip
    assert (probed["kind"], probed["context"]) == ("llama.cpp", 512)
    assert probed["version"].startswith("b")
    assert probed["requests"] <= 14
    plain, chat = probed["paths"]["completions"], probed["paths"]["chat/completions"]
    assert plain == {
        "limit": "max_tokens", "temperature": "taken", "greedy": True, "seed": "kept", "thoughts": None, "stop": "cut",
        "stop_in_thoughts": None, "constraint": "grammar", "token_ids": True,
    }  # fmt: skip
    assert (chat["greedy"], chat["seed"], chat["constraint"], chat["token_ids"]) == (
        True,
        "kept",
        "grammar",
        None,
    )
    assert [one.text for one in theirs] == [one.text for one in ours]
    assert len({one.text for one in ours}) >= 3
    assert all(one.finish == "stop" for one in theirs)
    assert done.code == 0, done.err
    assert "short requests" not in done.err, "what was found out is kept"
    record = read_record(done.record)
    assert record.tasks["choose"].choices == "generated/constrained"
    assert record.estimates[0].metric == "acc(generated)"
    assert (record.estimates[0].n, record.estimates[0].missing) == (24, 0)
    assert (record.manifest.model.probed or {})["paths"]["completions"] == plain
    assert record.manifest.model.context == 512
    assert set(record.samples("choose")["completion"].to_pylist()) <= {" A", " B", " C", " D"}
