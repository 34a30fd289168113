"""Requests that were not what a measurement's name says are told."""

from __future__ import annotations

from lsm_eval.profiling.serving.mismatch import mismatches
from lsm_eval.profiling.serving.stamps import Chunk, TimedRequest


def request(
    read: int | None = 256, written: int | None = 64, held: int | None = None, **more: str
) -> TimedRequest:
    return TimedRequest(
        0, 0, chunks=[Chunk(5)], prompt_tokens=read, output_tokens=written, cached_tokens=held, asked_prompt_tokens=256,
        asked_output_tokens=64, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def test_what_is_as_asked_says_nothing() -> None:
    assert mismatches([], new=True) == []
    assert mismatches([request(), request(262), request(None, None)], new=True) == []
    assert mismatches([request(held=7)] * 5, new=True) == []
    assert mismatches([request(8000, 1, failure="cut")], new=True) == []


def test_a_prompt_that_the_server_cut_is_told() -> None:
    (said,) = mismatches([request(128)] * 3 + [request()], new=True)
    assert (
        said == "the server counts 128 tokens in a prompt where 256 were asked for (medians of 3 requests)."
    )


def test_answers_that_are_shorter_are_told() -> None:
    (said,) = mismatches([request(written=10)] * 2 + [request()] * 98, new=True)
    assert said == "2 of 100 answers are shorter than asked for: 10 tokens instead of 64 (medians of these)."
    assert mismatches([request(written=10)] + [request()] * 99, new=True) == []


def test_prompts_that_were_read_before_are_told() -> None:
    (said,) = mismatches([request(held=240)] * 4, new=True)
    assert "the server held 94 % of the tokens of prompts from before" in said
    assert mismatches([request(held=240)] * 4, new=False) == []
