"""The API key of a server, read from the environment or a file only, and removed from every text that is shown."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from lsm_eval.endpoints.headers import read_headers
from lsm_eval.errors import UserError
from lsm_eval.paths import expanded
from lsm_eval.secrets import without_secrets

if TYPE_CHECKING:
    from lsm_eval.endpoints.cost.account import Account

DEFAULT_VARIABLE = "OPENAI_API_KEY"
_MOST_BYTES = 65_536
_SHORTEST = (
    4  # characters from which on a header's value is hidden in texts: `1` is no secret, and occurs everywhere
)
_LIKE_NO_WORD = 16  # characters from which on a key occurs in no text by chance


@dataclass(frozen=True, slots=True)
class Key:
    """A key, or none, and additional headers, which are as secret."""

    secret: str | None = field(default=None, repr=False)
    more: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Headers by name (`--header-env`)."""
    account: Account | None = field(default=None, repr=False, compare=False)
    """Counts the cost of what is sent with the key; None if costs are not counted."""
    secrets: tuple[str, ...] = field(init=False, repr=False, default=())
    """All texts that must be shown nowhere, the longest first."""

    def __post_init__(self) -> None:
        values = {self.secret or "", *self.more.values()}
        # A server may repeat only the second word of `Bearer SECRET`.
        values |= {value.split()[-1] for value in self.more.values()}
        told = {value for value in values if value == self.secret or len(value) >= _SHORTEST}
        object.__setattr__(self, "secrets", tuple(sorted(told - {""}, key=lambda one: (-len(one), one))))

    @property
    def replacing(self) -> list[str]:
        """Headers that replace the key."""
        return [name for name in self.more if name.lower() == "authorization"]

    @property
    def headers(self) -> dict[str, str]:
        """The headers that a request carries."""
        bearer = {"Authorization": f"Bearer {self.secret}"} if self.secret else {}
        return {**bearer, **self.more}

    def taken_out(self, content: bytes, *, said: bool) -> bytes:
        """What a server sent, without the key; to be called before anything of it is read, cut or shown. `said`: it is the
        model's answer, which stays unchanged if the key could be a common word (`EMPTY`). In other texts of a server the
        key may have changed its case, as in a header."""
        for secret in self.secrets:
            if said and len(secret) < _LIKE_NO_WORD:
                continue
            if _is_in(secret, content, any_case=not said):
                content = _written(secret, any_case=not said).sub(b"***", content)
        return content

    def hidden(self, text: str) -> str:
        """`text` without the key and whatever else looks like one."""
        for secret in self.secrets:
            text = re.sub(re.escape(secret), "***", text, flags=re.IGNORECASE)
        return without_secrets(text)


def _is_in(secret: str, content: bytes, *, any_case: bool) -> bool:
    """Whether `content` holds the secret, as it is or as JSON may escape it. Fast, as every answer is checked."""
    if b"\\" in content:
        content = _escapes(secret).sub(
            lambda found: bytes([int(found[1], 16)]) if found[1] else found[2], content
        )
    return secret.lower().encode() in content.lower() if any_case else secret.encode() in content


@lru_cache(maxsize=64)
def _escapes(secret: str) -> re.Pattern[bytes]:
    """Matches its characters as JSON may escape them: by number or with a backslash."""
    numbers = b"|".join(sorted({b"%02x" % ord(one) for one in secret}))
    marks = b"".join(sorted({re.escape(one.encode()) for one in '"/\\' if one in secret}))
    behind = rb"|([%b])" % marks if marks else b"|(?!)()"
    return re.compile(rb"\\(?:u00(%b)%b)" % (numbers, behind), re.IGNORECASE)


@lru_cache(maxsize=64)
def _written(secret: str, *, any_case: bool) -> re.Pattern[bytes]:
    """Matches the secret as JSON may write it: each character as it is, after a backslash, or by its number."""
    letters = (rb"(?:\\?%b|\\u00(?i:%02x))" % (re.escape(one.encode()), ord(one)) for one in secret)
    return re.compile(b"".join(letters), re.IGNORECASE if any_case else 0)


def read_secrets(variable: str | None, file: Path | None, header_env: Sequence[str]) -> Key:
    """The key (`read_key`) and the headers of options `NAME=VARIABLE` (`read_headers`). A header `Authorization` replaces
    the key."""
    key = Key(None, read_headers(header_env))
    return key if key.replacing else Key(read_key(variable, file).secret, key.more)


def read_key(variable: str | None, file: Path | None) -> Key:
    """The key in the environment's `variable`, or in a file. Raises `UserError` if the one that was named holds none."""
    if variable is not None and file is not None:
        raise UserError("--api-key-env and --api-key-file both name a key: leave out one of them.")
    if file is not None:
        try:
            with expanded(str(file)).open("rb") as opened:
                content = opened.read(_MOST_BYTES).decode("utf-8")
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "no text"
            raise UserError(
                f"--api-key-file {file} cannot be read ({why}): name a file that holds the key."
            ) from error
        return Key(_checked(content, f"--api-key-file {file}"))
    text = os.environ.get(variable or DEFAULT_VARIABLE, "")
    if variable is not None and not text.strip():
        raise UserError(
            f"--api-key-env {variable}: there is no such variable, or it is empty: set it to the key."
        )
    return Key(_checked(text, f"the variable {variable or DEFAULT_VARIABLE}") if text.strip() else None)


def _checked(text: str, where: str) -> str:
    secret = text.strip()
    if not secret or any(not "!" <= letter <= "~" for letter in secret):
        raise UserError(f"{where} holds no key: put the key there alone, one word of ASCII characters.")
    return secret
