"""Telephone numbers; the least certain kind, since they have no checksum.

A pattern proposes candidates, and a numbering plan (`pii_plans`) and the words beside them (`pii_context`) decide. Patterns that
other numbers share count only after a word for a telephone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lsm_eval.detectors import pii_plans
from lsm_eval.detectors.pii_context import WINDOW, around, before, measured

Span = tuple[int, int]

_SEP = r"(?:[ .-]| ?/ ?| - )"
_EXTENSION = r"(?:\s?,?\s?(?:x|ext\.?|extension|转|轉|内線)\s?\d{1,5})?"


def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?<![A-Za-z0-9+/-])(?<!\d[.,:])(?<!\d )(?P<number>{expression}){_EXTENSION}(?![A-Za-z0-9]|[.,:/-]\d)",
        re.IGNORECASE,
    )


_INTERNATIONAL = _compiled(
    r"(?:\(\+ ?\d{1,3}\)|(?:\+|00) ?\d{1,3})(?:[ .-]?\(0?\d{0,4}\))?(?:[ .-]?\d){4,14}"
)
_NORTH_AMERICAN = _compiled(r"(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ ./-])\d{3}[ .-]\d{4}")
_BRACKETS = _compiled(
    rf"\(0[1-9]\d{{0,3}}\){_SEP}?\d{{2,8}}(?:{_SEP}\d{{1,8}}){{0,3}}|0[1-9]\d{{0,3}}\(\d{{1,4}}\)\d{{3,4}}"
)
_TRUNK = _compiled(rf"0[1-9]\d{{0,4}}{_SEP}\d{{2,8}}(?:{_SEP}\d{{2,8}}){{0,4}}")
_CHINESE_EXTENSION = _compiled(r"0\d{2,3}-\d{7,8}-\d{1,5}")
_RUSSIAN = _compiled(r"8 ?\(\d{3}\) ?\d{3}[ -]\d{2}[ -]\d{2}")
_MOBILE = _compiled(r"1[3-9]\d(?P<gap>[ -]?)\d{4}(?P=gap)\d{4}")
_TOLD = re.compile(
    rf"(?<![A-Za-z0-9+/-])(?<!\d[.,:])(?P<number>\(?\d{{1,13}}(?:\)?{_SEP}\(?\d{{1,12}}|[()]\d{{1,12}}){{0,6}}){_EXTENSION}(?![A-Za-z0-9]|[.,:/-]\d)",
    re.IGNORECASE,
)
"""Any groups of digits; only after a word for a telephone."""
_CLOSE = 24
"""Largest distance in characters between that word and the digits."""
_HAN_OR_KANA = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d([-./ ])\d{1,2}\1\d{1,2}|\d{1,2}([-./ ])\d{1,2}\2(?:19|20)\d\d|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])|(?:1[5-9]|20)\d\d ?[-/] ?(?:1[5-9]|20)\d\d)(?!\d)"
)
_SOCIAL_SECURITY = re.compile(r"\d{3}[- ]\d{2}[- ]\d{4}")


def phones(text: str) -> Iterator[Span]:
    """Telephone numbers; they may overlap, and the detector keeps the longest."""
    for find in (_international, _north_american, _in_brackets, _with_trunk, _mobile, _after_cue):
        yield from find(text)


def _international(text: str) -> Iterator[Span]:
    for found in _INTERNATIONAL.finditer(text):
        number = re.sub(r"\(0\)", "", found["number"])
        digits = re.sub(r"\D", "", number.replace("(0", "("))
        digits = digits if "+" in number else digits[2:]
        says = around(text, *found.span())
        sure = "+" in number or says == "phone" or re.search(r"\D", found["number"])
        other = says == "other" and (found["number"].startswith("00") or measured(text, *found.span()))
        if sure and not other and pii_plans.international(digits) and not _dated(found["number"]):
            yield found.span()


def _north_american(text: str) -> Iterator[Span]:
    for found in _NORTH_AMERICAN.finditer(text):
        digits = re.sub(r"\D", "", found["number"])
        says = around(text, *found.span())
        chinese = says == "phone" and _HAN_OR_KANA.search(text)
        if says == "other" or not (pii_plans.north_american(digits) or chinese):
            continue
        plain = " " in found["number"] and not re.search(r"[(.-]", found["number"])
        round_numbers = any(group.endswith("00") for group in re.findall(r"\d+", found["number"]))
        if says == "phone" or not plain or not (round_numbers or _in_a_row(text, found)):
            yield found.span()


def _in_brackets(text: str) -> Iterator[Span]:
    for found in _BRACKETS.finditer(text):
        digits = re.sub(r"\D", "", found["number"])
        if 8 <= len(digits) <= 12 and around(text, *found.span()) != "other":
            yield found.span()


def _with_trunk(text: str) -> Iterator[Span]:
    for pattern in (_CHINESE_EXTENSION, _RUSSIAN):
        yield from (
            found.span() for found in pattern.finditer(text) if around(text, *found.span()) != "other"
        )
    for found in _TRUNK.finditer(text):
        number = found["number"]
        groups = re.findall(r"\d+", number)
        says = around(text, *found.span())
        separator = "-" if "-" in number else "/" if "/" in number and len(groups) > 2 else " "
        alone = not _in_a_row(text, found) and pii_plans.trunk(groups, separator)
        if says != "other" and not _dated(number) and alone:
            yield found.span()


def _mobile(text: str) -> Iterator[Span]:
    for found in _MOBILE.finditer(text):
        says = around(text, *found.span())
        spaced = bool(found["gap"])
        likely = says == "phone" or spaced or _HAN_OR_KANA.search(text) or found[0] == text.strip()
        if says != "other" and likely and pii_plans.chinese_mobile(re.sub(r"\D", "", found["number"])):
            yield found.span()


def _after_cue(text: str) -> Iterator[Span]:
    for found in _TOLD.finditer(text):
        number = found["number"]
        if number.count("(") != number.count(")"):
            continue
        groups = re.findall(r"\d+", number)
        length = sum(map(len, groups))
        start = found.start()
        says, distance = before(text[max(0, start - WINDOW) : start])
        follows = around(text, *found.span())
        if follows != "phone" or (says == "phone" and distance > _CLOSE) or not 7 <= length <= 13:
            continue
        if [len(group) for group in groups] == [3, 3, 4] and groups[0][0] != "0" and not pii_plans.north_american("".join(groups)) and not _HAN_OR_KANA.search(text):  # fmt: skip
            continue
        local = length > 7 or (len(groups) == 2 and number[0] in "23456789") or _HAN_OR_KANA.search(text)
        listed = pii_plans.in_steps(groups) or pii_plans.ascending(groups) or set(groups[1:]) == {"000"}
        odd = (
            _dated(number)
            or listed
            or number.count(".") == 3
            or (len(groups) > 1 and pii_plans.hours(groups))
        )
        if local and not odd and not _SOCIAL_SECURITY.fullmatch(number):
            yield found.span()


def _dated(number: str) -> bool:
    """Whether it contains a date or a span of years (2024-05-06 10, 06.05.2024, 1914-1918), or has the form of a social security
    number, valid or not."""
    return bool(_DATE.search(number) or _SOCIAL_SECURITY.fullmatch(number))


def _in_a_row(text: str, found: re.Match[str]) -> bool:
    """Whether it is part of a row of numbers, such as a list of sizes."""
    return bool(re.match(r"[,;]? (?:and |or |und )?\d", text[found.end() : found.end() + 8]))
