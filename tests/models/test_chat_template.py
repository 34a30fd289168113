"""Chat templates of all kinds: complete prompts, one date, and one sentence for what is broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_models import CHAT, CHAT_WITH_BOS, save_tokenizer

from lsm_eval.errors import UserError
from lsm_eval.models.characters import whole_characters
from lsm_eval.models.chat_template import ChatTemplate, ChatTemplateError, Refused
from lsm_eval.models.encoding import Encoder

ASK, SYSTEM = "what is the name of the cat?", "Be brief."
EACH = "{% for m in messages %}"
DONE = "{% endfor %}"
REFUSES = EACH + "{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}"


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return save_tokenizer(tmp_path_factory.mktemp("tokenizer"))


def _template(tokenizer: Any, text: Any, chosen: str | None = None) -> ChatTemplate:
    tokenizer.chat_template = text
    return ChatTemplate(tokenizer, chosen)


@pytest.mark.parametrize(
    ("text", "prompt", "folded", "parts"),
    [
        (CHAT, "<|system|>Be brief.\n<|user|>what is the name of the cat?\n<|assistant|>", False, False),
        (REFUSES + "<u>{{ m.content | trim }}" + DONE, "<u>Be brief.\n\n" + ASK, True, False),
        # Leaves it out without a word.
        ("{% for m in messages if m.role != 'system' %}<u>{{ m.content }}" + DONE, "<u>Be brief.\n\n" + ASK, True, False),
        ("<u>{{ messages[-1].content }}", "<u>Be brief.\n\n" + ASK, True, False),
        # Puts it into the user's message by itself.
        ("<u>{{ messages[0].content }}: {{ messages[1].content }}", "<u>Be brief.: " + ASK, False, False),
        # Wants lists of parts.
        (EACH + "<{{ m.role }}>{{ m.content[0].text }}" + DONE, "<system>Be brief.<user>" + ASK, False, True),
        (
            EACH + "<{{ m.role }}>{% for p in m.content if p.type == 'text' %}{{ p.text }}{% endfor %}" + DONE,
            "<system>Be brief.<user>" + ASK,
            False,
            True,
        ),
        (REFUSES + "<u>{{ m['content'][0]['text'] }}" + DONE, "<u>Be brief.\n\n" + ASK, True, True),
        (
            "<s>{{ messages[0].content }}<u>{{ messages[1].content[0].text }}",
            "<s>Be brief.<u>" + ASK,
            False,
            True,
        ),
        # Takes both.
        (
            EACH + "<u>{% if m.content is string %}{{ m.content }}{% else %}{{ m.content[0].text }}{% endif %}" + DONE,
            "<u>Be brief.<u>" + ASK,
            False,
            False,
        ),
    ],
)  # fmt: skip
def test_a_system_message_is_never_lost(
    tokenizer: Any, text: str, prompt: str, folded: bool, parts: bool
) -> None:
    template = _template(tokenizer, text)
    found = template.render(ASK, SYSTEM)
    assert (found.text, found.folded) == (prompt, folded)
    assert ("chat_system" in template.details) == folded
    assert ("chat_content" in template.details) == parts


def test_a_task_without_a_system_message_is_asked_as_if_alone(tokenizer: Any) -> None:
    text = REFUSES + "<u>{{ m.content }}" + DONE
    template = _template(tokenizer, text)
    before = template.render(ASK, None)
    template.render(ASK, SYSTEM)
    assert template.render(ASK, None) == before
    assert before.text == "<u>" + ASK
    assert not before.folded
    # A question that says what the system message says does not hide that it is lost.
    found = _template(tokenizer, "<u>{{ messages[-1].content }}").render(f"{SYSTEM} {ASK}", SYSTEM)
    assert found.text == f"<u>{SYSTEM}\n\n{SYSTEM} {ASK}"


def test_messages_that_are_refused_in_any_form(tokenizer: Any) -> None:
    one_line = (
        EACH + "{% if '\\n' in m.content or m.role == 'system' %}{{ raise_exception('one line') }}{% endif %}"
    )
    template = _template(tokenizer, one_line + "{{ m.content }}" + DONE)
    assert template.render(ASK, None).text == ASK
    for prompt, system in ((ASK, SYSTEM), ("two\nlines", None)):
        with pytest.raises(Refused, match=r"refuses the messages \(one line\): run with --chat off"):
            template.render(prompt, system)
    assert template.render(ASK, None).text == ASK


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{% for m in messages", "TemplateSyntaxError"),
        ("{{ messages | nothing }}", "No filter named 'nothing'"),
        ("{{ messages is nothing }}", "No test named 'nothing'"),
        ("{{ messages[0].content + 3 }}", "TypeError"),
        ("{{ nothing() }}", "'nothing' is undefined"),
        ("{{ nothing.more }}", "'nothing' is undefined"),
        ("{{ ''.__class__.mro() }}", "SecurityError"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{% break %}", "SyntaxError: 'break' outside loop"),
        ("{{ raise_exception('only tools') }}", r"\(only tools\)"),
        ("what?", "leaves out the question"),
        ("{{ messages[0].content[:10] }}", "leaves out the question"),
        (EACH + "{{ m.content[:80] }}" + DONE, "leaves out a question, or a part of it"),
        ({"rag": "R", "tool_use": "T"}, r"none called default \(rag, tool_use\)"),
    ],
)  # fmt: skip
def test_a_template_of_no_use_is_one_sentence(tokenizer: Any, text: Any, says: str) -> None:
    template = _template(tokenizer, text)
    assert template, "there is one"
    for _ in range(2):
        with pytest.raises(ChatTemplateError, match=says) as found:
            template.render("a rather long question " * 10, None)
        assert "--chat off" in str(found.value)
        assert "\n" not in str(found.value)


def test_white_space_and_quotes_may_change(tokenizer: Any) -> None:
    prompt = '  say "the cat" & <dog>\n\n  é 语, it\'s '
    for text in ("{{ messages[0].content | trim }}", "{{ messages[0].content.split() | join(' ') }}",
                 "{{ messages[0].content | tojson }}", "{{ messages[0].content | e }}"):  # fmt: skip
        assert _template(tokenizer, text).render(prompt, None).text


def test_a_chosen_template(tokenizer: Any, tmp_path: Path) -> None:
    both = {"default": "<d>{{ messages[0].content }}", "rag": "<r>{{ messages[0].content }}"}
    assert _template(tokenizer, both).render(ASK, None).text == "<d>" + ASK
    chosen = _template(tokenizer, both, "rag")
    assert chosen.render(ASK, None).text == "<r>" + ASK
    assert chosen.details["chat_template"].startswith("rag (sha256 ")
    file = tmp_path / "mine.jinja"
    file.write_text("<m>{{ messages[0].content }}")
    for own in (both, CHAT, None):
        chosen = _template(tokenizer, own, str(file))
        assert chosen.render(ASK, None).text == "<m>" + ASK
        assert chosen.details["chat_template"].startswith("mine.jinja (sha256 ")
        assert tokenizer.chat_template == file.read_text(), (
            "whoever else renders by this tokenizer takes it, too"
        )
    with pytest.raises(
        UserError, match=r"nothing.jinja: no template of the tokenizer's \(its templates are default"
    ):
        _template(tokenizer, both, "nothing.jinja")
    (tmp_path / "empty").write_text(" ")
    with pytest.raises(UserError, match="is empty"):
        _template(tokenizer, None, str(tmp_path / "empty"))
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(UserError, match="UTF-8"):
        _template(tokenizer, None, str(tmp_path / "bytes"))


def test_one_date_every_day(tokenizer: Any) -> None:
    text = (
        "{{ strftime_now('%d %b %Y %H:%M:%S.%f') }} {{ [1, 2, 3, 4, 5] | random }} {{ messages[0].content }}"
    )
    template = _template(tokenizer, text)
    assert template.details == {}
    first = template.render(ASK, None).text
    assert first.startswith("26 Jul 2024 00:00:00.000000 ")
    assert template.details == {"chat_clock": "2024-07-26 (the template reads the date)"}
    assert {_template(tokenizer, text).render(ASK, None).text for _ in range(5)} == {first}
    messages = [{"role": "user", "content": ASK}]
    other = tokenizer.apply_chat_template(messages, tokenize=False)
    assert not other.startswith("26 Jul 2024"), "whoever else renders by this tokenizer is left alone"
    unread = _template(
        tokenizer, "{% if false %}{{ strftime_now('%Y') }}{% endif %}{{ messages[0].content }}"
    )
    assert unread.render(ASK, None).text == ASK
    assert unread.details == {}, "named only where the template reads it"


def test_halves_of_characters(tokenizer: Any) -> None:
    """No tokenizer reads a lone surrogate."""
    tokenizer.chat_template = CHAT_WITH_BOS
    encoder = Encoder(tokenizer)
    half = "the \ud83d cat \ude00"
    told = "the \ufffd cat \ufffd"
    assert whole_characters(half) == told
    assert whole_characters("\ud83d\ude00 é") == "\U0001f600 é", "two halves that belong together"
    assert encoder.encode([half, half], chat=True) == encoder.encode([told, told], chat=True)
    assert encoder.encode_pairs(half, [half]) == encoder.encode_pairs(told, [told])
    assert encoder.encode_whole([half]) == encoder.encode_whole([told])
    assert encoder.chat(half, half) == encoder.chat(told, told)
