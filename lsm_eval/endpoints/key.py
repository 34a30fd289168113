"""The key to a server: from the environment or a file, and nowhere else; it shows in no text that is made of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from lsm_eval.errors import UserError
from lsm_eval.paths import expanded
from lsm_eval.secrets import without_secrets

DEFAULT_VARIABLE = "OPENAI_API_KEY"
_MOST_BYTES = 65_536
_LIKE_NO_WORD = 16  # characters of a key that stands in no text by chance


@dataclass(frozen=True, slots=True)
class Key:
    """A key, or none."""

    secret: str | None = field(default=None, repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What a request carries."""
        return {"Authorization": f"Bearer {self.secret}"} if self.secret else {}

    def taken_out(self, content: bytes, *, said: bool) -> bytes:
        """What a server sent, without the key: before anything of it is read, cut or shown. `said`: by the model, whose
        answer stays as it is where the key is a common word (`EMPTY`)."""
        if not self.secret or (said and len(self.secret) < _LIKE_NO_WORD):
            return content
        for form in {self.secret, self.secret.replace("/", "\\/")}:  # JSON may write either
            if form.encode() in content:
                content = content.replace(form.encode(), b"***")
        return content

    def hidden(self, text: str) -> str:
        """`text` without the key, and without whatever else looks like one."""
        return without_secrets(text.replace(self.secret, "***") if self.secret else text)


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
