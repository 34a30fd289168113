"""Texts from elsewhere mean nothing where they are shown: not to a terminal, not to a log's reader, not to Markdown."""

from __future__ import annotations

import json
import re

import pytest
from gate_results import HOSTILE
from hypothesis import given, settings
from hypothesis import strategies as st
from rendered import RENDERERS, Page, references, rendered

from lsm_eval.comparison.shown.escape import cell_markdown, markdown, plain_markdown, visible
from lsm_eval.json_text import json_text, printed

PLACES = {
    "code in a cell": (markdown, "| a | b |\n| --- | --- |\n| {} | end |\n"),
    "cell": (cell_markdown, "| a | b |\n| --- | --- |\n| {} | end |\n"),
    "item": (plain_markdown, "- first\n- {}\n- last\n"),
    "heading": (cell_markdown, "### of {} and x\n"),
    "paragraph": (plain_markdown, "{}\n"),
    "summary": (markdown, "<details><summary>{} x</summary>\n\nx\n\n</details>\n"),
}


def shape(page: Page) -> list[str]:
    return [tag for tag in page.tags if tag not in ("code", "span")]


def check(text: str, place: str, renderer: str) -> None:
    function, around = PLACES[place]
    page = rendered(around.format(function(text)), renderer)
    plain = rendered(around.format(function("x")), renderer)
    assert shape(page) == (shape(plain) if function(text) else shape(rendered(around.format(""), renderer)))
    assert page.attributes == plain.attributes
    assert not page.comments
    assert references(page) == []
    shown = "".join(text for _, text in page.texts)
    assert visible(text, 200 if function is markdown else 1_000).strip(" ") in shown


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("place", PLACES)
def test_markdown_shows_a_hostile_text_and_does_nothing(place: str, renderer: str) -> None:
    for text in HOSTILE:
        check(text, place, renderer)


SIGNS = "@ # :// http https:// www. . a 1 GH- : _ * ` [ ]( ) ! < > & #64; $ | \\ - ~ = a.b <!-- --> <b> </td> [x] 1. // mailto:"
PIECES = st.one_of(st.characters(), st.sampled_from([*SIGNS.split(), "\n", " "]))


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join), st.sampled_from(list(PLACES)))
def test_markdown_of_any_text_does_nothing(text: str, place: str) -> None:
    check(text, place, "markdown-it")


@given(st.text(st.characters(exclude_categories=())))
def test_what_is_visible_can_be_printed(text: str) -> None:
    shown = visible(text)
    shown.encode()
    assert all(sign.isprintable() or sign == "\u3000" for sign in shown)
    assert visible(shown) == shown or len(shown) > 200


@pytest.mark.parametrize(
    "text", ["##[error]x", "x ##[set-output name=a]b", "##vso[task.x]", "###[a]", "##teamcity[x]"]
)
def test_a_log_finds_no_command(text: str) -> None:
    assert not re.search(r"##\w*\[", visible(text))
    assert not re.search(r"##\w*\[", json_text({"a": text}))
    assert json.loads(json_text({text: text})) == {text: text}


def test_scripts_of_the_world_stay_readable() -> None:
    text = "中文。\u3000日本語 العربية हिन्दी 한국어 ไทย é 😀"
    assert visible(text) == text
    assert text in json_text([text]).replace("\\u3000", "\u3000")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8", "gbk", "no such one"])
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_json_is_json_on_any_stream(text: str, encoding: str) -> None:
    made = printed(json_text({"text": text}), encoding)
    received = made.encode("ascii" if encoding == "no such one" else encoding, "backslashreplace").decode(
        "ascii" if encoding == "no such one" else encoding
    )
    found = json.loads(received)["text"]
    assert found == re.sub("[\ud800-\udfff]", "\ufffd", text)
