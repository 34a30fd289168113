"""`llama.cpp:FILE.gguf`: a GGUF file computed by llama.cpp in this process answers as the same weights elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from llamacpp_models import CHAT, NO_SYSTEM, Make
from scored_alike import check_alike
from tiny_gguf import write_gemma3

from lsm_eval.errors import UserError
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.gguf_checkpoint import convert
from lsm_eval.models.hf import HFModel
from lsm_eval.requests import Failure, Generate, Generated, Perplexity, Request, Response, Score, Scored

pytest.importorskip("xllamacpp", reason="needs llama.cpp: pip install 'lsm-eval[llama-cpp]'")
pytest.importorskip("aiohttp", reason="needs aiohttp: pip install 'lsm-eval[llama-cpp]'")
pytestmark = pytest.mark.usefixtures("one_thread", "own_cache")


def _answers(model: Any, requests: list[Request]) -> list[Response]:
    found = {at: one for batch in model.answer(requests) for at, one in batch.items()}
    return [found[at] for at in range(len(requests))]


def test_it_writes_what_the_same_weights_write_in_process(make: Make, gguf: Path, tmp_path: Path) -> None:
    """All in float32. Texts with bytes that are no characters are left out: every decoder shows those in its own way."""
    convert(gguf, tmp_path)
    near = HFModel("hf:tiny", ModelOptions(), folder=tmp_path)
    far = make(dtype="float32")
    requests: list[Request] = [Generate(f"the cat {at} sat", max_tokens=6) for at in range(20)]
    requests += [Generate("hi", system="the cat", max_tokens=4, chat=True)]
    # llama.cpp puts the beginning of text before the prompt by itself.
    assert f"<bos>{far.render(requests[-1])}" == near.render(requests[-1])
    assert [one.longest for one in far.cost(requests)] == [one.longest for one in near.cost(requests)]
    pairs = list(zip(_answers(near, requests), _answers(far, requests), strict=True))
    whole = [
        (ours, theirs)
        for ours, theirs in pairs
        if isinstance(ours, Generated)
        and isinstance(theirs, Generated)
        and "\ufffd" not in ours.text + theirs.text
    ]
    assert len(whole) >= 5
    assert [(ours.text, ours.finish) for ours, _ in whole] == [
        (theirs.text, theirs.finish) for _, theirs in whole
    ]


@pytest.mark.parametrize("adds", [True, False])
@pytest.mark.parametrize("writes", [True, False])
def test_likelihoods_are_those_in_process(adds: bool, writes: bool, make: Make, tmp_path: Path) -> None:
    """Whether the tokenizer adds a beginning of text or not, and the template writes one or not, and whatever was asked
    before. llama.cpp puts one before a chat whose tokenizer adds one, whatever the template writes; there its texts are
    those that it itself answers."""
    template = CHAT if writes else CHAT.removeprefix("{{ bos_token }}")
    changes = {"tokenizer.ggml.add_bos_token": adds, "tokenizer.chat_template": template}
    path = write_gemma3(tmp_path / "tiny.gguf", **changes)
    (tmp_path / "hf").mkdir()
    convert(path, tmp_path / "hf")
    near, model = HFModel("hf:tiny", ModelOptions(), folder=tmp_path / "hf"), make(path, dtype="float32")
    chat = Score("the cat", (" a", " b"), chat=True)
    requests: list[Request] = [
        Score("the cat sat", (" on the mat", "the hi", " a")),
        Score("<bos>the cat", (" a",)),
        Score("", ("the",)),
        Perplexity("the cat sat on this"),
        Perplexity("the cat"),
    ]
    requests += [chat] if writes or not adds else []
    assert model.cost(requests) == near.cost(requests)
    assert [model.render(one) for one in requests] == [near.render(one) for one in requests]
    ours = _answers(near, requests)
    for _ in range(3):
        check_alike(ours, _answers(model, requests), 0.005)
    assert (model.info.details or {})["scoring"].startswith("llama.cpp (proved:")
    assert model.render(chat).startswith("<bos>") == (writes or adds)
    (cost,) = model.cost([chat])
    asked: list[Request] = [Generate("the cat", chat=True, max_tokens=1)]
    # A choice's two tokens less the last one, or one that is written, after the same prompt.
    assert cost.longest == model.cost(asked)[0].longest


def test_a_context_that_is_too_long_for_its_choices(make: Make) -> None:
    model = make()
    long, short = Score("the cat " * 60, (" a",)), Score("the cat", (" a",))
    assert [cost.truncated > 0 for cost in model.cost([long, short])] == [True, False]
    missing, scored = _answers(model, [long, short])
    assert isinstance(missing, Failure)
    assert missing.reason == "too_long"
    assert isinstance(scored, Scored)


def test_tokens_of_texts_are_counted_without_what_begins_one(make: Make, gguf: Path, tmp_path: Path) -> None:
    convert(gguf, tmp_path)
    near = HFModel("hf:tiny", ModelOptions(), folder=tmp_path)
    texts = ["", "the cat", "the cat sat on this"]
    assert make().count_tokens(texts) == near.count_tokens(texts)


def test_the_key_of_the_server_is_nobody_elses(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    import urllib.error
    import urllib.request

    monkeypatch.setenv("OPENAI_API_KEY", "a key\nwith a break")
    model = make()
    model.load()
    server = model._running[0]
    key, folder = server.key_file.read_text(), server.key_file.parent
    assert "127.0.0.1" in server.url
    assert folder.stat().st_mode & 0o077 == 0
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(
            urllib.request.Request(
                f"{server.url}/completions", b'{"prompt":"a"}', {"Authorization": "Bearer x"}
            )
        )
    assert refused.value.code == 401
    assert key not in repr(model.info)
    url = server.url
    del server
    model.release()
    assert not folder.exists()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{url}/models", timeout=2)
    assert isinstance(_answers(model, [Generate("the", max_tokens=2)])[0], Generated), "it starts again"


def test_what_is_too_long_is_missing(make: Make) -> None:
    model = make()
    requests: list[Request] = [Generate("the " * 200, max_tokens=4), Generate("the", max_tokens=127)]
    costs = model.cost(requests)
    assert [cost.truncated > 0 for cost in costs] == [True, True]  # BOS, one token, and 127 more
    answers = _answers(model, [*requests, Generate("the", max_tokens=126)])
    assert [isinstance(one, Failure) and one.reason for one in answers] == ["too_long", "too_long", False]


def test_a_template_that_refuses_a_system_message_gets_it_in_the_users(make: Make, tmp_path: Path) -> None:
    (tmp_path / "chat.jinja").write_text(NO_SYSTEM)
    model = make(chat_template=str(tmp_path / "chat.jinja"))
    request = Generate("hi", system="the cat", chat=True, max_tokens=3)
    assert model.folded(request)
    assert model.refusal(request) is None
    assert "the cat\nhi" in model.render(request)
    assert isinstance(_answers(model, [request])[0], Generated)
    (tmp_path / "chat.jinja").write_text("{{ raise_exception('never') }}{{ messages[0].content }}")
    with pytest.raises(UserError, match=r"chat template .*--chat-template"):
        make(chat_template=str(tmp_path / "chat.jinja")).load()


def test_a_message_that_the_template_refuses_is_missing(make: Make, tmp_path: Path) -> None:
    odd = "{% for m in messages %}{% if 'never' in m.content %}{{ raise_exception('no such word') }}{% endif %}{% endfor %}"
    (tmp_path / "chat.jinja").write_text(odd + CHAT)
    model = make(chat_template=str(tmp_path / "chat.jinja"))
    requests: list[Request] = [Generate(word, chat=True, max_tokens=3) for word in ("never", "hi")]
    refused, taken = _answers(model, requests)
    assert isinstance(refused, Failure)
    assert (refused.reason, "no such word" in refused.detail) == ("unsupported", True)
    assert isinstance(taken, Generated)
    assert [model.refusal(one) is None for one in requests] == [False, True]
    assert model.cost(requests)[0].asked == 0


def test_two_share_a_file(make: Make) -> None:
    asked: list[Request] = [Generate("the cat sat", max_tokens=4)]
    one, other = make(), make()
    assert _answers(one, asked) == _answers(other, asked)


@pytest.mark.parametrize(
    ("text", "thoughts", "expected"),
    [
        ("yes", None, "</think>\n\nyes"),
        ("yes", "hm", "yes"),
        ("hm</think>yes", None, "hm</think>yes"),
        ("<think>\nhm", None, "<think>\nhm"),
        ("", None, ""),
    ],
)
def test_thoughts_that_the_prompt_opened(text: str, thoughts: str | None, expected: str) -> None:
    """An answer without any is not taken for thoughts that never ended."""
    from lsm_eval.engines.llamacpp.model import _own

    asked = Generate("hi", chat=True)
    found = _own(Generated(text, 3, "stop", thoughts=thoughts), "<user>hi<assistant><think>\n", asked)
    assert isinstance(found, Generated)
    assert found.text == expected
    assert _own(Generated(text, 3, "stop"), "<user>hi<assistant>", asked) == Generated(text, 3, "stop")
