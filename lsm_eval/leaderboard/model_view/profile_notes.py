"""The notes of a profile as texts of the interface: a record has them in English, and a page shows them in its own language."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lsm_eval.leaderboard.words import word

NOTES = (
    word("The model ends its answers where it likes, so that they may be shorter than asked for."),
    word("{cell}: its tokenizer has no way to that length: prompts have {n} tokens."),
    word(
        "{wide} of {all} cells have an interval of more than {within} % either way after {rounds} rounds ({cell}: {worst} %): something else ran on the machine, or more rounds are needed (--max-repeats)."
    ),
    word("{cell}: client-bound, and in no ranking: {why}."),
    word("{cell}: no inter-token latency: {why}."),
    word("{n} of {all} requests failed: {share} %, and --max-error-rate is {most} %."),
    word("{cell}: all {n} prompts that had been made were asked before --seconds were over."),
    word("{cell}: {n} failed ({why})."),
    word("{cell}: {n} failed ({why}): {said}."),
    word(
        "{cell}: requests that came one after another took alike (correlation {n} of their times to first token), as in a queue that grows and empties: the intervals take each for itself, and are narrower than they should be."
    ),
    word(
        "{cell}: the server counts {n} tokens in a prompt where {asked} were asked for (medians of {all} requests)."
    ),
    word(
        "{cell}: {n} of {all} answers are shorter than asked for: {short} tokens instead of {asked} (medians of these)."
    ),
    word(
        "{cell}: the server held {share} % of the tokens of prompts from before, so that it had less to read: --cache cold empties its cache, and another --seed makes other prompts."
    ),
    word("Whether the client kept up is not known: it is another tool's measurement."),
    word("vLLM's client also takes a part that only names the role for the first token."),
    word(
        "AIPerf's tokenizer counts {n} output tokens, and the server {asked}: numbers a token are by AIPerf's count."
    ),
)
"""What notes of this version say, with a part in place of each number and each text from elsewhere."""

_TEXTS = {"cell", "why", "said"}
"""Parts that may be any text; the others are numbers."""

_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Note:
    """One note."""

    text: str
    """A text of `NOTES`; the whole note if it is none of them, as in records of another version."""
    parts: dict[str, str]
    known: bool


def note_of(said: str) -> Note:
    """Finds the text that a record's note was made of; with its parts filled in it is the note again."""
    if len(said) <= _LONGEST:
        for text, pattern in _PATTERNS:
            if match := pattern.fullmatch(said):
                return Note(text, match.groupdict(), known=True)
    return Note(said, {}, known=False)


def _pattern(text: str) -> re.Pattern[str]:
    fixed_and_parts = re.split(r"\{(\w+)\}", text)
    return re.compile(
        "".join(
            (f"(?P<{one}>.+?)" if one in _TEXTS else rf"(?P<{one}>[\d,.e+-]+)") if at % 2 else re.escape(one)
            for at, one in enumerate(fixed_and_parts)
        ),
        re.DOTALL,
    )


_PATTERNS = [(text, _pattern(text)) for text in NOTES]
