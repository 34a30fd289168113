"""Marks the numbers of a board that are not comparable with most of their column."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from lsm_eval.comparison.releases import RELEASE, comparable_parts, engine
from lsm_eval.comparison.signature import parts
from lsm_eval.leaderboard.board import Key, ModelEntry, Number
from lsm_eval.leaderboard.show import measured
from lsm_eval.results.profile_rows import unranked
from lsm_eval.results.schema import EstimateRow


def comparable(row: EstimateRow) -> tuple[str, ...]:
    """The parts of a number's signature that must agree (`comparison.releases.comparable_parts`)."""
    return comparable_parts(row.signature)


def mark_incomparable(models: Sequence[ModelEntry]) -> None:
    """Mark the numbers that are not comparable with most of their column.

    The signature that most numbers share is not marked; if two are equally frequent,
    all are marked. A profile's numbers that are kept out of rankings (client-bound, stopped, too few) are always marked.
    """
    columns: dict[Key, list[Number]] = defaultdict(list)
    for model in models:
        for key, number in model.numbers.items():
            if not measured(number.row):
                continue
            if out := unranked(number.row.signature):
                number.mark, number.why = (
                    "†",
                    f"kept out of rankings: {out.replace('_', '-').replace('+', ', ')}",
                )
                continue
            columns[key].append(number)
    for numbers in columns.values():
        keys = _keys(numbers)
        groups = Counter(keys)
        if len(groups) < 2:
            continue
        (top, most), (_, second) = groups.most_common(2)
        norm = top if most > second else None
        marked = [signature for signature in sorted(groups) if signature != norm]
        for number, own in zip(numbers, keys, strict=True):
            if own == norm:
                continue
            number.mark = "†" if len(marked) == 1 else f"†{_letters(marked.index(own))}"
            number.why = _difference(own, norm if norm is not None else _other(own, marked), norm is None)


def _keys(numbers: Sequence[Number]) -> list[tuple[str, ...]]:
    """What must agree for two numbers of a column to be comparable. A number from another release than most numbers with the same key is
    comparable if its engine is one of theirs."""
    keys = [comparable(number.row) for number in numbers]
    made_by = [(_release(number.row), engine(number.record)) for number in numbers]
    releases: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    engines: dict[tuple[tuple[str, ...], str], set[str | None]] = defaultdict(set)
    for key, (release, own) in zip(keys, made_by, strict=True):
        releases[key][release] += 1
        engines[key, release].add(own)
    most = {key: max(found, key=lambda release: (found[release], release)) for key, found in releases.items()}
    found = []
    for key, (release, own) in zip(keys, made_by, strict=True):
        usual = most[key]
        known = engines[key, usual]
        if release != usual and own is not None and None not in known and own not in known:
            key = (*key, f"{RELEASE}:{release}", f"engine:{own.replace(' ', '_')}")
        found.append(key)
    return found


def _release(row: EstimateRow) -> str:
    return parts(row.signature).get(RELEASE, "")


def _other(own: tuple[str, ...], signatures: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    return next(signature for signature in signatures if signature != own)


def _difference(own: tuple[str, ...], other: tuple[str, ...], tied: bool) -> str:
    here = [part for part in own if part not in other] or ["nothing more"]
    there = [part for part in other if part not in own] or ["nothing more"]
    others = "another" if tied else "most others"
    return f"not comparable: here {', '.join(here)}; {others} in this column {', '.join(there)}"


def _letters(index: int) -> str:
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(ord("a") + rest) + name
    return name
