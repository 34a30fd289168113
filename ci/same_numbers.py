"""Says whether two records have the same numbers: `same_numbers.py BASELINE RECORD`, records as for `lsm-eval compare`.

Exit code 1, and a line for each number that differs, is new or is gone; and where the baseline's folder holds another record than
the one that its `accepted.jsonl` says was accepted last.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

from lsm_eval.comparison.find import find
from lsm_eval.results.reader import Record

Numbers = dict[tuple[str, str], tuple[float | None, int | None]]


def numbers(record: Record) -> Numbers:
    """Task and metric → value and n."""
    return {(row.task, row.metric): (row.value, row.n) for row in record.estimates}


def same(one: tuple[float | None, int | None], other: tuple[float | None, int | None]) -> bool:
    """Whether two are the same but for rounding."""
    (value, n), (second, second_n) = one, other
    if value is None or second is None:
        return value is second and n == second_n
    return n == second_n and math.isclose(value, second, rel_tol=1e-9, abs_tol=1e-12)


def complaints(folder: Path, baseline: Record, record: Record) -> list[str]:
    """What is not as it was accepted, a line each."""
    was, now = numbers(baseline), numbers(record)
    said = [
        f"{task}, {metric}: {was.get((task, metric), 'not there')} was accepted, {now.get((task, metric), 'not there')} was found"
        for task, metric in sorted({*was, *now})
        if (task, metric) not in was
        or (task, metric) not in now
        or not same(was[task, metric], now[task, metric])
    ]
    accepted = folder / "accepted.jsonl"
    if accepted.is_file():
        last = json.loads(accepted.read_text(encoding="utf-8").splitlines()[-1])
        if last["run"] != baseline.manifest.run:
            said.append(
                f"{folder} holds the run {baseline.manifest.run}, and {last['run']} is what was accepted last"
            )
    return said


def main(folder: str, record: str) -> int:
    """Prints the complaints."""
    said = complaints(Path(folder), find(folder), find(record))
    if said:
        said.append(f"if that is meant: lsm-eval baseline accept RECORD --why TEXT --to {folder}")
    sys.stderr.writelines(f"self-gate: {line}\n" for line in said)
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
