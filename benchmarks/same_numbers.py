"""Do two checkouts of lsm-eval give the same numbers?

    python benchmarks/same_numbers.py ../main --data-mirror DIR --data-files DIR [--tasks 'bbq*,cbbq'] [--limit 200]

Both checkouts ask every task, or those named, of the rows that need no model, and the quickstart suite of the built-in
model. Each number is held against the other's: value, interval, n, signature and all else that stands in a record. What
differs is printed, a line each; the exit code is then 1. Tasks whose data is not in the two folders are left out on
both sides, and named where on one side only. Nothing is fetched and nothing is kept.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ROWS = ("builtin:uniform", "builtin:first", "builtin:longest", "builtin:says_no")
MODEL = "builtin:smollm2-135m"

Found = dict[tuple[str, str, str], dict[str, Any]]
"""What a record says of a number, by model, task and metric. A task that was left out has the metric `(left out)`."""


def call(checkout: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """`lsm-eval` of a checkout."""
    return subprocess.run(
        [sys.executable, "-m", "lsm_eval", *arguments],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )


def run(checkout: Path, model: str, tasks: str, options: Sequence[str]) -> Found:
    """The numbers of one run."""
    with tempfile.TemporaryDirectory() as out:
        done = call(
            checkout, ["run", "--tasks", tasks, "--model", model, "--out", out, "--store", "none", *options]
        )
        records = [path.parent for path in Path(out).rglob("manifest.json")]
        if not records:
            said = [line for line in done.stderr.splitlines() if line.startswith("lsm-eval: ")]
            return {(model, "(all)", "(left out)"): {"why": " ".join(said).replace(str(checkout), "")}}
        (record,) = records
        manifest = json.loads((record / "manifest.json").read_text(encoding="utf-8"))
        estimates = json.loads((record / "estimates.json").read_text(encoding="utf-8"))
    found: Found = {(model, row["task"], row["metric"]): row for row in estimates}
    for row in manifest.get("left_out") or ():
        found[model, row["task"], "(left out)"] = {}
    return found


def differences(one: Found, other: Found) -> list[str]:
    """A line for each part of each number that is not the same."""
    lines = []
    for key in sorted({*one, *other}):
        name = " ".join(key)
        if key not in one or key not in other:
            lines.append(f"{name}: only in the {'first' if key in one else 'second'}")
            continue
        a, b = one[key], other[key]
        lines += [
            f"{name}: {part}: {a.get(part)!r} | {b.get(part)!r}"
            for part in sorted({*a, *b})
            if a.get(part) != b.get(part)
        ]
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("other", type=Path, help="The checkout that this one is held against.")
    parser.add_argument("--data-mirror", type=Path, required=True)
    parser.add_argument("--data-files", type=Path, required=True)
    parser.add_argument("--tasks", default="*", help="Names, globs and suites, separated by commas.")
    parser.add_argument("--limit", type=int, help="Samples of each task.")
    parser.add_argument("--no-model", action="store_true", help="Without the built-in model.")
    given = parser.parse_args()
    places = ["--data-mirror", given.data_mirror.resolve(), "--data-files", given.data_files.resolve()]
    options = [*map(str, places), "--offline"]
    limit = ["--limit", str(given.limit)] if given.limit else []
    works = [(model, given.tasks, [*options, *limit]) for model in ROWS]
    if not given.no_model:
        works.append((MODEL, "quickstart", options))
    different = 0
    for model, tasks, more in works:
        one, other = (run(checkout.resolve(), model, tasks, more) for checkout in (given.other, ROOT))
        lines = differences(one, other)
        different += len(lines)
        asked = len({task for _, task, metric in other if metric != "(left out)"})
        print(f"{model}: {len(other):,} numbers of {asked} tasks, {len(lines)} differences", flush=True)
        for line in lines:
            print(f"  {line}", flush=True)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
