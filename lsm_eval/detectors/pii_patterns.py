"""Where personal identifiers may stand in a text: one function a kind, each yields half-open spans.

A pattern proposes, a checksum or a number rule decides (`pii_checksums`). What stands beside a number matters as
much as the number: digits that go on, or a letter that makes them part of a code, are no identifier. Only ASCII
letters count as such neighbours, for Chinese puts no space before a number.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping

from lsm_eval.detectors.pii_checksums import (
    IBAN_LENGTHS,
    card_prefix_valid,
    chinese_id_valid,
    iban_valid,
    luhn_valid,
    ssn_valid,
)

Span = tuple[int, int]
Finder = Callable[[str], Iterator[Span]]

# The local part may not start inside a word; quoted local parts and addresses in other scripts are not found.
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9_.+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}(?![A-Za-z0-9_])"
)
_SSN = re.compile(r"(?<![A-Za-z0-9-])\d{3}([- ])\d{2}\1\d{4}(?![A-Za-z0-9]|-\d)")
_CARD = re.compile(r"(?<![A-Za-z0-9-])\d(?:[ -]?\d){11,18}(?![A-Za-z0-9]|-\d)")
_IBAN_START = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?=[ -]?[A-Za-z0-9])")
_CHINESE_ID = re.compile(r"(?<![A-Za-z0-9])\d{17}[0-9Xx](?![A-Za-z0-9])")
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IPV4 = re.compile(rf"(?<![A-Za-z0-9.-])(?:{_OCTET}\.){{3}}{_OCTET}(?!\.?\d|[A-Za-z])")
_IPV6 = re.compile(
    r"(?<![A-Za-z0-9:.])(?=[0-9A-Fa-f]*:)[0-9A-Fa-f:]{2,39}(?:(?:\.\d{1,3}){3})?(?![A-Za-z0-9:])"
)
_URL = re.compile(
    r"(?<![A-Za-z0-9])(?:https?://|www\.)[^\s<>\"'`{}|\\^、。，；！？（）【】《》「」]+", re.IGNORECASE
)

# International: + or 00, a country code, then groups. National: groups that a trunk 0, brackets or separators
# mark as a number to dial. Chinese mobile numbers have 11 digits and often no separator at all.
_PHONES = tuple(
    re.compile(
        rf"(?<![A-Za-z0-9+./-])(?<!\d )(?:{expression})(?:\s?(?:x|ext\.?)\s?\d{{1,5}})?(?![A-Za-z0-9]|[./-]\d)"
    )
    for expression in (
        r"(?:\+|00)\d{1,3}(?:[ .-]?\(0?\d{0,4}\))?(?:[ .-]?\d{1,4}){2,5}",
        r"(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}",
        r"\(0?\d{2,4}\)[ ./-]?\d{2,4}(?:[ .-]?\d{2,4}){1,3}",
        r"0\d{1,4}[ ./-]\d{2,4}(?:[ .-]?\d{2,4}){1,3}",
        r"1[3-9]\d(?:([ -]?)\d{4}\1\d{4})",
    )
)
_DIGITS_OF_A_PHONE = range(8, 16)
"""E.164 allows 15; numbers without an area code (7 digits and fewer) are not told from other numbers."""


def emails(text: str) -> Iterator[Span]:
    """E-mail addresses as people write them (the common part of RFC 5322)."""
    return (found.span() for found in _EMAIL.finditer(text) if ".." not in found[0])


def social_security_numbers(text: str) -> Iterator[Span]:
    """United States social security numbers in groups of 3, 2 and 4; nine digits in a row are not taken for one."""
    return (found.span() for found in _SSN.finditer(text) if ssn_valid(found[0]))


def cards(text: str) -> Iterator[Span]:
    """Payment card numbers: Luhn's digit, and a network's prefix and length."""
    for found in _CARD.finditer(text):
        digits = re.sub(r"\D", "", found[0])
        if card_prefix_valid(digits) and luhn_valid(digits) and len(set(digits)) > 1:
            yield found.span()


def ibans(text: str) -> Iterator[Span]:
    """International bank account numbers of the countries in the registry, in one piece or in groups, in any
    case."""
    for found in _IBAN_START.finditer(text):
        length = IBAN_LENGTHS.get(found[0][:2].upper())
        if length is None:
            continue
        rest = re.compile(rf"(?:[ -]?[A-Za-z0-9]){{{length - 4}}}(?![A-Za-z0-9])").match(text, found.end())
        if rest and iban_valid(re.sub(r"[ -]", "", text[found.start() : rest.end()])):
            yield found.start(), rest.end()


def chinese_ids(text: str) -> Iterator[Span]:
    """Chinese resident identity numbers."""
    return (found.span() for found in _CHINESE_ID.finditer(text) if chinese_id_valid(found[0]))


def ip_addresses(text: str) -> Iterator[Span]:
    """IPv4 in four numbers, and IPv6 with three groups or more (shorter ones are time of day, code, or the host
    itself). A version number in four parts cannot be told from IPv4."""
    for found in _IPV4.finditer(text):
        yield found.span()
    for found in _IPV6.finditer(text):
        address = found[0].rstrip(":") if not found[0].endswith("::") else found[0]
        if len([group for group in address.split(":") if group]) < 3:
            continue
        try:
            ipaddress.IPv6Address(address)
        except ValueError:
            continue
        yield found.start(), found.start() + len(address)


def phones(text: str) -> Iterator[Span]:
    """Telephone numbers as they are written to be dialled; the least certain kind, for no checksum helps."""
    for pattern in _PHONES:
        for found in pattern.finditer(text):
            digits = re.sub(r"\D", "", re.split(r"[xe]", found[0])[0])
            if len(digits) in _DIGITS_OF_A_PHONE and not _other_groups(found[0]):
                yield found.span()


def urls(text: str) -> Iterator[Span]:
    """Web addresses that start with http(s):// or www., without the punctuation that ends a sentence."""
    for found in _URL.finditer(text):
        address = found[0].rstrip(".,;:!?*_")
        while address.endswith((")", "]")) and address.count(address[-1]) > address.count(
            "(" if address[-1] == ")" else "["
        ):
            address = address[:-1]
        if "." in address.partition("//")[2] or address.lower().startswith("www."):
            yield found.start(), found.start() + len(address)


def _other_groups(text: str) -> bool:
    """Whether the digits' groups are those of a date (2024-05-06, 06.05.2024) or of a social security number (also
    of one that was never given out) rather than of a number to dial."""
    date = r"\d{4}([-./ ])\d{1,2}\1\d{1,2}|\d{1,2}([-./ ])\d{1,2}\2\d{4}"
    return bool(re.fullmatch(rf"{date}|\d{{3}}[- ]\d{{2}}[- ]\d{{4}}", text))


FINDERS: Mapping[str, Finder] = {
    "iban": ibans,
    "cn_id": chinese_ids,
    "email": emails,
    "url": urls,
    "ip": ip_addresses,
    "ssn": social_security_numbers,
    "card": cards,
    "phone": phones,
}
"""By kind; where findings overlap the earlier kind here is the surer one."""
