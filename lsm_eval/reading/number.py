r"""Reads the number that a generated answer gives, as a value: 1,234.00 is 1234, and 5. is 5.

It looks, in this order, for the last LaTeX box with a number, the last `#### …`, the number of the last statement of an
answer ("the answer is $5"), the last number of the text. Currency and percent signs, units and a full stop after it are
ignored; a minus before it, fractions (`1/2`, `\frac{1}{2}`, `2 1/2`) and powers of ten (`1.5e3`) are read.
"""

from __future__ import annotations

import re
from fractions import Fraction

from lsm_eval.reading.markup import boxed, plain

_MOST_DIGITS = 200
"""Longer runs of digits are not read as numbers."""
_FRACTION = re.compile(r"\\[dt]?frac\s*\{\s*(-?\d+)\s*\}\s*\{\s*(\d+)\s*\}")
_PLAIN = r"(?:\d{1,3}(?:[,\u2009\u202f'](?=\d{3}))(?:\d{3}[,\u2009\u202f'])*\d{3}(?!\d)|\d+)(?:\.\d+)?|\.\d+"
_NUMBER = re.compile(
    rf"(?<![\w.])(?P<sign>(?:(?<![\w)])[-+])?)\s?(?:[$€£¥₹]|US\$)?\s?(?P<minus>-?)(?:(?P<whole>\d+)\s+)?"
    rf"(?:(?P<above>\d+)\s*/\s*(?P<below>[1-9]\d*)(?![\d/])|(?P<plain>{_PLAIN})(?P<power>[eE][-+]?\d+|\s*(?:×|x|\*)\s*10\^\{{?-?\d+\}}?)?)"
)
_STATED = re.compile(
    r"(?i)(?:\b(?:answer|result|total|solution)\b(?:\s+\w+){0,4}?\s*(?:is|are|=|:|equals?)|####|答案(?:是|为|:)?|réponse\s*(?:est|:)|"
    r"antwort\s*(?:ist|lautet|:)|respuesta\s*(?:es|:))[^\d\n.]{0,30}?(?=[-+$€£¥₹]?\s?\.?\d)"
)


def read_number(text: str) -> Fraction | None:
    """The number that an answer gives; None if there is none."""
    inside = boxed(text)
    if inside is not None and (found := _numbers(_prepared(inside))):
        return found[-1]
    text = _prepared(text)
    stated = list(_STATED.finditer(text))
    if stated and (found := _numbers(text[stated[-1].end() :].split("\n")[0])):
        return found[0]
    found = _numbers(text)
    return found[-1] if found else None


def _prepared(text: str) -> str:
    text = _FRACTION.sub(r" \1/\2 ", text.replace("\\$", "$").replace("{,}", ",").replace("\\,", ""))
    # Emphasis is removed, but currency and product signs stay.
    text = (
        plain(text.replace("$", "\u20ac").replace("*", " * ")).replace("\u2212", "-").replace("\u2044", "/")
    )
    # 1.000.000 and 1 000 000: points or spaces that group digits in threes, more than once (or before 000), are one number.
    text = re.sub(
        r"(?<![\d.,])\d{1,3}(?:\.\d{3}){2,}(?![\d.]\d|\d)", lambda one: one[0].replace(".", ""), text
    )
    text = re.sub(
        r"(?<![\d.,/])(?<![\d,] )[1-9]\d{0,2}(?:(?: \d{3}){2,}| 000)(?![\d/]|[.,] ?\d| \d)",
        lambda one: one[0].replace(" ", ""),
        text,
    )
    return re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)


def _numbers(text: str) -> list[Fraction]:
    return [_value(found) for found in _NUMBER.finditer(text) if len(found.group()) <= _MOST_DIGITS]


def _value(found: re.Match[str]) -> Fraction:
    if found["above"]:
        value = Fraction(int(found["above"]), int(found["below"])) + int(found["whole"] or 0)
    else:
        value = Fraction(re.sub(r"[^\d.]", "", found["plain"]))
        if found["power"]:
            exponent = int(re.findall(r"-?\d+", found["power"])[-1])
            value *= Fraction(10) ** max(-300, min(300, exponent))
    return -value if "-" in (found["sign"], found["minus"]) else value
