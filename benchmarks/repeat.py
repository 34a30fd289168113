"""Does the same command give the same bits, every time?

    python benchmarks/repeat.py [--times N] [--tasks A,B] [--limit N] [--data-mirror DIR]

Runs `lsm-eval run` that often on the built-in model, each time in a process of its own and without a store, and compares
all summed log-probabilities bit by bit. The exit code is 1 if any differ.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lsm_eval.errors import UserError
from lsm_eval.results.reader import read_records


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="repeat.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=20, metavar="N")
    parser.add_argument("--tasks", default="truthfulqa_mc,mmlu", metavar="A,B")
    parser.add_argument("--limit", type=int, default=8, metavar="N")
    parser.add_argument(
        "--data-mirror", type=Path, metavar="DIR", default=os.environ.get("LSM_EVAL_DATA_MIRROR")
    )
    options = parser.parse_args(arguments)
    try:
        found = collections.Counter(_digest(options) for _ in range(options.times))
    except UserError as error:
        print(f"repeat: {error}", file=sys.stderr)
        return 2
    print(
        f"{options.times} runs of {options.tasks}, {options.limit} samples each: {len(found)} different result(s)"
    )
    return 0 if len(found) == 1 else 1


def _digest(options: argparse.Namespace) -> str:
    """SHA-256 over all summed log-probabilities of one run."""
    command = [
        sys.executable,
        "-m",
        "lsm_eval",
        "run",
        "--tasks",
        options.tasks,
        "--limit",
        str(options.limit),
    ]
    command += ["--device", "cpu", "--dtype", "float32", "--store", "none"]
    if options.data_mirror:
        command += ["--data-mirror", str(options.data_mirror), "--offline"]
    digest = hashlib.sha256()
    with tempfile.TemporaryDirectory(prefix="lsm-eval-repeat-") as out:
        done = subprocess.run([*command, "--out", out], capture_output=True, text=True, check=False)
        if done.returncode:
            raise UserError(f"`lsm-eval run` ended with code {done.returncode}: {done.stderr.strip()[-300:]}")
        (record,) = read_records(Path(out))
        import pandas as pd

        for path in sorted((record.folder / "samples").glob("*.parquet")):
            for sums in pd.read_parquet(path, columns=["logprobs"])["logprobs"]:
                digest.update(sums.tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
