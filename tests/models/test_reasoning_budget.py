"""Budgets of thoughts in models of our own: kept, counted, or refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_models import CHAT, save_encoder_model, save_model

from lsm_eval.models.base import Budgeting, ModelOptions
from lsm_eval.models.create import create
from lsm_eval.models.hf import HFModel
from lsm_eval.requests import CLOSING_TOKENS, Generate, Generated, Score

OPENS = CHAT + "{% if add_generation_prompt %}<think>\n{% endif %}"
SWITCHES = (
    CHAT
    + "{% if add_generation_prompt and enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n"
    "{% endif %}"
)
DEGREES = "{{ 'Reasoning: ' + reasoning_effort|default('medium') }}\n" + CHAT


@pytest.fixture(autouse=True)
def _quiet_machine(own_cache: Path, one_thread: None) -> None:
    """Own cache, one thread."""


def _model(folder: Path, chat: str, context: int = 256) -> HFModel:
    return HFModel("m", ModelOptions(), folder=save_model(folder, chat=chat, context=context))


def _said(model: HFModel, asked: Generate) -> Generated:
    ((response,),) = [list(batch.values()) for batch in model.answer([asked])]
    assert isinstance(response, Generated)
    return response


def test_thoughts_are_closed_and_the_answer_has_a_budget_of_its_own(tmp_path: Path) -> None:
    model = _model(tmp_path / "m", OPENS)
    free = _said(model, Generate("the cat", chat=True, max_tokens=30))
    asked = Generate("the cat", chat=True, max_tokens=8, reasoning_tokens=6)
    made = _said(model, asked)
    thoughts, mark, answer = made.text.partition("\n</think>\n\n")
    assert free.text.startswith(thoughts)
    assert mark
    assert "</think>" not in free.text
    assert answer
    assert made.finish == "length"
    closing = len(model.encoder.encode(["\n</think>\n\n"], chat=True)[0])
    assert made.tokens == 6 + closing + 8


def test_what_it_costs_and_holds(tmp_path: Path) -> None:
    model = _model(tmp_path / "m", OPENS)
    asked = Generate("the cat", chat=True, max_tokens=8)
    (plain,) = model.cost([asked])
    (more,) = model.cost([Generate("the cat", chat=True, max_tokens=8, reasoning_tokens=6)])
    assert more.asked == plain.asked + 6 + CLOSING_TOKENS


@pytest.mark.parametrize(
    ("chat", "effort", "ends"),
    [
        (SWITCHES, "none", "<think>\n\n</think>\n\n"),
        (SWITCHES, "on", "<|assistant|>"),
        (DEGREES, "high", "<|assistant|>"),
    ],
)
def test_efforts_that_a_template_knows(tmp_path: Path, chat: str, effort: str, ends: str) -> None:
    model = _model(tmp_path / "m", chat)
    asked = Generate("the cat", chat=True, reasoning_effort=effort)
    assert model.no_budget(asked) is None
    assert model.render(asked).endswith(ends)
    assert model.render(asked).startswith("Reasoning: high") == (effort == "high")
    assert model.render(Generate("the cat", chat=True)).endswith("<|assistant|>"), (
        "as before, without an effort"
    )


@pytest.mark.parametrize(
    ("chat", "asked", "why"),
    [
        (CHAT, Generate("q", chat=True, reasoning_effort="low"), "no variable"),
        # A mark or a word in a template is no variable.
        (CHAT + "{# reasoning_effort #}", Generate("q", chat=True, reasoning_effort="low"), "no variable"),
        (CHAT + "{{ '' if messages[0].thinking }}", Generate("q", chat=True, reasoning_effort="on"), "no variable"),
        (SWITCHES, Generate("q", chat=True, reasoning_effort="low"), "only whether to think"),
        (DEGREES, Generate("q", chat=True, reasoning_effort="on"), "degree"),
        (DEGREES, Generate("q", reasoning_effort="low"), "--chat on"),
    ],
)  # fmt: skip
def test_efforts_that_it_does_not_are_refused(tmp_path: Path, chat: str, asked: Generate, why: str) -> None:
    assert why in (_model(tmp_path / "m", chat).no_budget(asked) or "")


def test_who_cannot_close_thoughts_says_so(tmp_path: Path) -> None:
    model = HFModel("m", ModelOptions(), folder=save_encoder_model(tmp_path / "m", "t5"))
    assert "--reasoning-tokens" in (model.no_budget(Generate("q", reasoning_tokens=3)) or "")
    assert not isinstance(create("builtin:uniform", ModelOptions()), Budgeting)


def test_tokens_of_texts(tmp_path: Path) -> None:
    model = _model(tmp_path / "m", OPENS)
    assert model.count_tokens(["", "the cat"]) == [0, len(model.encoder.encode(["the cat"], chat=True)[0])]
    assert model.render(Score("q", ("a",), chat=True)).endswith("<think>\n\n</think>\n\n")
