"""Notes of a profile are found again as texts of the interface, and a page shows them in its language."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

import lsm_eval.profiling
from lsm_eval.leaderboard.model_view.profile_notes import NOTES, note_of
from lsm_eval.leaderboard.words import Words

PROFILING = Path(lsm_eval.profiling.__file__).parent
BOARD = Path(__file__).parents[2] / "reports" / "board"


def filled(text: str) -> str:
    """The text with a number in place of each part, as the profiler might have written it."""
    return re.sub(r"\{\w+\}", "1,234", text)


def said_by_the_profiler() -> list[list[str]]:
    """The fixed parts of every text in the profiler's source."""
    found = []
    for path in PROFILING.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append([node.value])
            elif isinstance(node, ast.JoinedStr):
                parts = [""]
                for one in node.values:
                    if isinstance(one, ast.Constant):
                        parts[-1] += str(one.value)
                    else:
                        parts.append("")
                found.append(parts)
    return found


def test_every_text_is_one_that_the_profiler_writes() -> None:
    known = said_by_the_profiler()
    for text in NOTES:
        # Some are given the title of their conditions elsewhere.
        wanted = [filled(text), filled(text.removeprefix("{cell}: "))]
        length = 0.7 * len(re.sub(r"\{\w+\}", "", text.removeprefix("{cell}: ")))
        assert any(
            re.fullmatch(".*".join(map(re.escape, parts)), one)
            for parts in known
            if len("".join(parts)) >= length
            for one in wanted
        ), text


@pytest.mark.parametrize("text", NOTES)
def test_a_note_is_found_and_filled_in_again(text: str) -> None:
    said = filled(text)
    found = note_of(said)
    assert (found.text, found.known) == (text, True)
    assert Words("en").plain(found.text, **found.parts) == said
    chinese = Words("zh").plain(found.text, **found.parts)
    assert chinese != said
    assert "{" not in chinese


def test_other_notes_stay_as_they_are() -> None:
    for said in ("Something new.", "", "a{b}c", "x: client-bound, and in no ranking: " + 3_000 * "y" + "."):
        assert note_of(said).text == said
        assert not note_of(said).known


def test_the_notes_of_the_published_board_are_known() -> None:
    notes = [
        said
        for path in BOARD.rglob("manifest.json")
        for said in (json.loads(path.read_text(encoding="utf-8")).get("profile") or {}).get("notes", [])
    ]
    assert len(notes) >= 5
    assert [said for said in notes if not note_of(said).known] == []
