"""Loads the tokenizer that `--tokenizer` names, and checks that it is the server's own."""

from __future__ import annotations

from typing import Any

from lsm_eval.endpoints.scoring.calling import Unanswered
from lsm_eval.endpoints.scoring.dialect import Dialect
from lsm_eval.errors import UserError
from lsm_eval.paths import expanded

_TEXTS = (
    "The quick brown fox jumps over the lazy dog.",
    "  def f(x):\n\treturn x ** 2  # naïve café – 東京 🙂",
    "1234567890 3.14159 $5,000 don't",
)


def load_named(name: str, *, offline: bool) -> Any:
    """The transformers tokenizer of a folder or a hub repository. Raises `UserError`."""
    from lsm_eval.models import hub
    from lsm_eval.models.configuration import load_tokenizer

    folder = expanded(name)
    if not folder.is_dir():
        if name.startswith((".", "/", "~")) or name.count("/") != 1:
            raise UserError(
                f"--tokenizer {name}: no such folder, and no ORG/NAME of the hub: name one of them."
            )
        repository, _, revision = name.removeprefix("hf:").partition("@")
        folder = hub.fetch(repository, revision or None, weights=False, code=False, offline=offline)
    return load_tokenizer(folder, trust_remote_code=False)


async def check_same(tokenizer: Any, name: str, dialect: Dialect) -> None:
    """Raises `UserError` if the server's tokenizer gives other tokens for some text, or does not answer."""
    for text in _TEXTS:
        for special in (False, True):
            ours = list(tokenizer(text, add_special_tokens=special)["input_ids"])
            try:
                theirs = await dialect.ids(text, special=special)
            except Unanswered as error:
                raise UserError(
                    f"the server's tokenizer does not answer ({error.outcome.detail}): run the same command again."
                ) from None
            if ours != theirs:
                raise UserError(
                    f"--tokenizer {name} is not the server's: for {text[:30]!r} it gives {len(ours)} tokens "
                    f"({_start(ours)}), and the server's own {len(theirs)} ({_start(theirs)}): leave it out, or name the "
                    "tokenizer of the model that is served."
                )


def _start(tokens: list[int]) -> str:
    return ", ".join(map(str, tokens[:6])) + (", …" if len(tokens) > 6 else "")
