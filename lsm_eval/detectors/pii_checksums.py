"""Checksums and number rules that distinguish personal identifiers from other digits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

IBAN_LENGTHS: Mapping[str, int] = {
    **dict.fromkeys(("NO",), 15),
    **dict.fromkeys(("BE", "BI"), 16),
    **dict.fromkeys(("DK", "FO", "FI", "GL", "NL", "SD", "FK"), 18),
    **dict.fromkeys(("MK", "SI"), 19),
    **dict.fromkeys(("AT", "BA", "EE", "KZ", "XK", "LT", "LU", "MN"), 20),
    **dict.fromkeys(("HR", "LV", "LI", "CH"), 21),
    **dict.fromkeys(("BH", "BG", "CR", "GE", "DE", "IE", "ME", "RS", "GB", "VA"), 22),
    **dict.fromkeys(("TL", "GI", "IQ", "IL", "OM", "SO", "AE"), 23),
    **dict.fromkeys(("AD", "CZ", "MD", "PK", "RO", "SA", "SK", "ES", "SE", "TN", "VG"), 24),
    **dict.fromkeys(("LY", "PT", "ST"), 25),
    **dict.fromkeys(("IS", "TR"), 26),
    **dict.fromkeys(("DJ", "FR", "GR", "IT", "MR", "MC", "SM"), 27),
    **dict.fromkeys(("AL", "AZ", "BY", "CY", "DO", "SV", "GT", "HN", "HU", "LB", "NI", "PL"), 28),
    **dict.fromkeys(("BR", "EG", "PS", "QA", "UA"), 29),
    **dict.fromkeys(("JO", "KW", "MU", "YE"), 30),
    **dict.fromkeys(("MT", "SC"), 31),
    **dict.fromkeys(("LC",), 32),
    **dict.fromkeys(("RU",), 33),
}
"""Number of characters of an IBAN by country, from the SWIFT registry of ISO 13616."""

# First two digits of an administrative division code (GB/T 2260): the provinces, municipalities and regions.
_PROVINCES = frozenset(
    str(code)
    for codes in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 83))
    for code in range(codes[0], codes[1] + 1)
)
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"


def luhn_valid(number: str) -> bool:
    """Whether a card number's last digit is right (Luhn's algorithm, ISO/IEC 7812-1 annex B)."""
    digits = [int(c) for c in number if c.isdigit()]
    doubled = [sum(divmod(2 * d, 10)) for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def iban_valid(iban: str) -> bool:
    """Whether an IBAN's check digits are right (ISO 13616: the number, its first four characters moved to the
    end and letters read as 10 to 35, leaves 1 when divided by 97)."""
    text = iban.replace(" ", "")
    return int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1


def chinese_id_valid(number: str) -> bool:
    """Whether 18 characters are a resident identity number (GB 11643-1999): a province, a date of birth that
    existed, and the check character of ISO 7064 MOD 11-2."""
    text = number.upper()
    if not re.fullmatch(r"[0-9]{17}[0-9X]", text) or text[:2] not in _PROVINCES:
        return False
    try:
        born = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    weighed = sum(int(digit) * weight for digit, weight in zip(text[:17], _ID_WEIGHTS, strict=True))
    return born.year >= 1850 and text[17] == _ID_CHECKS[weighed % 11]


def ssn_valid(number: str) -> bool:
    """Whether nine digits may be a United States social security number: no area 000, 666 or 900 to 999, no
    group 00, no serial 0000 (Social Security Administration, "SSN Randomization")."""
    digits = re.sub(r"\D", "", number)
    return (
        len(digits) == 9
        and digits[:3] not in ("000", "666")
        and digits[0] != "9"
        and digits[3:5] != "00"
        and digits[5:] != "0000"
    )


def card_prefix_valid(digits: str) -> bool:
    """Whether a card number has a prefix and length of a payment network (ISO/IEC 7812)."""
    return any(len(digits) in lengths and re.match(prefix, digits) for prefix, lengths in _NETWORKS)


# Prefixes and lengths as the networks publish them.
_NETWORKS = (
    (r"4", (13, 16, 19)),  # Visa
    (r"5[1-5]|2[2-7]", (16,)),  # Mastercard
    (r"3[47]", (15,)),  # American Express
    (r"3(?:0[0-59]|[689])", range(14, 20)),  # Diners Club
    (r"35", range(16, 20)),  # JCB
    (r"1800|2131", (15,)),  # JCB, old
    (r"6011|64|65|62|81", range(16, 20)),  # Discover, UnionPay
    (r"50|5[6-8]|6", range(12, 20)),  # Maestro
)
