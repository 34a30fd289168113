"""CBBQ, the Chinese bias benchmark: its JSON files as rows, with errors corrected and broken rows left out."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lsm_eval.errors import UserError

UNKNOWN = 2
"""In every row `ans2` says that it cannot be known."""

TARGET: Mapping[str, int] = MappingProxyType(
    {
        "SES": 0,
        "disease": 0,
        "educational_qualification": 0,
        "ethnicity": 0,
        "gender": 1,
        "physical_appearance": 1,
    }
)
"""Category → the answer, `ans0` or `ans1`, that names the group that the bias is against. It is the biased answer to a
negative question; to a non-negative one it is the other."""

RELABELLED = "educational_qualification"
"""In all templates of this category the file's labels of disambiguated rows contradict the contexts: there the
graduate of the lower-ranked school is the better one, but the label names the other."""

CONDITIONS = {"ambiguous": "ambig", "disambiguous": "disambig"}
POLARITIES = {"neg": "neg", "non_neg": "nonneg"}


def rows(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Rows of the files `<category>/ambiguous.json` and `<category>/disambiguous.json`, in the order given.

    Left out: rows whose template was not filled in (braces in the text), and exact copies of a row. Raises `UserError`
    for an unknown category, and for labels that differ from the data set's design."""
    files = [(path, _read(path)) for path in paths]
    questions = _polarities(read for _, content in files for read in content)
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for path, content in files:
        halves = len({row["question_polarity"] for row in content}) == 1
        for place, row in enumerate(content):
            polarity = _polarity(row, questions, place >= len(content) // 2 if halves else None)
            made = _row(path, row, polarity)
            texts = (made["category"], made["context"], made["question"], *made["answers"])
            if not any(brace in text for text in texts for brace in "{}"):
                found.setdefault((made["context_condition"], *texts), made)
    return list(found.values())


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        # The first key of each row starts with a byte-order mark.
        return [
            {key.lstrip("\ufeff"): value for key, value in row.items()}
            for row in json.loads(path.read_text(encoding="utf-8-sig"))
        ]
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(f"{path} is no file of CBBQ ({error}): fetch it again.") from error


def _polarities(content: Any) -> dict[tuple[str, str, str], set[str]]:
    """Category, template and question → its polarities in disambiguated rows."""
    found: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
    for row in content:
        if row["context_condition"] == "disambiguous":
            found[_question(row)].add(POLARITIES[row["question_polarity"]])
    return found


def _question(row: Mapping[str, str]) -> tuple[str, str, str]:
    return row["category"], row["question_index"], row["question"]


def _polarity(
    row: Mapping[str, str], questions: Mapping[tuple[str, str, str], set[str]], second_half: bool | None
) -> str:
    """The question's polarity: some ambiguous rows give the wrong one, and one file marks all of its rows as negative.
    The same question's disambiguated rows decide; else the position in such a file, whose first half is negative;
    else the row itself."""
    known = questions.get(_question(row), set())
    if len(known) == 1:
        return next(iter(known))
    if second_half is not None:
        return "nonneg" if second_half else "neg"
    return POLARITIES[row["question_polarity"]]


def _row(path: Path, row: Mapping[str, str], polarity: str) -> dict[str, Any]:
    category, condition = row["category"], CONDITIONS[row["context_condition"]]
    if category not in TARGET:
        raise UserError(
            f"{path}: the category {category!r} of CBBQ is not one of {', '.join(TARGET)}: leave the file out."
        )
    biased = TARGET[category] if polarity == "neg" else 1 - TARGET[category]
    # A disambiguating context always contradicts the bias.
    right = UNKNOWN if condition == "ambig" else 1 - biased
    if int(row["label"]) != right and not (category == RELABELLED and condition == "disambig"):
        raise UserError(
            f"{path}: row {row['example_id']} has the label {row['label']}, not {right}: it is another version of CBBQ."
        )
    return {
        "id": f"{category}/{condition}/{row['example_id']}",
        "category": category,
        "question_index": row["question_index"],
        "polarity": polarity,
        "context_condition": condition,
        "context": row["context"],
        "question": row["question"],
        "answers": [row["ans0"], row["ans1"], row["ans2"]],
        "unknown": UNKNOWN,
        "biased": biased,
        "label": right,
    }
