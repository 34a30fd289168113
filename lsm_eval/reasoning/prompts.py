"""What a prompt, as a model reads it, says of the thoughts of its answer."""

from __future__ import annotations

from lsm_eval.reasoning import harmony
from lsm_eval.reasoning.families import closing, markers


def opens(prompt: str) -> bool:
    """Whether it ends inside thoughts: with an opening marker and white space, as R1's chat template does."""
    return _left_open(prompt) is not None or harmony.opens(prompt)


def closing_of(prompt: str) -> str | None:
    """What closes the thoughts that a prompt ends inside of; None where it does not."""
    return _left_open(prompt) or (harmony.CLOSING if harmony.opens(prompt) else None)


def closed(prompt: str) -> str:
    """The prompt where an answer begins without thoughts: those that it opens are closed (as an empty block), and a
    reply that must name its channel first has named it. As it is where it opens none."""
    left = _left_open(prompt)
    if left is not None:
        body = prompt.rstrip()
        return f"{body}\n\n{left}\n\n"
    if harmony.opens(prompt):
        return f"{prompt}<|end|>{harmony.REPLY}{harmony.FINAL}"
    return prompt + harmony.FINAL if prompt.endswith(harmony.REPLY) else prompt


def says_no_thoughts(prompt: str) -> bool:
    """Whether it ends where thoughts have just been closed, or with the channel of the answer."""
    if prompt.endswith(harmony.FINAL):
        return True
    tail = prompt[-400:]
    found = markers(tail)
    return bool(found) and found[-1].kind != "open" and not tail[found[-1].end :].strip()


def mentions_thoughts(template: str) -> bool:
    """Whether a chat template has to do with thoughts at all."""
    return SWITCH in template or "<|channel|>" in template or bool(markers(template))


SWITCH = "enable_thinking"
"""The variable by which chat templates leave thoughts out (Qwen3, GLM 4.5, SmolLM3 and others)."""


def _left_open(prompt: str) -> str | None:
    """What closes the block that a prompt ends in; None where it ends in none."""
    tail = prompt[-400:]
    found = markers(tail)
    if not found or found[-1].kind != "open" or tail[found[-1].end :].strip():
        return None
    return closing(found[-1].name, found[-1].tag)
