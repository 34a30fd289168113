"""Shortened questions and answers, shown beside the samples on which two models disagree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lsm_eval.leaderboard.board import Board
from lsm_eval.leaderboard.ranking.sample_index import SampleIndex, SampleKey
from lsm_eval.leaderboard.site import Site
from lsm_eval.results.reader import Record
from lsm_eval.results.redaction import redact_row

ANSWERS = 200_000
"""Larger boards have no texts here; the pages of samples have them."""
LONGEST = 400
"""The most characters of a text."""
_COLUMNS = [
    "sample",
    "asked",
    "index",
    "request",
    "prompt",
    "choices",
    "logprobs",
    "completion",
    "target",
    "failure",
]


class Answers:
    """Writes a piece for each task, and one for each model that was asked the task."""

    def __init__(self, board: Board, site: Site) -> None:
        self._board, self._site = board, site

    def write(self, task: str, samples: Sequence[SampleKey]) -> str:
        """Write the pieces of the task, whose samples are in this order; returns the path of the one with its questions. Those of models are
        beside it: `<task>/<model>.js`."""
        slug = self._board.task_slugs[task]
        known = SampleIndex(samples)
        questions: dict[int, list[Any]] = {}
        for model in self._board.models:
            record = model.tables.get(task)
            if record is None or not record.has_samples(task):
                continue
            with self._site.showing(record, record.sample_file(task)):
                found = [
                    (known.find(row["sample"], row.get("asked")), row) for row in self._rows(record, task)
                ]
                rows = {place: row for place, row in found if place is not None}
                said = {place: _said(row) for place, row in rows.items()}
                self._site.piece(f"pieces/answers/{slug}/{model.slug}.js", said)
                for place, row in rows.items():
                    if place not in questions:
                        questions[place] = [
                            place, row["index"], row["sample"], _end(row["prompt"]), _target(row),
                        ]  # fmt: skip
        return self._site.piece(f"pieces/answers/{slug}.js", list(questions.values()))

    def _rows(self, record: Record, task: str) -> list[dict[str, Any]]:
        table = record.samples(task, _COLUMNS).slice(0, self._site.options.samples)
        found: list[dict[str, Any]] = table.to_pylist()
        hidden = task in self._board.unshown and not record.tasks[task].redacted
        return [redact_row(row) for row in found] if hidden else found


def _said(row: dict[str, Any]) -> str:
    """The model's answer: its text, or its most likely choice."""
    if row["failure"] is not None:
        return f"[{row['failure']}]"
    if row["completion"] is not None:
        return _cut(row["completion"])
    choices, scores = row["choices"] or [], [one for one in row["logprobs"] or () if one is not None]
    if choices and len(choices) == len(scores):
        return _cut(str(choices[int(np.argmax(scores))]))
    return f"log-probability {scores[0]:.4g}" if scores else ""


def _target(row: dict[str, Any]) -> str:
    choices, target = row["choices"] or [], [text for text in row["target"] or () if text is not None]
    if choices and all(text.isdecimal() and int(text) < len(choices) for text in target):
        target = [str(choices[int(text)]) for text in target]
    return _cut(" | ".join(target))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def _end(text: str | None) -> str:
    """The end of a prompt, which has the question, after examples and instructions."""
    said = text or ""
    return said if len(said) <= LONGEST else f"… {said[-LONGEST:]}"
