"""The table of all tasks in README.md, made from the folders in `tasks/`.

python benchmarks/task_table.py            # exit code 1 where the page has another
python benchmarks/task_table.py --write
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from lsm_eval.tasks.registry import Registry

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "README.md"
AREAS = (
    "accuracy", "translation", "summarisation", "bias", "hallucination", "privacy", "safety", "perplexity", "quickstart",
)  # fmt: skip
_TABLE = re.compile(r"(?<=<!-- made by benchmarks/task_table\.py -->\n).*?(?=<!-- end -->\n)", re.DOTALL)


def table() -> str:
    """The table: a row for each folder of areas, and a link for each benchmark with a page of its own."""
    lines = ["| area | tasks |", "| --- | --- |"]
    places = {name: file.path.parent for name, file in Registry().tasks.items()}
    areas = {name: place.relative_to(ROOT / "tasks").parts[0] for name, place in places.items()}
    for area in sorted({*areas.values()}, key=AREAS.index):
        shown: dict[Path, list[str]] = {}
        for name in sorted(name for name in areas if areas[name] == area):
            shown.setdefault(places[name], []).append(f"`{name}`")
        lines.append(
            f"| {area} | {', '.join(_linked(place, names) for place, names in sorted(shown.items()))} |"
        )
    return "\n".join(lines) + "\n"


def replaced(page: str) -> str:
    """The page with today's table in the place of its own."""
    made, count = _TABLE.subn(lambda _: table(), page)
    assert count == 1, "README.md has no place for the table"
    return made


def _linked(place: Path, names: Sequence[str]) -> str:
    page = place / "README.md"
    return (
        f"[{', '.join(names)}]({page.relative_to(ROOT).as_posix()})" if page.is_file() else ", ".join(names)
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="task_table.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the page")
    options = parser.parse_args(arguments)
    page = PAGE.read_text(encoding="utf-8")
    if (made := replaced(page)) == page:
        return 0
    if options.write:
        PAGE.write_text(made, encoding="utf-8")
        return 0
    print("README.md: the table of tasks differs: python benchmarks/task_table.py --write")
    return 1


if __name__ == "__main__":
    sys.exit(main())
