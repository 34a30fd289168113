"""Generates the table of all cards on the page docs/detectors.md from the cards' files."""

from __future__ import annotations

from collections.abc import Sequence

from lsm_eval.detectors.card import Card

BEGIN, END = "<!-- cards: begin -->", "<!-- cards: end -->"
_HEAD = (
    "| detector | version | kind | sensitivity | specificity | F1 | could not tell | data |",
    "| --- | --- | --- | ---: | ---: | ---: | ---: | --- |",
)


def table(cards: Sequence[Card]) -> str:
    """The cards as a Markdown table, one row for each."""
    return "\n".join([*_HEAD, *map(_row, cards)])


def replaced(page: str, cards: Sequence[Card]) -> str:
    """The page with the table between its two markers regenerated. Raises ValueError if it lacks them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{table(cards)}\n{END}{after}"


def _row(card: Card) -> str:
    f1 = "-" if card.f1 is None else f"{card.f1:.3f}"
    cells = (
        card.detector,
        card.version,
        card.kind or "all",
        _share(card.sensitivity, card.sensitivity_interval(), card.positives),
        _share(card.specificity, card.specificity_interval(), card.negatives),
        f1,
        str(card.cannot_tell),
        card.data,
    )
    return f"| {' | '.join(cells)} |"


def _share(value: float | None, interval: tuple[float, float] | None, number: int) -> str:
    if value is None:
        return "-"
    if interval is None:
        return f"{value:.3f} (no interval, n {number:,})"
    return f"{value:.3f} ({interval[0]:.3f} to {interval[1]:.3f}, n {number:,})"
