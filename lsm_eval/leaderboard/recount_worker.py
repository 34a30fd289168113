"""Recounts records in a separate process (started by `checking`), which imports no more of the package than it needs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from lsm_eval.errors import UserError
from lsm_eval.recount.check import check_record


def why_not(folder: Path, tasks: list[str] | None) -> str:
    """Why a record fails its recount; empty if it passes. `tasks`: the tasks to count; None for all."""
    try:
        found = check_record(folder, tasks=tasks, published=True)
    except UserError as error:
        return str(error)
    return "" if found.whole else found.why()


def main() -> None:
    """Read one job per line from standard input, and write one answer per line to standard output."""
    for line in sys.stdin:
        folder, tasks = json.loads(line)
        sys.stdout.write(f"{json.dumps(why_not(Path(folder), tasks))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
