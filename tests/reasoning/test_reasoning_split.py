"""Thoughts and answer of a text told apart, and texts that only talk about the marks of thoughts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsm_eval.reasoning.families import TAGS, marking
from lsm_eval.reasoning.split import answer_start, split

CALL = "<|start|>assistant<|channel|>commentary to=f <|constrain|>json<|message|>{}<|call|>"

ANSWERS = [
    # text, answer, thoughts
    ("<think>Seven? No, nine.</think>\n\nNine.", "Nine.", "Seven? No, nine."),
    ("\n <think>\nSeven?\n</think>Nine.", "Nine.", "Seven?"),
    ("<think>\n\n</think>\n\nNine.", "Nine.", ""),
    ("<think></think>Nine.", "Nine.", ""),
    ("<think/>Nine.", "Nine.", ""),
    ("<think>a</think>", "", "a"),
    # several blocks
    ("<think>a</think> <think>b</think>Nine.", "Nine.", "a\n\nb"),
    ("<think>a</think>Nine<think>b</think>teen.", "Nine teen.", "a\n\nb"),
    ("<reason>a</reason>One. <reasoning>b</reasoning>Two.", "One. Two.", "a\n\nb"),
    # nested and repeated
    ("<think>a<think>b</think>c</think>Nine.", "Nine.", "a<think>b\n\nc"),
    ("<think><think>a</think>Nine.", "Nine.", "<think>a"),
    ("<think>a</think></think>Nine.", "Nine.", "a"),
    ("<think>a</think>Nine.</think>", "Nine.", "a"),
    ("<think>Should I write <think> tags? No.</think>Nine.", "Nine.", "Should I write <think> tags? No."),
    # written in other ways
    ("<THINK>a</Think>Nine.", "Nine.", "a"),
    ('< think kind="long" >a</ think >Nine.', "Nine.", "a"),
    ("<think>a</thinking>Nine.", "Nine.", "a"),
    # text before
    ("Let me see.\n<think>a</think>\nNine.", "Let me see.\n\nNine.", "a"),
    ("<response><thinking>a</thinking>Nine.</response>", "Nine.", "a"),
    ("Let me see: <think>a</think>nine.", "Let me see: nine.", "a"),
    (
        "Well, <think>it was seven, and two came in</think>nine.",
        "Well, nine.",
        "it was seven, and two came in",
    ),
    # opened by somebody else
    ("It was seven.\n</think>\n\nNine.", "Nine.", "It was seven."),
    ("It was seven</think>Nine.", "Nine.", "It was seven"),
    ("It was seven </think> Nine.", "Nine.", "It was seven"),
    ("It was seven.</think>", "", "It was seven."),
    ("A</think>B</think>C", "C", "A\n\nB"),
    # thoughts about marks
    (
        "<think>They ask about `</think>` tags.</think>It closes.",
        "It closes.",
        "They ask about `</think>` tags.",
    ),
    ('<think>They wrote "</think>".</think>Yes.', "Yes.", 'They wrote "</think>".'),
    ('<think>It is called "noon".</think>"Noon" it is.', '"Noon" it is.', 'It is called "noon".'),
    ("<think>So `x`</think>`y`", "`y`", "So `x`"),
    # other families
    ("[THINK]a[/THINK]Nine.", "Nine.", "a"),
    ("◁think▷a◁/think▷Nine.", "Nine.", "a"),
    ("<unused94>thought\na<unused95>Nine.", "Nine.", "a"),
    ("<|think|>a<|/think|>Nine.", "Nine.", "a"),
    ("<|thinking|>a</|thinking|>Nine.", "Nine.", "a"),
    ("<|begin_of_thinking|>a<|end_of_thinking|>Nine.", "Nine.", "a"),
    ("<|start_reasoning|>a<|end_reasoning|>Nine.", "Nine.", "a"),
    ("<|thought_start|>a<|thought_end|>Nine.", "Nine.", "a"),
    ("<｜begin▁of▁thinking｜>a<｜end▁of▁thinking｜>Nine.", "Nine.", "a"),
    ("a<|thinking_end|>Nine.", "Nine.", "a"),
    ("<longcat_think>a</longcat_think>Nine.", "Nine.", "a"),
    ("<ours:thinking>a</ours:thinking>Nine.", "Nine.", "a"),
    ("<seed:think>a</seed:think>Nine.", "Nine.", "a"),
    ("<|channel>thought\na<channel|>Nine.", "Nine.", "a"),
    ("<|inner_prefix|>a<|inner_suffix|>Nine.", "Nine.", "a"),
    ("<|START_THINKING|>a<|END_THINKING|><|START_RESPONSE|>Nine.<|END_RESPONSE|>", "Nine.", "a"),
    (
        "<|begin_of_thought|>\na\n<|end_of_thought|>\n\n<|begin_of_solution|>\nNine.\n<|end_of_solution|>",
        "Nine.",
        "a",
    ),
    ("<think>a</think>\n<answer>\nNine.\n</answer>", "Nine.", "a"),
    ("<think>a</think>\n<answer>Nine, and", "Nine, and", "a"),
    # harmony
    (
        "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>Nine.<|return|>",
        "Nine.",
        "a",
    ),
    (
        f"<|channel|>analysis<|message|>a<|end|>{CALL}<|start|>assistant<|channel|>final<|message|>Nine.",
        "Nine.",
        "a\n\n{}",
    ),
    ("<|channel|>final<|message|>Nine.", "Nine.", ""),
    ("analysisIt was seven.assistantfinalNine.", "Nine.", "It was seven."),
]


@pytest.mark.parametrize(("text", "answer", "thoughts"), ANSWERS)
def test_an_answer_is_what_stands_outside_of_thoughts(text: str, answer: str, thoughts: str) -> None:
    found = split(text)
    assert (found.answer, found.thoughts, found.cut) == (answer, thoughts, False)
    assert split(found.answer).answer == found.answer, "nothing more is taken off an answer"


CUT = [
    "<think>Seven? No, ni",
    "<think>",
    "Let me see.\n<think>\nIt was",
    "<think>a</think>Nine<think>b",
    "<think>a<think>b</think>",
    '<think>They wrote "</think>". I should',
    "[THINK]a",
    "<|begin_of_thought|>a",
    "<|channel|>analysis<|message|>It was",
    "<|channel|>analysis<|message|>a<|end|><|start|>assistant",
    "<|channel|>anal",
]


@pytest.mark.parametrize("text", CUT)
def test_thoughts_that_never_end_leave_no_answer(text: str) -> None:
    assert split(text).cut
    assert split(text).answer == ""


LITERAL = [
    "Use the `<think>` tag, and close it by `</think>`.",
    'The tag "<think>" opens a block.',
    "The tag “<think>” opens a block, and “</think>” closes it.",
    'Write "<think>all that you think of it</think>" first.',
    "In '<think>' it stands, and it's closed by '</think>'.",
    '它用"<think>"开始。',
    "Tags of this kind:\n<think> marks thoughts,\n<b> is bold",
    "1. <think>x</think> marks thoughts,\n2. <b>x</b> is bold",
    "<delay>\n<reason>late train</reason>\n<minutes>9</minutes>\n</delay>",
    "Put it between <think> and </think> and then answer.",
    "Such models end their thoughts with </think>, then they answer.",
    "In XML you may write <think>x</think>.",
    "Wrap your thoughts in <think> tags.",
    "```xml\n<think>\nall of it\n</think>\n```\nThat is how it looks.",
    "Here:\n\n```\n</think>\n```\n",
    "<b>Think</b> of a number; thinking is <i>free</i>, [think] twice.",
    "I think: 3 < 4 > 2.",
    "An analysis of the final channel.",
    "",
]


@pytest.mark.parametrize("text", LITERAL)
def test_marks_that_are_only_talked_about_stay(text: str) -> None:
    found = split(text)
    assert (found.answer, found.thoughts, found.cut) == (text, "", False)


def test_every_mark_is_believed_where_that_is_asked_for() -> None:
    assert split("Put it in <think>x</think> then.", believing=True).answer == "Put it in  then."
    assert split("a `</think>` b", believing=True).answer == "` b"


@pytest.mark.parametrize(
    ("text", "answer", "thoughts", "cut"),
    [
        ("It was seven.\n</think>\n\nNine.", "Nine.", "It was seven.", False),
        ("It was seven.", "", "It was seven.", True),
        ("", "", "", True),
        ("\n</think>\n\nNine.", "Nine.", "", False),
        ("They wrote `</think>`. So</think>yes", "yes", "They wrote `</think>`. So", False),
        ("a[/THINK]Nine.", "Nine.", "a", False),
        ("<think>a</think>Nine.", "Nine.", "<think>a", False),
        ("a<|end|><|start|>assistant<|channel|>final<|message|>Nine.", "Nine.", "a", False),
    ],
)
def test_a_prompt_that_opened_thoughts(text: str, answer: str, thoughts: str, cut: bool) -> None:
    found = split(text, opened=True)
    assert (found.answer, found.thoughts, found.cut) == (answer, thoughts, cut)


WORDS = st.lists(
    st.sampled_from(
        ["<think>", "</think>", "<Reason>", "</reason>", "[THINK]", "[/THINK]", "<think/>", "`", "```\n", '"', "\n",
         " ", "so", "Nine.", "<|channel|>", "analysis", "final", "<|message|>", "<|end|>", "<answer>", "assistant"]
    ),
    max_size=14,
).map("".join)  # fmt: skip


@given(text=WORDS, opened=st.booleans(), believing=st.booleans())
@settings(max_examples=150, deadline=None)
def test_whatever_is_written_is_taken_apart(text: str, opened: bool, believing: bool) -> None:
    found = split(text, opened=opened, believing=believing)
    assert not (found.cut and found.answer.strip())
    assert len(found.answer) + len(found.thoughts) <= len(text) + 2 * len(text.split("<")) + 2 * text.count(
        "["
    )


@given(text=st.text(alphabet='abc <>/`\n"[]|.', max_size=40))
@settings(max_examples=100, deadline=None)
def test_a_text_without_marks_is_its_own_answer(text: str) -> None:
    assert split(text).answer == text


@given(start=WORDS, more=WORDS, opened=st.booleans())
@settings(max_examples=150, deadline=None)
def test_where_an_answer_has_begun_it_stays(start: str, more: str, opened: bool) -> None:
    begun = answer_start(start, opened=opened)
    if begun is not None and begun[0] and start[begun[1] :] and not start.endswith(("<", "[", "|", "`", '"')):
        assert answer_start(start + " x " + more, opened=opened) == begun


@pytest.mark.parametrize("tag", TAGS)
def test_every_tag_is_known_and_kept_in_decoding(tag: str) -> None:
    assert split(f"<{tag}>a</{tag}>b").answer == "b"
    assert marking([f"<{tag}>", f"</{tag}>"]) == {f"<{tag}>", f"</{tag}>"}


def test_what_tokens_mark_thoughts() -> None:
    marks = {"<|think|>", "<|/think|>", "<|thinking_start|>", "<|end_of_reasoning|>", "<own_think>"}
    marks |= {"[THINK]", "[/THINK]", "◁/think▷", "<unused94>", "<unused95>", "<|begin_of_solution|>"}
    others = {
        "<|thinker|>",
        "<|start_header|>",
        "</s>",
        "<|im_end|>",
        "<unused93>",
        "[INST]",
        "<pad>",
        "<|endoftext|>",
        "think",
        "<|start|>",
        "<|end|>",
    }
    assert marking(marks | others) == marks
    harmony = {"<|channel|>", "<|message|>", "<|start|>", "<|end|>"}
    assert marking({*harmony, "<|return|>", "</s>"}) == harmony
