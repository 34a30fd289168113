"""QAGS: people's judgements of whether a summary's sentence is consistent with its article (Wang et al. 2020)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError


def rows(paths: Sequence[Path], sets: Sequence[str]) -> list[dict[str, Any]]:
    """One row per sentence: `id` (`<set>-<document>-<sentence>`), `set`, `document` (`<set>-<document>`), `article`,
    `sentence` and `consistent` (at least two of its three annotators say yes).

    `sets` names the sets, parallel to the files. Raises `UserError` for a row in another form."""
    if len(sets) != len(paths):
        raise UserError(
            f"{len(paths)} files of QAGS have {len(sets)} names: correct `dataset.arguments.sets`."
        )
    return [row for name, path in zip(sets, paths, strict=True) for row in _of_set(name, path)]


def _of_set(name: str, path: Path) -> list[dict[str, Any]]:
    made = []
    for document, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        try:
            content = json.loads(line)
            article = str(content["article"])
            for number, item in enumerate(content["summary_sentences"]):
                said = [response["response"] for response in item["responses"]]
                if len(said) != 3 or not set(said) <= {"yes", "no"}:
                    raise ValueError(f"sentence {number} has not three answers of yes or no")
                made.append(
                    {
                        "id": f"{name}-{document}-{number}",
                        "set": name,
                        "document": f"{name}-{document}",
                        "article": article,
                        "sentence": str(item["sentence"]),
                        "consistent": said.count("yes") >= 2,
                    }
                )
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{path.name}, line {document + 1}, is no row of QAGS ({error}): fetch the file again."
            ) from error
    return made
