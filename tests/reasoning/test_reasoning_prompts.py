"""What a prompt says of the thoughts of its answer."""

from __future__ import annotations

import pytest

from lsm_eval.reasoning.prompts import closed, mentions_thoughts, opens, says_no_thoughts


@pytest.mark.parametrize(
    ("prompt", "after"),
    [
        ("<|user|>hi<|assistant|><think>\n", "<|user|>hi<|assistant|><think>\n\n</think>\n\n"),
        ("hi<think>", "hi<think>\n\n</think>\n\n"),
        ("hi[THINK]", "hi[THINK]\n\n[/THINK]\n\n"),
        ("hi<seed:think>\n", "hi<seed:think>\n\n</seed:think>\n\n"),
        (
            "hi<|start|>assistant<|channel|>analysis<|message|>",
            "hi<|start|>assistant<|channel|>analysis<|message|><|end|><|start|>assistant<|channel|>final<|message|>",
        ),
    ],
)
def test_thoughts_that_a_prompt_opens_are_closed(prompt: str, after: str) -> None:
    assert opens(prompt)
    assert not says_no_thoughts(prompt)
    assert closed(prompt) == after
    assert not opens(after)
    assert says_no_thoughts(after)


@pytest.mark.parametrize(
    "prompt",
    ["", "hi<|assistant|>", "hi<think>\n\n</think>\n\n", "what does <think> do?", "<think>a</think>b"],
)
def test_a_prompt_that_opens_none_stays(prompt: str) -> None:
    assert not opens(prompt)
    assert closed(prompt) == prompt


def test_a_reply_that_names_its_channel_first_has_named_it() -> None:
    assert not opens("hi<|start|>assistant")
    assert closed("hi<|start|>assistant") == "hi<|start|>assistant<|channel|>final<|message|>"


def test_templates_that_have_to_do_with_thoughts() -> None:
    assert mentions_thoughts("{% if enable_thinking is defined %}")
    assert mentions_thoughts("<|Assistant|><think>\\n")
    assert not mentions_thoughts("<|{{ message.role }}|>{{ message.content }}")
