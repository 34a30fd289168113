"""Numbering plans, which distinguish telephone numbers from other digits.

ITU-T E.164 (country codes, at most 15 digits), the North American Numbering Plan (area code and exchange start with 2
to 9 and are not N11 codes; 200, 300 and 400 are unassigned) and the lengths of some national numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise


def _codes(spans: Iterable[tuple[int, int]]) -> frozenset[str]:
    return frozenset(str(code) for first, last in spans for code in range(first, last + 1))


_COUNTRY_CODES = _codes(
    (
        *(
            (1, 1),
            (7, 7),
            (20, 20),
            (27, 27),
            (30, 34),
            (36, 36),
            (39, 41),
            (43, 49),
            (51, 58),
            (60, 66),
            (81, 82),
        ),
        *((84, 84), (86, 86), (90, 95), (98, 98), (211, 213), (216, 216), (218, 218), (220, 258), (260, 269)),
        *(
            (290, 291),
            (297, 299),
            (350, 359),
            (370, 378),
            (380, 383),
            (385, 387),
            (389, 389),
            (420, 421),
            (423, 423),
        ),
        *(
            (500, 509),
            (590, 599),
            (670, 670),
            (672, 692),
            (800, 800),
            (808, 808),
            (850, 850),
            (852, 853),
            (855, 856),
        ),
        *(
            (870, 870),
            (878, 878),
            (880, 883),
            (886, 886),
            (888, 888),
            (960, 968),
            (970, 977),
            (979, 979),
            (992, 996),
        ),
        (998, 998),
    )
)
_LENGTHS: Mapping[str, tuple[int, int]] = {
    "1": (10, 10),
    "7": (10, 10),
    "31": (9, 9),
    "33": (9, 9),
    "34": (9, 9),
    "39": (6, 11),
    "41": (9, 9),
    "44": (9, 10),
    "49": (6, 13),
    "52": (10, 10),
    "55": (10, 11),
    "61": (9, 9),
    "81": (9, 10),
    "82": (8, 10),
    "86": (9, 11),
    "91": (10, 10),
}
"""Number of digits of a national number without the trunk prefix; 6 to 12 for countries that are not listed."""
_KEEPS_ZERO = frozenset(("39", "225", "241", "242", "378"))
"""Countries whose national numbers may start with 0 after the country code."""


def international(digits: str) -> bool:
    """Whether the digits after + or 00 (without a trunk 0 in brackets) are a country code with a number of that country."""
    for length in (1, 2, 3):
        code, rest = digits[:length], digits[length:]
        if code in _COUNTRY_CODES:
            low, high = _LENGTHS.get(code, (6, 12))
            if code == "1":
                return len(rest) == 10 and area_code(rest[:3])
            return low <= len(rest) <= high and (rest[:1] != "0" or code in _KEEPS_ZERO)
    return False


def area_code(code: str) -> bool:
    """Whether three digits may be a North American area code."""
    return code[0] in "23456789" and code[1:] != "11" and code not in ("200", "300", "400")


def north_american(digits: str) -> bool:
    """Whether ten digits, or eleven with a 1 before, are a number of the North American plan."""
    number = digits[1:] if len(digits) == 11 and digits[0] == "1" else digits
    return len(number) == 10 and area_code(number[:3]) and number[3] in "23456789" and number[4:6] != "11"


def chinese_mobile(digits: str) -> bool:
    """Whether eleven digits start like a Chinese mobile number."""
    return bool(re.fullmatch(r"1(?:3\d|4[5-9]|5[0-35-9]|6[2567]|7[0-8]|8\d|9[0-35-9])\d{8}", digits))


def trunk(groups: list[str], separator: str) -> bool:
    """Whether groups that start with a trunk 0 are spaced like a national number, for text that gives no other hint. Not: a ZIP+4, times of
    day, lottery numbers, or rows of sizes or row numbers."""
    digits = "".join(groups)
    shape = [len(group) for group in groups]
    if not 9 <= len(digits) <= 12 or shape in ([5, 4], [3, 3, 3]) or in_steps(groups):
        return False
    if all(length == 2 for length in shape):
        return len(shape) == 5 and separator in " ." and groups != sorted(groups)
    if shape[-1] == 2 and (separator not in " ." or shape[-2] > 3):
        return False
    return not hours(groups) and sum(group.endswith("00") for group in groups[1:]) < 2


def in_steps(groups: list[str]) -> bool:
    """Whether three or more groups of equal length increase by a constant step: rows, sizes, pages."""
    steps = {int(b) - int(a) for a, b in pairwise(groups)}
    return len(groups) > 2 and len(set(map(len, groups))) == 1 and len(steps) == 1


def ascending(groups: list[str]) -> bool:
    """Whether four or more groups of three or four digits increase: sizes or other measurements."""
    numbers = list(map(int, groups))
    return len(groups) > 3 and set(map(len, groups)) <= {3, 4} and numbers == sorted(numbers)


def hours(groups: list[str]) -> bool:
    """Whether all groups are times of day with four digits."""
    return all(re.fullmatch(r"(?:[01]\d|2[0-4])[0-5]\d", group) for group in groups)
