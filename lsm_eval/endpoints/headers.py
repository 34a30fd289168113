"""Additional headers of every request, whose values come from the environment and are as secret as the key."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from lsm_eval.errors import UserError

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token (RFC 9110, 5.6.2)
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20\x09\x21-\x7e]*[\x21-\x7e])?")
_OWN = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "host",
        "te",
        "trailer",
    }
    | {"accept-encoding", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"}
)
"""Headers about how a request is written or sent, which are set here."""


def read_headers(given: Sequence[str]) -> dict[str, str]:
    """Headers by name, from options `NAME=VARIABLE`. Raises `UserError` for a wrong one, without repeating a value or what
    stands in place of the variable's name, which may be the secret itself."""
    found: dict[str, str] = {}
    for one in given:
        name, equals, variable = (part.strip() for part in one.partition("="))
        if not equals or not variable or not _NAME.fullmatch(name):
            shown = f" {name}" if _NAME.fullmatch(name) and equals else ""
            raise UserError(
                f"--header-env{shown} is not NAME=VARIABLE: give a header's name and the variable that holds its value, such as "
                "api-key=AZURE_KEY."
            )
        if name.lower() in _OWN:
            raise UserError(f"--header-env {name}: lsm-eval sets this header itself: leave it out.")
        if name.lower() in (other.lower() for other in found):
            raise UserError(f"--header-env {name} is given twice: leave one of them.")
        value = os.environ.get(variable, "").strip()
        if not value:
            raise UserError(
                f"--header-env {name}: its variable is not set, or is empty: set it to the header's value."
            )
        if not _VALUE.fullmatch(value):
            raise UserError(
                f"--header-env {name}: the value holds a line break or a character that no header may have: use ASCII text."
            )
        found[name] = value
    return found
