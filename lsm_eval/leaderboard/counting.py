"""Counts records in a process of its own (`checking`), with no more of the package than that takes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from lsm_eval.errors import UserError
from lsm_eval.recount.check import check_record


def why_not(folder: Path, tasks: list[str] | None) -> str:
    """Why a record is not what it says; empty where it is. `tasks`: those that are counted; None for all."""
    try:
        found = check_record(folder, tasks=tasks, published=True)
    except UserError as error:
        return str(error)
    return "" if found.whole else found.why()


def main() -> None:
    """A job a line on standard input, an answer a line on standard output."""
    for line in sys.stdin:
        folder, tasks = json.loads(line)
        sys.stdout.write(f"{json.dumps(why_not(Path(folder), tasks))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
