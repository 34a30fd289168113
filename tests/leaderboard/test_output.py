"""What templates write is what Jinja would have written, and escaped."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest
from jinja2 import Environment, StrictUndefined, UndefinedError, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from lsm_eval.leaderboard.frame.output import Output, finalized, written


class Word(StrEnum):
    """A text that is no plain one."""

    HOSTILE = "<b>\u202e"


class Tag:
    """Markup of its own."""

    def __html__(self) -> str:
        return "<i>&</i>"


THINGS = [
    "plain", "", "a & b < c > d 'e' \"f\"", "x\u202ey", "−1.5", "中文", "<" * 6000, "a" * 6000, "line\nline", Markup("<b>&</b>"), Word.HOSTILE,
    Tag(), None, True, 0, -17, 10**30, 1.5, 1e-9, float("nan"), float("-inf"), ["<", 1], {"&": "'"},
]  # fmt: skip
TEMPLATE = (
    "{% macro wrapped(content, kind='') %}<p class={{ kind }}>{{ content }}{{ caller() if caller is defined else '' }}</p>{% endmacro %}"
    "{% for thing in things %}{{ thing }}{{ loop.index }}{{ wrapped(thing, kind='<') }}{% endfor %}"
    "{{ plain('<') }}{{ seen() }}{{ '<' | upper }}{{ 'a' if things else 'b' }}{{ '&' }}"
    "{% call wrapped('x') %}{{ '>' ~ things[2] }}{% endcall %}{% set kept %}{{ things[2] }}{% endset %}{{ kept }}"
    "{{ things[2].count('<') }}{{ things | length }}"
)


@pytest.mark.parametrize("thing", THINGS)
def test_a_thing_is_written_as_before(thing: Any) -> None:
    assert written(thing) == str(escape(finalized(thing)))


def test_a_template_is_written_as_jinja_would() -> None:
    @pass_context
    def seen(context: Context) -> str:
        return f"<{context['name']}>"

    values = {"things": THINGS, "plain": lambda text: f"{text}!", "seen": seen, "name": "n"}
    texts = [
        kind(autoescape=True, finalize=finalized, undefined=StrictUndefined)
        .from_string(TEMPLATE)
        .render(values)
        for kind in (Environment, Output)
    ]
    assert texts[1] == texts[0]
    assert "<n>" not in texts[1]


def test_what_is_not_there_is_an_error() -> None:
    for text in ("{{ nothing }}", "{{ nothing() }}", "{{ 'x'.nothing }}"):
        with pytest.raises(UndefinedError):
            Output(autoescape=True, finalize=finalized, undefined=StrictUndefined).from_string(text).render()
