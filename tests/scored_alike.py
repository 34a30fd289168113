"""Requests that are scored, and whether two models answer them alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from lsm_eval.requests import Generated, Likelihood, Perplexity, Request, Response, Score, Scored

SCORES: list[Request] = [
    Score("the cat sat on", (" the mat", " the dog and the log", " naïve 東京 🙂", "x", " the")),
    Score("the cat ", ("sat", "dog", "</s>")),  # the space is the continuation's
    Score("", ("the cat", "yes")),
    Score("what is the name of the oth", ("er one", "er")),  # a merge over the boundary
]
TEXTS: list[Request] = [
    Perplexity("the cat sat on the mat and the dog sat on the log. 東京"),
    Perplexity(""),
]
CHATS: list[Request] = [Score("what is the name?", ("yes", "no"), chat=True)]


def answers(model: Any, requests: Sequence[Request]) -> list[Response]:
    """All answers, in order."""
    found = {at: one for batch in model.answer(requests) for at, one in batch.items()}
    assert sorted(found) == list(range(len(requests)))
    return [found[at] for at in range(len(requests))]


def check_alike(here: Sequence[Response], there: Sequence[Response], tolerance: float) -> None:
    """Nats a token. Counts, cuts and what is the likeliest must be the same."""
    for ours, theirs in zip(here, there, strict=True):
        assert type(ours) is type(theirs), (ours, theirs)
        if isinstance(ours, Scored) and isinstance(theirs, Scored):
            for value, other, tokens in zip(ours.logprobs, theirs.logprobs, ours.tokens, strict=True):
                assert other == pytest.approx(value, abs=tolerance * tokens)
            assert (ours.tokens, ours.greedy, ours.truncated) == (
                theirs.tokens,
                theirs.greedy,
                theirs.truncated,
            )
        elif isinstance(ours, Likelihood) and isinstance(theirs, Likelihood):
            assert theirs.tokens == ours.tokens
            assert theirs.logprob == pytest.approx(ours.logprob, abs=tolerance * max(ours.tokens, 1))
        else:
            assert isinstance(ours, Generated)
            assert isinstance(theirs, Generated)
            assert theirs.text == ours.text
            assert theirs.logprob == pytest.approx(ours.logprob, abs=tolerance * 10)
