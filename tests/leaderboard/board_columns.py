"""The columns that the front page adds to its table when they are asked for. Shares no code with the site."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from front_found import Found, Records, said_of, written
from front_page import Table


def check_columns(site: Path, shown: Records) -> Counter[str]:
    """All columns of the records' metrics that are no first ones: values, intervals, marks and counts."""
    seen: Counter[str] = Counter()
    names = Table((site / "index.html").read_text(encoding="utf-8")).data["rows"]["name"]
    measured = {column for own in shown[0].values() for column in own} - set(shown[1].values())
    for path in sorted((site / "pieces" / "board").glob("*.js")):
        for column in read_piece(path):
            if column["id"].startswith("task:profile_"):
                continue
            measured.discard(column["id"])
            for place, name in enumerate(names):
                seen["values"] += check_cell(
                    column, place, shown[0][name].get(column["id"]), (column["id"], name)
                )
    assert not measured, f"{len(measured)} metrics have no column: {sorted(measured)[:3]}"
    return seen


def read_piece(path: Path) -> Any:
    """What a script is given."""
    _, _, piece = path.read_text(encoding="utf-8").partition(",")
    return json.loads(piece.strip().removesuffix(";").removesuffix(")"))


def check_cell(
    column: dict[str, Any],
    place: int,
    found: Found | None,
    where: tuple[str, str],
    write: Callable[[float, str], str] = written,
) -> bool:
    """One number, written so; whether there is one."""
    value, more = column["v"][place], column["x"].get(str(place), {})
    if found is None:
        assert value is None, where
        return False
    ends = [column[side][place] if side in column else None for side in ("lo", "hi")]
    for said, own in zip([value, *ends], [found.value, found.low, found.high], strict=True):
        assert (said is None) == (own is None), where
        assert own is None or float(said) == float(write(own, found.unit).replace("−", "-")), where
    assert bool(more.get("mark")) == found.marked, where
    count = column["n"][place] if isinstance(column["n"], list) else column["n"]
    assert count == found.n, where
    told = {
        f"{more[key]} {what}" for key, what in (("cut", "cut off"), ("missing", "missing")) if key in more
    }
    lost = said_of(found.missing, found.n + found.missing, "missing")
    assert told == lost | said_of(found.cut, found.answers, "cut off"), where
    return True
