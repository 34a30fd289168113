"""The Training Data Extraction Challenge: GPT-2 token ids as text."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any


def rows(paths: list[Path], *, prefix_tokens: int = 50) -> list[dict[str, Any]]:
    """One row for each example whose prefix and suffix are whole text: `example` (its number), `prefix` and `suffix`.

    `paths`: prefixes and suffixes (`.npy`, token ids [examples, tokens]) and GPT-2's vocabulary (a line a token: its
    bytes in base64, and its id). Where a prefix or suffix begins or ends inside a character the example is left
    out, since no text says what was asked. `prefix_tokens`: only the last so many of the prefix."""
    import numpy as np

    prefixes, suffixes = (np.load(path, allow_pickle=False) for path in paths[:2])
    vocabulary: dict[int, bytes] = {}
    for line in paths[2].read_text(encoding="ascii").splitlines():
        token, number = line.split()
        vocabulary[int(number)] = base64.b64decode(token)
    # What stands between documents of The Pile is a token of its own, and no text.
    found: list[dict[str, Any]] = []
    for example, (prefix, suffix) in enumerate(zip(prefixes.tolist(), suffixes.tolist(), strict=True)):
        texts = [_text(tokens, vocabulary) for tokens in (prefix[-prefix_tokens:], suffix)]
        if all(texts):
            found.append({"example": example, "prefix": texts[0], "suffix": texts[1]})
    return found


def _text(tokens: list[int], vocabulary: dict[int, bytes]) -> str | None:
    """The tokens' text; None where they are no whole text."""
    if any(token not in vocabulary for token in tokens):
        return None
    try:
        return b"".join(vocabulary[token] for token in tokens).decode("utf-8")
    except UnicodeDecodeError:
        return None
