"""Rewords a request that scores choices into one that lists them and asks for a label."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from lsm_eval.errors import UserError
from lsm_eval.requests import Generate, Score
from lsm_eval.tasks.sample import Listed

VERSION = 2
"""Raised whenever prompts change; part of signatures."""
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CHAT_TOKENS = 256
"""The most tokens of an answer in a chat: a letter needs one or two, the rest is for words around it and thoughts before it."""
PLAIN_TOKENS = 16


def listed(request: Score, delimiter: str, *, chat: bool, draw: str) -> tuple[Generate, Listed]:
    """The request that asks for the label of a choice, and the meaning of each label.

    If the prompt itself lists the choices, they are labels already, and it is not changed. Otherwise they are listed in
    a random order seeded by `draw`, so that a task whose right choice always comes first gives nothing away.
    `delimiter`: the task's text before its choices if the request is not a chat. Raises `UserError` if there is
    nothing to list.
    """
    choices = [one.removeprefix("" if request.chat else delimiter) for one in request.continuations]
    if len(choices) < 2:
        raise UserError("a prompt has one choice only (choices stand inside the prompt, or there are none)")
    if not request.context.strip():
        raise UserError("its choices are whole texts, with nothing before them that asks for one")
    own = _lists(request.context, choices)
    places = list(range(len(choices)))
    if own:
        labels, texts = tuple(choices), _beside(request.context, choices)
        answers = f"{', '.join(choices[:-1])} or {choices[-1]}"
        prompt = f"{request.context}\n\nReply with {answers}, and nothing else." if chat else request.context
    else:
        labels, texts, places = _drawn(choices, draw)
        what = _what(labels)
        prompt = _with_list(request.context, labels, texts)
        prompt += (
            f"\nReply with the {what} of the one that fits best, and nothing else." if chat else _asks(what)
        )
    written = Generate(
        prompt,
        stop=() if chat else ("\n\n",),
        max_tokens=CHAT_TOKENS if chat else PLAIN_TOKENS,
        chat=chat,
        lm_eval=request.lm_eval,
    )
    return written, Listed(labels, texts, tuple(places), own)


def example(question: str, choices: Sequence[str], right: int, number: int, *, draw: str) -> str | None:
    """An example whose answer is a label as in `listed` (`tasks.examples.Wording`), its choices in a random order seeded by `draw` and its
    number. None if it shows labels already, or its choices could be taken for labels."""
    labels, texts, places = _drawn(choices, f"{draw}/{number}")
    if len(choices) < 2 or not question.strip() or _lists(question, choices) or set(labels) & set(choices):
        return None
    return f"{_with_list(question, labels, texts)}{_asks(_what(labels))} {labels[places.index(right)]}"


def _drawn(choices: Sequence[str], draw: str) -> tuple[tuple[str, ...], tuple[str, ...], list[int]]:
    """Labels, the choices beside them, and the index of each in `choices`."""
    places = list(range(len(choices)))
    random.Random(draw).shuffle(places)
    return _labels(len(choices)), tuple(choices[place] for place in places), places


def _with_list(text: str, labels: Sequence[str], choices: Sequence[str]) -> str:
    lines = "\n".join(f"{label}. {choice}" for label, choice in zip(labels, choices, strict=True))
    return f"{text}\n\nThe text above goes on with one of these:\n{lines}\n"


def _what(labels: Sequence[str]) -> str:
    return "letter" if labels[0] == "A" else "number"


def _asks(what: str) -> str:
    return f"The {what} of the one that fits best:"


def _labels(count: int) -> tuple[str, ...]:
    """Letters, or numbers of equal length, so that no label begins with another."""
    if count <= len(_LETTERS):
        return tuple(_LETTERS[:count])
    width = len(str(count))
    return tuple(f"{number:0{width}}" for number in range(1, count + 1))


def _lists(context: str, choices: Sequence[str]) -> bool:
    """Whether the prompt shows each of the choices as the label of something ("A.", "(B)", "C:")."""
    if not all(choice.isalnum() and (len(choice) == 1 or choice.isdecimal()) for choice in choices):
        return False
    return all(re.search(rf"(?<!\w)\(?{re.escape(choice)}[.):：、．]", context) for choice in choices)


def _beside(context: str, labels: Sequence[str]) -> tuple[str, ...]:
    """The text beside each label in the prompt's last list; the labels themselves if it has no such list."""
    found = [
        re.findall(rf"^[ \t]*\(?{re.escape(label)}[.):：、．][ \t]*(\S.*)$", context, re.MULTILINE)
        for label in labels
    ]
    return tuple(own[-1].strip() for own in found) if all(found) else tuple(labels)
