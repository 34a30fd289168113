"""Reads yes or no from a generated answer; "no" in "no doubt", and "Yesterday", do not count."""

from __future__ import annotations

import re

from lsm_eval.reading.markup import plain
from lsm_eval.reading.statements import REVISED

_YES = r"yes|yeah|yep|yup|oui|ja|s[íì]|sim"
_NO = r"no|nope|nah|non|nein|não"
_NEGATED = r"(?:definitely |certainly |absolutely |probably |of course |surely )?not(?: really| at all| so)?(?=\s*(?:$|[.,;:!?\n]))|not (?:really|at all)"
_ENDS = r"(?=\s*(?:$|[.,;:!?()\[\]\"'\n—–-]))"
_AFTER = r"(?=\s+(?:it|he|she|they|there|this|that|the|we|i|you|because|since|as)\b)"
_CHINESE = re.compile(
    r"^\W*(?P<no>不是|否|不对|不正确|没有|不能|不会|不|错)|^\W*(?P<yes>是的?|对|正确|有|会|能|可以)(?!否|不|错)"
)
_LEADING = re.compile(
    rf"(?i)^\W*(?:(?P<yes>(?:{_YES})(?:{_ENDS}|{_AFTER}))|(?P<no>(?:{_NO})(?:{_ENDS}|{_AFTER})|{_NEGATED}))"
)
_STATED = re.compile(
    rf"(?i)(?:\b(?:answer|conclusion|verdict)\b(?:\s+\w+){{0,4}}?\s*(?:is|:|=|would be|must be)|\bI(?:'d| would| will|'ll|'m going to| have to)? (?:say|answer|go with|conclude|vote|lean towards?|lean)(?: with)?:?)\s*[\"'(]*(?:(?P<yes>(?:{_YES})\b)|(?P<no>(?:{_NO})\b(?! \w+ (?:is|are|was|has|have|can)\b)))"
)
_ALONE = re.compile(
    rf"(?i)(?:(?<=[.,;:!?\n])\s*|\b(?:so|therefore|thus|hence),?\s+)(?:(?P<yes>{_YES})|(?P<no>{_NO})){_ENDS}"
)
_BOTH = re.compile(
    rf"(?i)\b(?:{_YES})\s*(?:and|or|/)\s*(?:{_NO})\b|\b(?:{_NO})\s*(?:and|or|/)\s*(?:{_YES})\b"
)


def read_yes_no(text: str) -> bool | None:
    """True for yes, False for no, None if neither or both can be read."""
    text = plain(text).strip()
    revised = list(REVISED.finditer(text))
    if revised and (said := read_yes_no(text[revised[-1].end() :])) is not None:
        return said
    stated = list(_STATED.finditer(text))
    if stated:
        return (
            None
            if _BOTH.match(text, stated[-1].start("yes" if stated[-1]["yes"] else "no"))
            else _said(stated[-1])
        )
    if _BOTH.search(text):
        return None
    leading = _LEADING.search(text) or _CHINESE.search(text)
    if leading:
        return _said(leading)
    found = {_said(one) for one in _ALONE.finditer(text)}
    return found.pop() if len(found) == 1 else None


def _said(found: re.Match[str]) -> bool:
    return found["yes"] is not None
