"""The key to a server: from the environment or a file, and nowhere else; it shows in no text that is made of it."""

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
    4  # letters of a header's value that is looked for in texts: `1` is no secret, and stands everywhere
)
_LIKE_NO_WORD = 16  # characters of a key that stands in no text by chance


@dataclass(frozen=True, slots=True)
class Key:
    """A key, or none, and further headers, which are as secret."""

    secret: str | None = field(default=None, repr=False)
    more: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Headers by name (`--header-env`)."""
    account: Account | None = field(default=None, repr=False, compare=False)
    """Who pays for what is sent with it; None where nobody counts."""
    secrets: tuple[str, ...] = field(init=False, repr=False, default=())
    """All that is to show nowhere, the longest first."""

    def __post_init__(self) -> None:
        values = {self.secret or "", *self.more.values()}
        # Of `Bearer SECRET` a server may repeat the second word alone.
        values |= {value.split()[-1] for value in self.more.values()}
        told = {value for value in values if value == self.secret or len(value) >= _SHORTEST}
        object.__setattr__(self, "secrets", tuple(sorted(told - {""}, key=lambda one: (-len(one), one))))

    @property
    def replacing(self) -> list[str]:
        """Headers that take the key's place."""
        return [name for name in self.more if name.lower() == "authorization"]

    @property
    def headers(self) -> dict[str, str]:
        """What a request carries."""
        bearer = {"Authorization": f"Bearer {self.secret}"} if self.secret else {}
        return {**bearer, **self.more}

    def taken_out(self, content: bytes, *, said: bool) -> bytes:
        """What a server sent, without the key: before anything of it is read, cut or shown. `said`: by the model, whose
        answer stays as it is where the key is a common word (`EMPTY`). Of what a server says by itself letters may have
        changed their case, as those of a header."""
        for secret in self.secrets:
            if said and len(secret) < _LIKE_NO_WORD:
                continue
            if _is_in(secret, content, any_case=not said):
                content = _written(secret, any_case=not said).sub(b"***", content)
        return content

    def hidden(self, text: str) -> str:
        """`text` without the key, and without whatever else looks like one."""
        for secret in self.secrets:
            text = re.sub(re.escape(secret), "***", text, flags=re.IGNORECASE)
        return without_secrets(text)


def _is_in(secret: str, content: bytes, *, any_case: bool) -> bool:
    """Whether it stands there, as it is or as JSON may write it: quick, since every answer is looked at."""
    if b"\\" in content:
        content = _escapes(secret).sub(
            lambda found: bytes([int(found[1], 16)]) if found[1] else found[2], content
        )
    return secret.lower().encode() in content.lower() if any_case else secret.encode() in content


@lru_cache(maxsize=64)
def _escapes(secret: str) -> re.Pattern[bytes]:
    """Of its letters, as JSON may write them by their numbers or behind a backslash."""
    numbers = b"|".join(sorted({b"%02x" % ord(one) for one in secret}))
    marks = b"".join(sorted({re.escape(one.encode()) for one in '"/\\' if one in secret}))
    behind = rb"|([%b])" % marks if marks else b"|(?!)()"
    return re.compile(rb"\\(?:u00(%b)%b)" % (numbers, behind), re.IGNORECASE)


@lru_cache(maxsize=64)
def _written(secret: str, *, any_case: bool) -> re.Pattern[bytes]:
    """All ways in which JSON may write it: each letter as it is, behind a backslash, or by its number."""
    letters = (rb"(?:\\?%b|\\u00(?i:%02x))" % (re.escape(one.encode()), ord(one)) for one in secret)
    return re.compile(b"".join(letters), re.IGNORECASE if any_case else 0)


def read_secrets(variable: str | None, file: Path | None, header_env: Sequence[str]) -> Key:
    """The key (`read_key`) and the headers of options `NAME=VARIABLE` (`read_headers`). A header `Authorization` takes the
    key's place."""
    key = Key(None, read_headers(header_env))
    return key if key.replacing else Key(read_key(variable, file).secret, key.more)


def read_key(variable: str | None, file: Path | None) -> Key:
    """The key in the environment's `variable`, or in a file. Raises `UserError` where one that was named has none."""
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
        raise UserError(f"{where} holds no key, which is one word of ASCII letters: put the key there alone.")
    return secret
