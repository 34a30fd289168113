"""Where texts end by special tokens, in every engine, against what the model writes without a stop string."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import GENERATE, call, write_task
from tiny_models import save_encoder_model, save_model
from writing_models import MARK, writes_a_mark

from lsm_eval.models.base import ModelOptions
from lsm_eval.models.hf import HFModel
from lsm_eval.requests import Generate, Generated, Response

PROMPTS = ("the cat sat on", "what is the name of", "1 2 3", "the log and")
TOKENS = 12


@pytest.fixture(autouse=True)
def _quiet_machine(own_cache: Path, one_thread: None) -> None:
    """Own cache, one thread."""


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("writer")
    return writes_a_mark(save_model(folder / "plain"), folder / "writer")


@pytest.fixture(scope="module")
def translator(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An encoder-decoder model, and a token that it writes, made special."""
    from transformers import AutoTokenizer

    folder = save_encoder_model(tmp_path_factory.mktemp("translator") / "t5", "t5")
    model = HFModel("tiny", ModelOptions(), folder=folder)
    text = " ".join(answer.text for answer in _ask(model, ()))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(text, add_special_tokens=False)["input_ids"])
    mark = next(token for token in tokens if token.isalpha() and len(token) > 1 and token.isascii())
    tokenizer.add_special_tokens({"additional_special_tokens": [mark]})
    tokenizer.save_pretrained(folder)
    return folder, str(mark)


def _ask(model: HFModel, stop: tuple[str, ...], count: int = TOKENS) -> list[Generated]:
    asked = [Generate(prompt, stop, max_tokens=count) for prompt in PROMPTS]
    found: dict[int, Response] = {}
    for batch in model.answer(asked):
        found.update(batch)
    answers = [found[at] for at in range(len(asked))]
    assert all(isinstance(answer, Generated) for answer in answers)
    return [answer for answer in answers if isinstance(answer, Generated)]


def _tokens(answer: Generated) -> int:
    assert answer.tokens is not None
    return answer.tokens


@pytest.mark.parametrize("engine", ["auto", "plain"])
def test_a_special_token_ends_a_text(writer: Path, engine: Any) -> None:
    model = HFModel("tiny", ModelOptions(engine=engine), folder=writer)
    ended = 0
    for at, answer in enumerate(_ask(model, (MARK,))):
        # As many new tokens as there are before the mark, without any stop string.
        shorter = [_ask(model, (), count)[at].text for count in range(1, TOKENS + 1)]
        if answer.finish == "length":
            assert answer.text == shorter[-1]
            assert answer.tokens == TOKENS
        else:
            ended += 1
            assert answer.text == shorter[_tokens(answer) - 1] == ["", *shorter][_tokens(answer) - 1]
    assert 0 < ended < len(PROMPTS), "some write it, and some do not"
    twice = _ask(model, (MARK, "never", MARK, ""))
    assert twice == _ask(model, (MARK,)), "given several times, beside others"
    assert [a.text for a in _ask(model, (MARK + "never",))] == [a.text for a in _ask(model, ())]


def test_a_special_token_ends_a_text_of_an_encoder_decoder_model(translator: tuple[Path, str]) -> None:
    folder, mark = translator
    model = HFModel("tiny", ModelOptions(), folder=folder)
    free, answers = _ask(model, ()), _ask(model, (mark,))
    assert any(answer.finish == "stop" and _tokens(answer) < TOKENS for answer in answers)
    for whole, answer in zip(free, answers, strict=True):
        assert whole.text.startswith(answer.text.rstrip("\ufffd"))
        assert mark not in answer.text
        assert _tokens(answer) <= _tokens(whole)


@pytest.mark.parametrize("engine", ["auto", "plain"])
@pytest.mark.parametrize("stops", [(" ",), ("\n", " ", "\n"), ("a", "at", "a"), ("at", "a"), ("\ufffd",)])
def test_short_stop_strings(writer: Path, engine: Any, stops: tuple[str, ...]) -> None:
    """White space only, one that begins another, the sign for what is no character."""
    model = HFModel("tiny", ModelOptions(engine=engine), folder=writer)
    for whole, answer in zip(_ask(model, ()), _ask(model, stops), strict=True):
        assert not any(stop in answer.text for stop in stops)
        assert whole.text.startswith(answer.text)
        assert (answer.finish == "stop") == (answer.text != whole.text or _tokens(answer) < _tokens(whole))


def test_an_empty_stop_string_is_refused(tmp_path: Path) -> None:
    for at, stop in enumerate(([""], ["\n", ""])):
        write_task(tmp_path, f"say{at}", [{"question": "what", "choices": ["a"], "answer": 0}],
                   **{**GENERATE, "stop": stop})  # fmt: skip
        said = call(
            "run", "--tasks", f"say{at}", "--include", tmp_path, "--model", "builtin:says_no"
        ).sentence()
        assert f"say{at}.yaml: stop" in said
        assert "empty stop string" in said
