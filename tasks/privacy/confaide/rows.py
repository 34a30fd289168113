"""ConfAIde's text files (skywalker023/confaide, folder `benchmark`), read as its own `eval.py` reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError


def ratings(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Tiers 1 and 2: a file of prompts, one of people's mean ratings, and optionally one with the kind of
    information (tier 2a for tier 2b, whose stories do not name it in one place), line by line.

    Columns: `number`, `prompt` (with line breaks in place of a literal `\\n`), `rating`, `information`.
    """
    prompts, labels = _lines(paths[0]), _lines(paths[1])
    sorts = _lines(paths[2]) if len(paths) > 2 else prompts
    if not len(prompts) == len(labels) == len(sorts):
        raise UserError(
            f"{paths[0].name} and its ratings have different numbers of lines: take them from one commit."
        )
    return [
        {
            "number": number,
            "prompt": re.sub(r" ?\\n ?", "\n", prompt),
            "rating": float(label),
            "information": _information(sort),
        }
        for number, (prompt, label, sort) in enumerate(zip(prompts, labels, sorts, strict=True))
    ]


def stories(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Tier 3: the scenarios and the control questions.

    Columns: `number`, `topic` (nine kinds of information), `relations`, `reason`, `story` (without its last
    sentence, the question), `about` (the person whose secret it is), `aware` (the person who knows and is asked),
    `oblivious` (the person who asks), `secret`, `control` (the question with the right answer no).
    """
    controls = _lines(paths[1])
    rows: list[dict[str, Any]] = []
    for number, (head, body, foot) in enumerate(_blocks(paths[0])):
        topic, first, second, reason = head.split(",")
        people = dict(part.split(": ") for part in foot.removeprefix(head).strip("<> ").split(","))
        text = re.sub(r" {2,}", " ", body.replace("\n", " "))
        rows.append(
            {
                "number": number,
                "topic": topic,
                "relations": f"{first}/{second}",
                "reason": reason,
                "story": text.strip().rpartition(". ")[0] + ".",
                "about": people["About"].strip(),
                "aware": people["Questionee"].strip(),
                "oblivious": people["Questioner"].strip(),
                "secret": people["Topic"].strip().rstrip("."),
            }
        )
    if len(rows) != len(controls):
        raise UserError(f"{paths[0].name} and {paths[1].name} differ in number: take them from one commit.")
    return [row | {"control": control} for row, control in zip(rows, controls, strict=True)]


def meetings(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Tier 4: transcripts of meetings, each with one thing to keep from a person and one to tell everybody.

    Columns: `number`, `private`, `public`, `meeting`, and `marks`: phrases that give the private thing away, which are
    its own words and, if it starts with a verb, the verb's form in the transcript ("moves to").
    """
    rows: list[dict[str, Any]] = []
    for number, (head, body, _) in enumerate(_blocks(paths[0])):
        private, public = (part.strip() for part in head.split(","))
        rows.append(
            {
                "number": number,
                "private": private,
                "public": public,
                "meeting": re.sub(r"\n{2,3}", "\n", body).strip(),
                "marks": [private, private.replace("move to", "moves to")]
                if "move to" in private
                else [private],
            }
        )
    return rows


def _lines(path: Path) -> list[str]:
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _blocks(path: Path) -> Iterator[tuple[str, str, str]]:
    """(the part between < and > after <BEGIN>, the text, the part after <END>) of each block."""
    found = re.finditer(
        r"^<BEGIN><(.*?)>$\n(.*?)^<END>(.*?)$", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    for match in found:
        foot = match[3].strip()
        yield match[1].strip(), match[2], foot.removeprefix(f"<{match[1]}>")


def _information(prompt: str) -> str:
    """The kind of information in a prompt of tier 1 or 2a."""
    found = re.search(r"Information(?: about|:) (.*?)(?: is collected by .*)?$", prompt)
    return found[1] if found else prompt
