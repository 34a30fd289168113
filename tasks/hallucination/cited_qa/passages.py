"""BoolQ's questions with several numbered passages, one of which is the question's own."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import Any

from lsm_eval.errors import UserError


def rows(source: Sequence[dict[str, Any]], passages: int = 4, seed: int = 0) -> list[dict[str, Any]]:
    """One row per question: `id` (its number in the split), `question`, `answer` (`yes` or `no`), `passages` (that many, in
    random order), `shown` (the same as one text, numbered from [1], one per line), `gold` (number of the question's own, from
    1) and `document` (the name of that passage).

    The other passages are drawn from the whole split, all different; the draws depend only on seed and question. Raises
    `UserError` if the split has fewer passages than needed."""
    known = sorted({str(row["passage"]) for row in source})
    if passages < 1 or len(known) < passages:
        raise UserError(
            f"{passages} passages a question are asked for, and the split has {len(known)}: correct "
            "`dataset.arguments.passages`."
        )
    made = []
    for number, row in enumerate(source):
        own = str(row["passage"])
        rng = random.Random(f"boolq/{seed}/{number}/{row['question']}")
        # One more than needed, as the question's own may be among them.
        others = [text for text in rng.sample(known, min(passages, len(known))) if text != own]
        shown = [own, *others[: passages - 1]]
        rng.shuffle(shown)
        made.append(
            {
                "id": str(number),
                "question": str(row["question"]),
                "answer": "yes" if row["answer"] else "no",
                "passages": shown,
                "shown": "\n".join(f"[{i}] {text.strip()}" for i, text in enumerate(shown, 1)),
                "gold": shown.index(own) + 1,
                "document": hashlib.sha256(own.encode()).hexdigest()[:16],
            }
        )
    return made
