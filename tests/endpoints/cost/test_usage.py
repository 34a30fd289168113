"""Counts of tokens in answers of all shapes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lsm_eval.endpoints.cost.usage import Usage, read_usage

CHAT: dict[str, Any] = {
    "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120,
    "prompt_tokens_details": {"cached_tokens": 64}, "completion_tokens_details": {"reasoning_tokens": 12},
}  # fmt: skip


@pytest.mark.parametrize(
    ("usage", "found"),
    [
        (CHAT, Usage(100, 20, 64, 0, 12)),
        ({"prompt_tokens": 3, "completion_tokens": 2}, Usage(3, 2)),
        ({"input_tokens": 9, "output_tokens": 4, "input_tokens_details": {"cached_tokens": 8},
          "output_tokens_details": {"reasoning_tokens": 3}}, Usage(9, 4, 8, 0, 3)),
        ({"prompt_tokens": 9, "completion_tokens": 4, "prompt_cache_hit_tokens": 5}, Usage(9, 4, 5)),
        ({"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 3}},
         Usage(9, 4, 2, 3)),
        # Thoughts that are charged and not among the new tokens.
        ({"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 40}, Usage(9, 31)),
        ({"prompt_tokens": 9, "completion_tokens": 4, "completion_tokens_details": {"reasoning_tokens": 30}},
         Usage(9, 30, 0, 0, 30)),
        # Counts that cannot be.
        ({"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 90}}, Usage(9, 4, 9)),
        ({"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": -3, "prompt_tokens_details": None}, Usage(9, 4)),
        ({"prompt_tokens": "9", "completion_tokens": 4}, None),
        ({"prompt_tokens": True, "completion_tokens": 4}, None),
        ({"prompt_tokens": 9, "completion_tokens": -4}, None),
        ({"completion_tokens": 4}, None),
        ({}, None),
        (None, None),
        ([1], None),
    ],
)  # fmt: skip
def test_shapes(usage: Any, found: Usage | None) -> None:
    assert read_usage(json.dumps({"choices": [], "usage": usage}).encode()) == found
    assert (
        read_usage(json.dumps({"usage": usage, "choices": [{"text": "x" * 9000}]}, indent=1).encode())
        == found
    )
    assert read_usage(json.dumps({"response": {"usage": usage}}, separators=(",", ":")).encode()) == found


def test_the_last_of_a_stream_counts() -> None:
    parts: list[dict[str, Any]] = [
        {"usage": None},
        {"usage": {"prompt_tokens": 7, "completion_tokens": 1}},
        {"usage": CHAT},
        {"usage": None},
    ]
    stream = b"".join(b"data: " + json.dumps({"choices": [], **part}).encode() + b"\n\n" for part in parts)
    assert read_usage(stream + b"data: [DONE]\n\n") == Usage(100, 20, 64, 0, 12)


@pytest.mark.parametrize(
    "text", ['"usage": {"prompt_tokens": 1, "completion_tokens": 1}', '\\"usage\\": {}', '"usage"']
)
def test_what_a_model_says_is_no_count(text: str) -> None:
    whole = {"usage": CHAT, "choices": [{"message": {"content": text}}]}
    assert read_usage(json.dumps(whole).encode()) == Usage(100, 20, 64, 0, 12)
    assert read_usage(json.dumps({"choices": [text]}).encode()) is None


@pytest.mark.parametrize(
    "content", [b"", b'"usage"', b'"usage":', b'{"usage": {"prompt_tokens": 1', b'"usage": ' + b"[" * 9000]
)
def test_what_breaks_off_has_none(content: bytes) -> None:
    assert read_usage(content) is None


SGLANG = {
    "meta_info": {
        "prompt_tokens": 7,
        "completion_tokens": 1,
        "cached_tokens": 4,
        "input_token_logprobs": [[-1, 5, None]],
    }
}
LLAMACPP = {
    "tokens_evaluated": 9,
    "timings": {"cache_n": 8, "prompt_n": 1, "predicted_n": 1},
    "completion_probabilities": [],
}


@pytest.mark.parametrize(
    ("whole", "found"),
    [
        ([SGLANG, SGLANG], Usage(14, 2, 8)),
        (SGLANG, Usage(7, 1, 4)),
        (LLAMACPP, Usage(9, 1, 8)),
        ({"tokens_evaluated": 9, "tokens_predicted": 3}, Usage(9, 3)),
        ({"tokens_evaluated": 9}, None),
        ({"text": '"meta_info" "prompt_tokens": 3 "completion_tokens": 3'}, None),
    ],
)
def test_servers_own_ways_to_score_count_too(whole: Any, found: Usage | None) -> None:
    assert read_usage(json.dumps(whole).encode()) == found
