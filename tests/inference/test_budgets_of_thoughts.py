"""Thoughts and answers keep to budgets of their own, in both ways of making texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from lsm_eval.inference.generating.capacity import Capacity
from lsm_eval.inference.generating.continuous import ContinuousLoop
from lsm_eval.inference.generating.plain import generate
from lsm_eval.inference.generating.prompts import Budget, Continuation, Prompt
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.runtime import Runtime
from lsm_eval.reasoning.answered import answered
from lsm_eval.requests import Generated

BEGINS, ENDS, LENGTH = 21, 22, 20
MARKS = {BEGINS: "<think>", ENDS: "</think>"}


def _letter(token: int) -> str:
    return chr(ord("α") + token)


def _decode(tokens: Sequence[int]) -> str:
    """Every token is a Greek letter, but for the two that are marks."""
    return "".join(MARKS.get(token, _letter(token)) for token in tokens)


@cache
def _decoder() -> Any:
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=128, vocab_size=23, bos_token_id=None, eos_token_id=None, pad_token_id=0,
    )  # fmt: skip
    return transformers.LlamaForCausalLM(config).eval()


def _runtime() -> Runtime:
    return Runtime(
        name="tiny", device="cpu", dtype="float32", engine="auto", pad=0, ends=(), decode=_decode, batch_tokens=200,
        encode=lambda text: [ENDS for _ in range(text.count("</think>"))],
    )  # fmt: skip


def _continuous(prompts: Sequence[Prompt]) -> list[Continuation]:
    loop = ContinuousLoop(
        _decoder(), _runtime(), Ledger(), Capacity(slots=2, tokens=10**6, chunk=16, group=2)
    )
    found = {i: c for batch in loop.run(dict(enumerate(prompts))) for i, c in batch.items()}
    return [found[at] for at in range(len(prompts))]


def _plain(prompts: Sequence[Prompt]) -> list[Continuation]:
    return generate(_decoder(), prompts, runtime=_runtime(), ledger=Ledger())


ENGINES = {"continuous": _continuous, "plain": _plain}


def _drawn(seed: int, *, opened: bool, reasoning: int, answer: int) -> Prompt:
    budget = Budget(reasoning, answer, "</think>" if opened else None)
    return Prompt(
        (3, 4, 5, 6 + seed % 12), (), reasoning + answer + 4, temperature=1.5, seed=seed, opened=opened, budget=budget
    )  # fmt: skip


@cache
def _natural(seed: int) -> list[int]:
    """What is written without a budget."""
    prompt = replace(_drawn(seed, opened=False, reasoning=0, answer=1), max_tokens=LENGTH, budget=None)
    text = _plain([prompt])[0].text.replace("<think>", _letter(BEGINS)).replace("</think>", _letter(ENDS))
    return [ord(letter) - ord("α") for letter in text]


def _seeds(count: int) -> list[int]:
    """Seeds whose texts hold no mark by themselves."""
    found = [seed for seed in range(60) if {BEGINS, ENDS}.isdisjoint(_natural(seed))]
    assert len(found) >= count
    return found[:count]


@pytest.mark.parametrize("engine", ENGINES)
def test_thoughts_that_a_prompt_opens_are_closed(engine: str) -> None:
    seeds = _seeds(3)
    for reasoning, answer in ((5, 7), (0, 3), (1, 1)):
        prompts = [_drawn(seed, opened=True, reasoning=reasoning, answer=answer) for seed in seeds]
        for seed, made in zip(seeds, ENGINES[engine](prompts), strict=True):
            head, mark, tail = made.text.partition("</think>")
            assert head == _decode(_natural(seed)[:reasoning])
            assert mark
            assert len(tail) == answer
            assert (made.tokens, made.stopped) == (reasoning + 1 + answer, False)


def test_both_ways_write_the_same() -> None:
    prompts = [
        _drawn(seed, opened=opened, reasoning=6, answer=8) for seed in range(4) for opened in (True, False)
    ]
    greedy = [replace(prompt, temperature=0.0) for prompt in prompts]
    for asked in (prompts, greedy):
        assert _continuous(asked) == _plain(asked)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_text_that_thinks_nothing_has_the_budget_of_the_answer(engine: str) -> None:
    (seed,) = _seeds(1)
    (made,) = ENGINES[engine]([_drawn(seed, opened=False, reasoning=9, answer=5)])
    assert made.text == _decode(_natural(seed)[:5])
    assert (made.tokens, made.stopped) == (5, False)


@pytest.mark.parametrize("engine", ENGINES)
def test_thoughts_that_end_by_themselves_leave_the_answer_its_own(engine: str) -> None:
    found = ((seed, _natural(seed)) for seed in range(200))
    seed, tokens = next(
        (seed, tokens)
        for seed, tokens in found
        if ENDS in tokens[2:9] and tokens.count(ENDS) == 1 and BEGINS not in tokens
    )
    at = tokens.index(ENDS)
    (made,) = ENGINES[engine]([_drawn(seed, opened=True, reasoning=12, answer=6)])
    assert made.text == _decode(tokens[: at + 1 + 6])
    assert made.tokens == at + 1 + 6


@pytest.mark.parametrize("engine", ENGINES)
def test_thoughts_that_a_text_opens_itself_are_closed(engine: str) -> None:
    # The prompt's last token is chosen so that the text begins with the mark: its budget counts the mark, too.
    seed = next(seed for seed in range(400) if _natural(seed)[0] == BEGINS and ENDS not in _natural(seed)[:9])
    (made,) = ENGINES[engine]([_drawn(seed, opened=False, reasoning=4, answer=3)])
    head, mark, tail = made.text.partition("</think>")
    assert head == _decode(_natural(seed)[:4])
    assert mark
    assert len(tail) == 3
    found = answered(Generated(made.text, made.tokens, "length"), "auto", opened=False)
    assert isinstance(found, Generated)
    assert found.text == tail
    (made,) = ENGINES[engine]([_drawn(seed, opened=False, reasoning=0, answer=3)])
    assert made.text.startswith("<think></think>"), "the mark itself cannot be kept from being written"


@pytest.mark.parametrize("engine", ENGINES)
def test_stop_strings_end_the_answer_still(engine: str) -> None:
    (seed,) = _seeds(1)
    asked = _drawn(seed, opened=True, reasoning=5, answer=9)
    (whole,) = ENGINES[engine]([asked])
    tail = whole.text.partition("</think>")[2]
    (made,) = ENGINES[engine]([replace(asked, stop=(tail[4],))])
    at = tail.index(tail[4])
    assert made.text == whole.text[: len(whole.text) - 9 + at]
    assert (made.tokens, made.stopped) == (5 + 1 + at + 1, True)
