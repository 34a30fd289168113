"""How much to think, in the variables of chat templates."""

from __future__ import annotations

import pytest

from lsm_eval.errors import UserError
from lsm_eval.reasoning.effort import EFFORTS, variables
from lsm_eval.reasoning.harmony import CLOSING
from lsm_eval.reasoning.prompts import closing_of
from lsm_eval.reasoning.split import closing_text, split

DEGREE, SWITCH = {"reasoning_effort", "messages"}, {"enable_thinking"}


@pytest.mark.parametrize(
    ("effort", "known", "harmony", "given"),
    [
        ("none", SWITCH, False, {"enable_thinking": False}),
        ("on", SWITCH, False, {"enable_thinking": True}),
        ("none", {"thinking"}, False, {"thinking": False}),
        ("high", DEGREE, True, {"reasoning_effort": "high"}),
        ("none", DEGREE, False, {"reasoning_effort": "none"}),
        ("xhigh", DEGREE, False, {"reasoning_effort": "xhigh"}),
        ("low", DEGREE | SWITCH, False, {"reasoning_effort": "low", "enable_thinking": True}),
        ("none", DEGREE | SWITCH, False, {"enable_thinking": False}),
        ("high", SWITCH, False, None),
        ("minimal", DEGREE, True, None),
        ("none", DEGREE, True, None),
        ("on", DEGREE, False, None),
        ("on", DEGREE, True, None),
        *((effort, {"messages"}, False, None) for effort in EFFORTS),
    ],
)
def test_what_a_template_is_given(
    effort: str, known: set[str], harmony: bool, given: dict[str, object] | None
) -> None:
    if given is None:
        with pytest.raises(UserError, match=r"reasoning-effort|effort"):
            variables(effort, known, harmony=harmony)
    else:
        assert variables(effort, known, harmony=harmony) == given


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("", "<think>so"),
        ("", "[THINK]so"),
        ("", "<|begin_of_thought|>so"),
        ("", "<seed:think>so\n"),
        ("", "<think>a</think><think>b"),
        ("", "<|channel|>analysis<|message|>so"),
        ("", "<think>it writes `</think>` at the end"),
        ("<think>\n", "so"),
        ("<think>\n", ""),
        ("[THINK]", "so"),
        ("<|start|>assistant<|channel|>analysis<|message|>", "so"),
    ],
)
def test_what_closes_thoughts_closes_them(prompt: str, text: str) -> None:
    opened = closing_of(prompt)
    assert (opened is None) == (not prompt)
    whole = text + closing_text(text, opened)
    assert split(text, opened=opened is not None).cut
    found = split(f"{whole}4", opened=opened is not None)
    assert (found.answer, found.cut) == ("4", False)


def test_a_reply_in_channels_is_closed_by_the_channel_of_the_answer() -> None:
    assert closing_text("<|channel|>analysis<|message|>so") == CLOSING
