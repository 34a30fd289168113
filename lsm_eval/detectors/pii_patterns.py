"""Finds personal identifiers in a text: one function for each kind, which yields half-open spans.

A pattern proposes candidates, and a checksum or number rule decides (`pii_checksums`). The characters beside a number matter too:
with further digits, or with a letter that makes it part of a code, it is not an identifier. Only ASCII letters count for this,
because Chinese has no space before a number.
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
from lsm_eval.detectors.pii_context import WINDOW, around
from lsm_eval.detectors.pii_phones import phones

Span = tuple[int, int]
Finder = Callable[[str], Iterator[Span]]

# The local part may not start inside a word; quoted local parts and addresses in scripts other than Latin are not found.
_LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"
_NAME = rf"(?<![{_LATIN}0-9_.+-])[{_LATIN}0-9._%+-]{{1,64}}(?:'[{_LATIN}0-9._%+-]{{1,32}})?"
_LABEL = rf"[{_LATIN}0-9](?:[{_LATIN}0-9-]{{0,61}}[{_LATIN}0-9])?"
_EMAIL = re.compile(rf"{_NAME}@(?:{_LABEL}\.)+[A-Za-z]{{2,24}}(?![A-Za-z0-9_])")
_SPELLED_EMAIL = re.compile(
    rf"{_NAME}\s?[\[({{<]\s?at\s?[\])}}>]\s?{_LABEL}(?:\s?(?:[\[({{<]\s?dot\s?[\])}}>]|\.|dot\s)\s?{_LABEL}){{1,4}}(?![A-Za-z0-9_])",
    re.IGNORECASE,
)
"""An address that is written to hide from crawlers: `anna [at] example [dot] com`."""
_SAID_EMAIL = re.compile(
    rf"{_NAME}\sat\s{_LABEL}(?:\sdot\s{_LABEL}){{0,3}}\sdot\s(?:com|org|net|edu|gov|info|io|de|fr|es|it|uk|us|eu|cn|jp|co|me|ch|at|nl)(?![A-Za-z0-9_])",
    re.IGNORECASE,
)
"""An address in words; it may also be a web page ("visit us at example dot com")."""
_MAIL = re.compile(
    r"\be-?mails?\b|\bmail\b|\bwrite\b|\breach\b|\bcontact\b|\baddress\b|\bmessage\b", re.IGNORECASE
)
_SSN = re.compile(r"(?<![A-Za-z0-9-])\d{3}([- ])\d{2}\1\d{4}(?![A-Za-z0-9]|-\d)")
_SSN_TOLD = re.compile(
    r"\b(?:ssn|social(?: security)?(?: (?:number|no\.?|#))?)(?: is|:| =|=|#)*\s?(?P<number>\d{9})(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_CARD = re.compile(r"(?<![A-Za-z0-9-])\d(?:[ -]?\d){11,18}(?![A-Za-z0-9]|-\d)")
_NO_CARD = re.compile(
    r"(?:tracking|serial|gtin|ean|isbn|imei|upc|barcode|sku|order|invoice)(?: (?:no\.?|number|code|id))*(?: is|:|#)? ?\Z",
    re.IGNORECASE,
)
"""Words before numbers that are not cards but may pass Luhn's test: other numbers with a check digit, or any number by chance (one in
ten)."""
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


# Allocated IPv6 ranges: 2000::/3, fc00::/7, fe80::/10, ff00::/8 (IANA), and any complete address with letters.
_IPV6_SPACES = tuple(map(ipaddress.IPv6Network, ("2000::/3", "fc00::/7", "fe80::/10", "ff00::/8")))
_MACHINE = re.compile(
    r"\bipv?[46]?\b|\baddress|\bhosts?\b|\bservers?\b|\bping\b|\bdns\b|\bgateway|\bsubnet|\brouter|\blog(?:ged|s)? ?in\b|\bconnect"
    r"|\bports?\b|\bnetwork|\bssh\b|\bcurl\b|\bproxy|\bvpn\b|\btraffic|\bclient|\bnameserver|://$|@$|地址|服务器|サーバ|アドレス",
    re.IGNORECASE,
)
_VERSION = re.compile(
    r"\bv(?:er(?:sion)?s?)?\.? ?$|\b(?:version|release|build|firmware|kernel|update|upgrade|revision|rev|driver|section|clause|chapter|paragraph"
    r"|article|abschnitt|kapitel|sección|exercise|figure|table|app|chrome|windows|java|python|node|ios|android|openssl|edition|semver|oid|ec)s?\b"
    r"|[§第]|版本|バージョン|固件",
    re.IGNORECASE,
)
_SMALL = 20
"""Four numbers below this count as a version or section unless a word shows that they are an address."""


def folded(text: str) -> str:
    """The text with full-width digits, letters, brackets and signs, dashes and unusual spaces in their ASCII forms; offsets do not
    change."""
    return text.translate(_FOLDED)


_FOLDED: dict[int, int | str] = {
    **{code: code - 0xFEE0 for code in range(0xFF10, 0xFF5B) if chr(code).isalnum()},
    **{ord(char): plain for char, plain in zip("（）＋－／．＠＃＝", "()+-/.@#=", strict=True)},
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc\u2500"), "-"),
    **dict.fromkeys(map(ord, "\u00a0\u2002\u2003\u2007\u2009\u202f\u3000"), " "),
}


def emails(text: str) -> Iterator[Span]:
    """E-mail addresses as people write them (the common part of RFC 5322)."""
    for pattern in (_EMAIL, _SPELLED_EMAIL):
        yield from (found.span() for found in pattern.finditer(text) if ".." not in found[0])
    for found in _SAID_EMAIL.finditer(text):
        name = found[0].split()[0]
        if re.search(r"[\d._-]", name) or _MAIL.search(text[max(0, found.start() - WINDOW) : found.start()]):
            yield found.span()


def social_security_numbers(text: str) -> Iterator[Span]:
    """United States social security numbers in groups of 3, 2 and 4, and nine digits in a row if the text names them so; not
    groups beside a unit or the name of another number."""
    yield from (found.span("number") for found in _SSN_TOLD.finditer(text) if ssn_valid(found["number"]))
    for found in _SSN.finditer(text):
        if ssn_valid(found[0]) and around(text, *found.span()) != "other":
            yield found.span()


def cards(text: str) -> Iterator[Span]:
    """Payment card numbers with a valid Luhn digit and a network's prefix and length."""
    for found in _CARD.finditer(text):
        digits = re.sub(r"\D", "", found[0])
        other = _NO_CARD.search(text[max(0, found.start() - WINDOW) : found.start()])
        if card_prefix_valid(digits) and luhn_valid(digits) and len(set(digits)) > 1 and not other:
            yield found.span()


def ibans(text: str) -> Iterator[Span]:
    """International bank account numbers of the countries in the registry, with or without groups, in any case."""
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
    """IPv4 addresses, and IPv6 addresses in allocated ranges. Not: versions or sections in four parts (named so, or four small numbers
    without a word for a host), masks, and unspecified or loopback addresses."""
    for found in _IPV4.finditer(text):
        left = text[max(0, found.start() - WINDOW) : found.start()].rpartition("\n")[2]
        octets = [int(part) for part in found[0].split(".")]
        machine, version = (_last(pattern, left) for pattern in (_MACHINE, _VERSION))
        small = max(octets) < _SMALL and octets[0] != 10 and len(set(octets)) > 1  # 1.1.1.1 is a known host
        if octets[0] in (0, 127, 255) or version > machine or (small and machine < 0):
            continue
        yield found.span()
    for found in _IPV6.finditer(text):
        address = found[0].rstrip(":") if not found[0].endswith("::") else found[0]
        groups = [group for group in address.split(":") if group]
        if len(groups) < 3:
            continue
        try:
            parsed = ipaddress.IPv6Address(address)
        except ValueError:
            continue
        full = len(groups) == 8 and any(map(str.isalpha, address)) and max(map(len, groups)) > 2
        if full or any(parsed in space for space in _IPV6_SPACES):
            yield found.start(), found.start() + len(address)


def _last(pattern: re.Pattern[str], text: str) -> int:
    """End of the pattern's last match; -1 if there is none."""
    return max((found.end() for found in pattern.finditer(text)), default=-1)


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
"""Functions by kind, the more certain kinds first, for findings that overlap."""
