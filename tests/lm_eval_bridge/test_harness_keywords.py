"""The harness's generation keywords: honoured, or refused in one sentence."""

from __future__ import annotations

from typing import Any

import pytest

from lsm_eval.errors import UserError
from lsm_eval.lm_eval_bridge.generation import make_request, read_keywords
from lsm_eval.requests import Generate


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({}, ((), 256, 0.0, 1.0)),
        ({"until": "\n", "max_gen_toks": 5}, (("\n",), 5, 0.0, 1.0)),
        ({"until": ["a", "", "a"], "max_new_tokens": "7"}, (("a",), 7, 0.0, 1.0)),
        ({"do_sample": False, "temperature": 0.7, "top_k": 5}, ((), 256, 0.0, 1.0)),
        ({"do_sample": True, "temperature": 0.7, "top_p": 0.9}, ((), 256, 0.7, 0.9)),
        ({"temperature": 0.5}, ((), 256, 0.5, 1.0)),
        ({"num_beams": 1, "repetition_penalty": 1.0}, ((), 256, 0.0, 1.0)),
    ],
)
def test_what_keywords_mean(given: dict[str, Any], read: tuple[Any, ...]) -> None:
    keywords = read_keywords(given)
    assert (keywords.stop, keywords.max_tokens, keywords.temperature, keywords.top_p) == read


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"num_beams": 4}, "num_beams=4"),
        ({"repetition_penalty": 1.2}, "repetition_penalty=1.2"),
        ({"do_sample": True}, "temperature above 0"),
        ({"do_sample": True, "temperature": 1.0, "top_k": 10}, "top_k=10"),
        ({"temperature": 1.0, "top_p": 1.5}, "top_p=1.5"),
        ({"temperature": -1.0}, "temperature=-1"),
        ({"max_gen_toks": 0}, "max_gen_toks=0"),
        ({"untill": "x"}, "did you mean 'until'"),
        ({"stopping": "x"}, "'stopping'"),
    ],
)
def test_what_the_engine_does_not_do(given: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        read_keywords(given)


def test_what_the_checkpoint_asks_for() -> None:
    """The hf backend follows generation_config.json: what changes even greedy text must be said."""
    with pytest.raises(UserError, match=r"repetition_penalty=1\b"):
        read_keywords({}, {"repetition_penalty": 1.1})
    assert read_keywords({"repetition_penalty": 1.0}, {"repetition_penalty": 1.1}).temperature == 0.0
    assert read_keywords({"temperature": 1.0}, {"top_p": 0.8}).top_p == 0.8


def test_a_length_of_prompt_and_text_together() -> None:
    def count(request: Generate) -> int:
        return len(request.prompt)

    keywords = read_keywords({"max_length": 10})
    assert make_request("12345678", keywords, end="</s>", seed=3, prompt_tokens=count) == Generate(
        "12345678", ("</s>",), 2, stop_in_thoughts=True, lm_eval=True
    )
    empty = read_keywords({"until": ["", "a"]})
    assert make_request("1", empty, end=None, seed=0, prompt_tokens=None) == Generate(
        "1", ("a",), 1, stop_in_thoughts=True, lm_eval=True
    ), "an empty stop string stands in the first token"
    with pytest.raises(UserError, match="max_length=10"):
        make_request("1234567890", keywords, end=None, seed=0, prompt_tokens=count)
    with pytest.raises(UserError, match="max_gen_toks"):
        make_request("1", keywords, end=None, seed=0, prompt_tokens=None)
