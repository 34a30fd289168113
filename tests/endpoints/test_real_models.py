"""Real models behind real servers: the greedy texts are those of the same weights in process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command_line import Runner
from gguf import GGUFReader
from llamacpp_server import serve as serve_llamacpp
from openai_server import Ask, Body, completion, prompt_of, serving
from tiny_gguf import write_gemma3
from tiny_models import CHAT, save_model

from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.models.base import EndpointOptions, ModelOptions
from lsm_eval.models.gguf_checkpoint import convert
from lsm_eval.models.hf import HFModel
from lsm_eval.requests import Generate, Generated, Request
from lsm_eval.results.reader import read_record

pytestmark = pytest.mark.usefixtures("one_thread")


def _texts(model: Any, requests: list[Request]) -> list[Generated]:
    found = {at: one for batch in model.answer(requests) for at, one in batch.items()}
    assert sorted(found) == list(range(len(requests)))
    answers = [found[at] for at in range(len(requests))]
    assert all(isinstance(one, Generated) for one in answers), answers
    return answers


def test_llamacpp_writes_what_the_same_weights_write_in_process(tmp_path: Path) -> None:
    """Both in float32. Texts with bytes that are no characters are left out: every decoder shows those in its own way."""
    (tmp_path / "folder").mkdir()
    gguf = write_gemma3(tmp_path / "tiny.gguf")
    assert all(tensor.tensor_type == 0 for tensor in GGUFReader(str(gguf)).tensors), "all is float32"
    convert(gguf, tmp_path / "folder")
    requests: list[Request] = [Generate(f"the cat {at} sat", max_tokens=6) for at in range(24)]
    ours = _texts(HFModel("hf:tiny", ModelOptions(), folder=tmp_path / "folder"), requests)
    with serve_llamacpp(gguf, context=128) as server:
        address = f"http://{server._address.netloc}/v1"
        model = EndpointModel("tiny", EndpointOptions(address, max_concurrency=4))
        assert len(model.fingerprint()) == 64
        assert (model.info.details or {})["server"].startswith("llama.cpp b")
        theirs = _texts(model, requests)
        (stopped,) = _texts(model, [Generate("the cat 5 sat", stop=("000",), max_tokens=6)])
        chat = _texts(model, [Generate("the cat", max_tokens=3, chat=True)])
    whole = [at for at, one in enumerate(ours) if "\ufffd" not in one.text + theirs[at].text]
    assert len(whole) >= 5
    for at in whole:
        assert (theirs[at].text, theirs[at].tokens, theirs[at].finish) == (ours[at].text, 6, "length")
    assert (stopped.text, stopped.finish) == (theirs[5].text.partition("000")[0], "stop")
    assert chat[0].tokens == 3


def test_llamacpp_streams_what_it_answers_whole(tmp_path: Path) -> None:
    """By all three APIs, in chats the same texts. Its streams leave out bytes that are no characters."""
    with serve_llamacpp(write_gemma3(tmp_path / "tiny.gguf"), context=256) as server:
        found: dict[tuple[Any, Any], list[Generated]] = {}
        for api in ("chat", "completions", "responses"):
            requests: list[Request] = [
                Generate(text, max_tokens=5, chat=api != "completions")
                for text in ("sat on the mat 00", "the cat 0 sat", "the cat 5 sat", "the cat 3", "the cat 0")
            ]
            for stream in ("off", "on"):
                options = EndpointOptions(f"http://{server._address.netloc}/v1", api=api, stream=stream)
                found[api, stream] = _texts(EndpointModel("tiny", options), requests)
    for api in ("chat", "completions", "responses"):
        whole = [(at, one) for at, one in enumerate(found[api, "off"]) if "\ufffd" not in one.text]
        assert whole
        assert all(found[api, "on"][at] == one for at, one in whole)
        assert [one.tokens for one in found[api, "on"]] == [5] * 5
        assert {one.finish for stream in ("off", "on") for one in found[api, stream]} == {"length"}
    assert found["responses", "off"] == found["chat", "off"]
    assert found["chat", "on"][0].text == "his" * 5, "five parts that are the same, and none came twice"


def test_llamacpp_keeps_to_a_budget_of_thoughts(tmp_path: Path) -> None:
    """Its template opens thoughts, and this model would never end them."""
    # From how it writes thoughts again the server learns their marks.
    reply = (
        "{{ '<|assistant|>' }}{% if m.reasoning_content %}{{ '<think>\\n' + m.reasoning_content + '\\n</think>\\n\\n' }}"
        "{% endif %}{{ m['content'] }}\n"
    )
    template = (
        "{% for m in messages %}{% if m['role'] == 'assistant' %}" + reply + "{% else %}<|{{ m['role'] }}|>"
        "{{ m['content'] }}\n{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|><think>\n{% endif %}"
    )
    asked = Generate("the cat", max_tokens=20, chat=True)
    with serve_llamacpp(write_gemma3(tmp_path / "tiny.gguf"), template=template) as server:
        model = EndpointModel("tiny", EndpointOptions(f"http://{server._address.netloc}/v1"))
        (free,) = _texts(model, [asked])
        (kept,) = _texts(model, [replace(asked, reasoning_tokens=5)])
    assert free.text.startswith("<think>"), "cut inside its thoughts"
    assert (model.info.details or {})["reasoning_budget"] == "sent as thinking_budget_tokens"
    assert kept.text
    assert kept.thoughts
    assert len(kept.thoughts) < len(free.text)
    assert not kept.text.startswith("<think>")


@pytest.mark.parametrize("chat", ["auto", pytest.param("off", marks=pytest.mark.slow)])
def test_a_run_through_a_server_scores_what_a_run_in_process_does(
    chat: str, ask: Ask, small_tasks: Path, tmp_path: Path
) -> None:
    folder = save_model(tmp_path / "chatting", chat=CHAT, context=128)
    model = HFModel("hf:chatting", ModelOptions(), folder=folder)

    def answer(body: Body) -> Any:
        asked = Generate(
            prompt_of(body), tuple(body.get("stop", ())), body["max_tokens"], chat="messages" in body
        )
        (written,) = _texts(model, [asked])
        return completion(body, written.text, finish=written.finish, tokens=written.tokens)

    with serving(answer=answer) as server:
        far = ask(server, "--chat", chat, tasks="talk")
    near = Runner(folder, small_tasks, tmp_path / "near")("--chat", chat, tasks="talk")
    assert (far.code, near.code) == (0, 0), far.err + near.err
    there, here = read_record(far.record), read_record(near.record)
    for column in ("asked", "completion", "finish", "tokens", "target", "score.exact_match", "score.f1"):
        assert there.samples("talk")[column].to_pylist() == here.samples("talk")[column].to_pylist(), column
    values = [(row.metric, row.value, row.low, row.high) for row in there.estimates]
    assert values == [(row.metric, row.value, row.low, row.high) for row in here.estimates]
