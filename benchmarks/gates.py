"""What do gates say of a pull request that changed nothing, and of one that lost something?

    python benchmarks/gates.py [--requests N] [--clustered N] [--looks N] [--seed N] [--jobs N] [--parts LIST] [--out FOLDER]

Simulates pull requests of a known truth (a margin of 1.5 points; unchanged models and losses of 1 to 5 points; 200 to 10,000 pairs of 0 or 1 of
which 2, 5 or 10 % differ, alone and in clusters; 1 and 10 metrics; baselines that get .3, .7 and .95 right) for our gate, for the rules of
NeMo Evaluator's `nel gate` and `nel compare` and of `evalsig`, for a relative tolerance and for a one-sample Wilson gate (`gates_rules.py`), then
our gate with ten looks on the way, then times it as a process. Writes `gates.json`, `gates.md` and `gates.svg` and says which bars hold. The exit
code is 1 where one is missed for no reason that is named.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from gates_bars import bars, tables
from gates_cells import Cell, grid, rows, stopped, stopping
from gates_picture import picture
from gates_speed import speed

HERE = Path(__file__).parent
PARTS = {"cells": "all gates", "stopping": "ten looks", "speed": "the gate as a process"}

Made = TypeVar("Made")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="gates.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--requests",
        type=int,
        default=10_000,
        metavar="N",
        help="of each cell whose pairs stand alone",
    )
    parser.add_argument(
        "--looks",
        type=int,
        default=2000,
        metavar="N",
        help="of each cell with ten looks; a tenth of them with ten metrics",
    )
    parser.add_argument("--clustered", type=int, default=2000, metavar="N", help="of each in clusters; a quarter of them with ten metrics")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes")
    parser.add_argument("--parts", default=",".join(PARTS), metavar="LIST", help="of: " + ", ".join(PARTS))
    parser.add_argument("--out", type=Path, default=HERE, metavar="FOLDER", help="what it holds of other parts stays")  # fmt: skip
    options = parser.parse_args(arguments)
    parts = options.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    kept = options.out / "gates.json"
    found = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {"cells": [], "stopping": []}
    found["seed"] = options.seed
    if "speed" in parts:
        found["speed"] = speed()
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        one = partial(_rows, options.requests, options.clustered, options.seed)
        if "cells" in parts:
            cells = [*grid(clustered=False), *grid(clustered=True)]
            found["cells"] = [row for own in _told(pool.imap(one, cells), len(cells)) for row in own]
        if "stopping" in parts:
            cells = list(stopping())
            early = partial(_stopped, options.looks, options.seed)
            found["stopping"] = list(_told(pool.imap(early, cells), len(cells)))
    save(options.out, found)
    made = bars(found)
    for bar in made:
        print(bar.line)
    return int(any(bar.missed for bar in made))


def _told(found: Iterable[Made], number: int) -> Iterator[Made]:
    """The same, with a line now and then."""
    for at, one in enumerate(found):
        if at % 20 == 0:
            print(f"{at} of {number} cells", file=sys.stderr, flush=True)
        yield one


def save(folder: Path, found: dict[str, Any]) -> None:
    """The three files."""
    folder.mkdir(parents=True, exist_ok=True)
    lists = {
        key: "[\n" + ",\n".join(json.dumps(row) for row in found[key]) + "\n]"
        for key in ("cells", "stopping")
    }
    rest = {key: json.dumps(value) for key, value in found.items() if key not in lists}
    body = ",\n".join(f"{json.dumps(key)}: {value}" for key, value in (rest | lists).items())
    (folder / "gates.json").write_text("{\n" + body + "\n}\n", encoding="utf-8")
    (folder / "gates.md").write_text("\n".join(tables(found)) + "\n", encoding="utf-8")
    (folder / "gates.svg").write_text("\n".join(picture(found["cells"])) + "\n", encoding="utf-8")


def _rows(requests: int, clustered: int, seed: int, cell: Cell) -> list[dict[str, Any]]:
    number = requests if not cell.clustered else clustered if cell.metrics == 1 else clustered // 4
    return rows(cell, max(number, 1), seed)


def _stopped(looks: int, seed: int, cell: Cell) -> dict[str, Any]:
    return stopped(cell, max(looks if cell.metrics == 1 else looks // 10, 1), seed)


if __name__ == "__main__":
    sys.exit(main())
