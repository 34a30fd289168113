"""How often do intervals hold the truth, and how wide need they be?

    python benchmarks/coverage.py [--draws N] [--seed N] [--parts means,ranked,...] [--jobs N] [--out FILE]

Draws samples of a known truth, alone and in clusters of several shapes, through the code that makes a run's intervals, and prints
for each cell how often the interval holds the truth (nominal: 95 %), how often it lies below and above it, its mean width, and
that width over the narrowest of the other methods that cover. What lies outside the bars is named and counted; the exit code is
1 where that is more than the simulation's own error and has no reason. All goes to `coverage.json` (what other parts it
holds stays), from which `coverage_picture.py` makes the picture.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from coverage_cells import Cell, judge, record, run

PARTS = {
    "means": "proportions and means, alone, in clusters, and in our own tasks' clusters",
    "numbers": "means of numbers without a range",
    "ranked": "AUROCs, gains, true positives at few false ones, paired differences",
    "sums": "ratios, perplexities, BLEU and chrF",
    "bias": "calibration errors, ICAT, BBQ's scores, gaps, spreads",
    "raters": "kappa and corrected rates",
}
"""A module `coverage_<part>` each, with a function `cells()`."""
OUT = Path(__file__).with_name("coverage.json")

_cells: list[tuple[str, int, Cell]] = []


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="coverage.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--draws", type=int, default=2000, metavar="N", help="of each cell; fewer of slow ones"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--parts", default=",".join(PARTS), metavar="LIST", help="of: " + ", ".join(PARTS))
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes")
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE")
    options = parser.parse_args(arguments)
    parts = options.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    rows = list(_run(parts, options.draws, options.seed, options.jobs))
    judge(rows)
    print("\n".join(table(rows)))
    print("\n".join(summary(rows)))
    save(options.out, [_short(row) for row in rows], parts)
    for name in tables() if options.parts == ",".join(PARTS) else ():
        print(f"\n{name}:", flush=True)
        import_module(name).main(["--draws", str(options.draws // 2), "--seed", str(options.seed)])
    return int(any(not _excused(mark) for row in rows for mark in row["outside"]))


def save(file: Path, rows: Sequence[Mapping[str, Any]], parts: Sequence[str]) -> None:
    """Writes a row a line; rows of other parts that the file has stay."""
    old = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    kept = [*(row for row in old if row["part"] not in parts), *rows]
    kept.sort(key=lambda row: list(PARTS).index(row["part"]))
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in kept)
    file.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def all_cells(parts: Sequence[str]) -> list[tuple[str, int, Cell]]:
    """Part, number in it, and cell."""
    return [
        (part, number, cell)
        for part in parts
        for number, cell in enumerate(import_module(f"coverage_{part}").cells())
    ]


def tables() -> list[str]:
    """Further modules `coverage_<name>` with a command of their own, which prints a table (`--draws`, `--seed`)."""
    files = sorted(Path(__file__).parent.glob("coverage_*.py"))
    own = {f"coverage_{part}" for part in (*PARTS, "picture")}
    return [file.stem for file in files if file.stem not in own and "\ndef main(" in file.read_text("utf-8")]


def _run(parts: Sequence[str], draws: int, seed: int, jobs: int) -> Iterator[dict[str, Any]]:
    number = len(all_cells(parts))
    work = [(at, draws, seed) for at in range(number)]
    if jobs > 1:
        with multiprocessing.Pool(jobs, _prepare, (list(parts),)) as pool:
            for done, row in enumerate(pool.imap(_one, work), 1):
                _say(done, number)
                yield row
        return
    _prepare(parts)
    for done, one in enumerate(work, 1):
        yield _one(one)
        _say(done, number)


def _say(done: int, number: int) -> None:
    if sys.stderr.isatty() or not done % 50:
        print(
            f"{done} of {number} cells",
            file=sys.stderr,
            end="\r" if sys.stderr.isatty() else "\n",
            flush=True,
        )


def _prepare(parts: Sequence[str]) -> None:
    _cells[:] = all_cells(parts)


def _one(work: tuple[int, int, int]) -> dict[str, Any]:
    at, draws, seed = work
    part, number, cell = _cells[at]
    truth, found = run(cell, draws, [seed, *part.encode(), number])
    return {"part": part, **record(cell, truth, found)}


def table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """As Markdown."""
    yield "| number | cell | truth | value | held | below | above | none | width | narrowest that covers | times | outside |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: | --- |"
    for row in rows:
        yield (
            f"| {row['kind']} | {row['name']} | {row['truth']:.3f} | {row['mean']:.3f} | {100 * row['held']:.1f} % "
            f"| {100 * row['below']:.1f} | {100 * row['above']:.1f} | {100 * row['none']:.0f} % | {row['width']:.4f} "
            f"| {row['best'] or ''} | {row['times']:.2f} | {', '.join(row['outside'])} |"
        )


def summary(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """How many cells lie outside which bar, by kind."""
    yield ""
    yield "| number | cells | not offered | held, from | to | outside |"
    yield "| --- | ---: | ---: | ---: | ---: | --- |"
    for kind in dict.fromkeys(row["kind"] for row in rows):
        own = [row for row in rows if row["kind"] == kind]
        held = [row["held"] for row in own if row["held"] == row["held"]]
        counts = Counter(mark for row in own for mark in row["outside"])
        outside = ", ".join(f"{count} {mark}" for mark, count in sorted(counts.items()))
        ends = (f"{100 * min(held):.1f}", f"{100 * max(held):.1f}") if held else ("", "")
        yield f"| {kind} | {len(own)} | {len(own) - len(held)} | {ends[0]} | {ends[1]} | {outside} |"
    yield ""
    yield "`?`: within twice the simulation's own error. `(named)`: conservative for a reason that the cell names."


def _excused(mark: str) -> bool:
    return mark.endswith(("?", "(named)"))


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    """With four digits, and NaN as null; of the candidates only the narrowest that covers."""
    kept = {key: value for key, value in row.items() if key not in ("rivals", "design")}
    return {key: _rounded(value) for key, value in kept.items()}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return None if value != value or abs(value) == float("inf") else float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list | tuple) else value


if __name__ == "__main__":
    sys.exit(main())
