"""A gate's result as annotations: GitHub's workflow commands, one on each line, to be printed in a workflow step."""

from __future__ import annotations

from collections.abc import Sequence

from lsm_eval.comparison.shown.escape import visible
from lsm_eval.gating.result import GateResult
from lsm_eval.gating.written.wording import Severity, severity, verdict, worst_first

MOST = 10
"""Largest number of annotations of each kind in a step; GitHub silently drops the rest."""


def to_annotations(result: GateResult) -> list[str]:
    """Errors (what fails, or why the runs are not comparable), then warnings, then notices; the worst of each first, at most
    `MOST` of each kind, of which the last says how many are left out. If there are none, one notice with the verdict."""
    found: dict[Severity, list[tuple[str, str]]] = {"error": [], "warning": [], "notice": []}
    if result.answer == "not comparable":
        found["error"] += [("Not comparable", reason) for reason in result.reasons or [verdict(result)]]
    for one in worst_first(result.findings):
        if (loudness := severity(result, one)) is not None:
            found[loudness].append((f"{one.answer.capitalize()}: {one.task}, {one.metric}", one.why))
    if not any(found.values()):
        found["notice"].append((f"Gate: {result.answer}", verdict(result)))
    return [line for kind, texts in found.items() for line in _lines(kind, texts)]


def _lines(kind: Severity, texts: Sequence[tuple[str, str]]) -> list[str]:
    shown = texts if len(texts) <= MOST else texts[: MOST - 1]
    lines = [f"::{kind} title={_property(title)}::{_data(text)}" for title, text in shown]
    if left := len(texts) - len(shown):
        lines.append(
            f"::{kind} title=lsm-eval gate::{left:,} more are left out here; gate.json has all of them."
        )
    return lines


def _data(text: str) -> str:
    shown = visible(text, 1_000)
    for sign, escape in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
        shown = shown.replace(sign, escape)
    return shown


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
