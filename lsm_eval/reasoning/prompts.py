"""Whether a rendered prompt or a chat template opens, closes or mentions thoughts."""

from __future__ import annotations

from lsm_eval.reasoning import harmony
from lsm_eval.reasoning.families import closing, markers


def opens(prompt: str) -> bool:
    """Whether the prompt ends inside thoughts: with an opening marker and white space, as R1's chat template does."""
    return _left_open(prompt) is not None or harmony.opens(prompt)


def closing_of(prompt: str) -> str | None:
    """The text that closes the thoughts that a prompt ends inside of; None if it does not end inside thoughts."""
    return _left_open(prompt) or (harmony.CLOSING if harmony.opens(prompt) else None)


def closed(prompt: str) -> str:
    """The prompt up to where an answer begins without thoughts: thoughts that it opens are closed (as an empty block), and if
    the reply must begin with its channel, that is added. Otherwise unchanged."""
    left = _left_open(prompt)
    if left is not None:
        body = prompt.rstrip()
        return f"{body}\n\n{left}\n\n"
    if harmony.opens(prompt):
        return f"{prompt}<|end|>{harmony.REPLY}{harmony.FINAL}"
    return prompt + harmony.FINAL if prompt.endswith(harmony.REPLY) else prompt


def says_no_thoughts(prompt: str) -> bool:
    """Whether the prompt ends with the closing marker of thoughts, or with the channel of the answer."""
    if prompt.endswith(harmony.FINAL):
        return True
    tail = prompt[-400:]
    found = markers(tail)
    return bool(found) and found[-1].kind != "open" and not tail[found[-1].end :].strip()


def mentions_thoughts(template: str) -> bool:
    """Whether a chat template deals with thoughts at all."""
    return SWITCH in template or "<|channel|>" in template or bool(markers(template))


SWITCH = "enable_thinking"
"""The variable by which chat templates leave thoughts out (Qwen3, GLM 4.5, SmolLM3 and others)."""


def _left_open(prompt: str) -> str | None:
    """The text that closes the block that a prompt ends in; None if it does not end in one."""
    tail = prompt[-400:]
    found = markers(tail)
    if not found or found[-1].kind != "open" or tail[found[-1].end :].strip():
        return None
    return closing(found[-1].name, found[-1].tag)
