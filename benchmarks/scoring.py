"""How much sooner are the same scores there than from lm-evaluation-harness 0.4.13's `hf` backend?

    python benchmarks/scoring.py [--data-mirror DIR] [--works A,B] [--limit N] [--rounds N] [--peer-env DIR]

Both tools score the same checkpoint on the same Parquet files in float32 on the CPU, in turn, so that a machine whose
speed drifts wrongs neither. Counted is the time from the loaded model to the finished results (data, prompts,
tokens, scores, metrics); loading is left out on both sides. The peer gets the batch size that is best for it. Prints
a table of ratios, with their spread over the rounds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from parity import data_overrides, find_mirror
from parity_env import PEER_VERSION, peer_python, run_peer

from lsm_eval.errors import UserError, unknown
from lsm_eval.models.builtin import checkpoint
from lsm_eval.results.reader import Record, read_records
from lsm_eval.runner.environment import hardware
from lsm_eval.tasks.registry import Registry

_COUNTED = ("data", "tokenise", "score", "metrics", "write")


@dataclass(frozen=True, slots=True)
class Work:
    """Something both tools can do."""

    task: str
    configs: tuple[str, ...]
    """The peer's stock tasks that give the same numbers."""
    limit: int
    shots: int = 0
    subject: str | None = None
    """Only the rows of this subject: our first ones, and a file of them for the peer."""


WORKS: Mapping[str, Work] = {
    "truthfulqa": Work(
        "truthfulqa_mc", ("truthfulqa/truthfulqa_mc1.yaml", "truthfulqa/truthfulqa_mc2.yaml"), 20
    ),
    "hellaswag": Work("hellaswag", ("hellaswag/hellaswag.yaml",), 60),
    "arc_easy": Work("arc_easy", ("arc/arc_easy.yaml",), 60),
    "mmlu_5_shot": Work(
        "mmlu", ("mmlu/default/mmlu_abstract_algebra.yaml",), 20, shots=5, subject="abstract_algebra"
    ),
}


@dataclass(frozen=True, slots=True)
class Timing:
    """One round of one work."""

    ours: float
    theirs: float
    """Seconds."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="scoring.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--data-mirror", type=Path, metavar="DIR", default=os.environ.get("LSM_EVAL_DATA_MIRROR")
    )
    parser.add_argument("--works", metavar="A,B", default=",".join(WORKS), help="some of %(default)s")
    parser.add_argument(
        "--limit", type=int, metavar="N", help="samples of each work, in place of its own number"
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--batch-sizes", default="1,8", metavar="A,B", help="that the peer may choose from")
    parser.add_argument("--peer-env", type=Path, metavar="DIR")
    options = parser.parse_args(arguments)
    try:
        _run(options)
    except UserError as error:
        print(f"scoring: {error}", file=sys.stderr)
        return 2
    return 0


def _run(options: argparse.Namespace) -> None:
    names = [name.strip() for name in options.works.split(",") if name.strip()]
    for name in names:
        if name not in WORKS:
            raise unknown("work", name, WORKS)
    python = peer_python(options.peer_env, _say)
    folder = checkpoint("smollm2-135m", progress=_say).resolve()
    tasks = [loaded.task for loaded in Registry().resolve([WORKS[name].task for name in names])]
    mirror = find_mirror(Path(options.data_mirror) if options.data_mirror else None, tasks)
    machine = hardware("cpu")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("torch", "transformers"))
    print(
        f"lsm-eval {metadata.version('lsm-eval')} and lm-eval {PEER_VERSION}, {datetime.now(UTC):%Y-%m-%d}; {versions}"
    )
    print(
        f"SmolLM2-135M in float32 on {machine['cores']} cores of {machine['cpu']}; {options.rounds} rounds\n"
    )
    print(
        "| work | questions | peer's batch size | here, s | there, s | ratio (lowest to highest) | tokens asked / computed |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
    for name in names:
        with tempfile.TemporaryDirectory(prefix="lsm-eval-scoring-") as scratch:
            _measure(name, options, python, folder, mirror, Path(scratch))


def _measure(
    name: str, options: argparse.Namespace, python: Path, folder: Path, mirror: Path, scratch: Path
) -> None:
    work = WORKS[name]
    limit = options.limit or work.limit
    job = {
        "checkpoint": str(folder),
        "limit": limit,
        "shots": work.shots,
        "configs": [
            {"name": Path(config).stem, "config": config, "overrides": _overrides(work, mirror, scratch)}
            for config in work.configs
        ],
    }
    _say(f"{name}: which batch size suits the peer?")
    sizes = [int(size) for size in options.batch_sizes.split(",")]
    first = {
        size: run_peer(python, "scoring_peer.py", {**job, "batch_size": size}, scratch)["seconds"]
        for size in sizes
    }
    best = min(first, key=lambda size: first[size])
    timings = []
    for number in range(options.rounds):
        _say(f"{name}: round {number + 1} of {options.rounds}")
        record = _ours(work, limit, mirror, scratch / f"records-{number}")
        theirs = run_peer(python, "scoring_peer.py", {**job, "batch_size": best}, scratch)
        seconds = sum(phase.seconds for phase in record.manifest.phases if phase.name in _COUNTED)
        timings.append(Timing(seconds, theirs["seconds"]))
    ratios = sorted(timing.theirs / timing.ours for timing in timings)
    tokens = record.manifest.tokens
    cells = [
        name,
        str(limit),
        str(best),
        f"{statistics.median(t.ours for t in timings):.1f}",
        f"{statistics.median(t.theirs for t in timings):.1f}",
        f"**{statistics.median(ratios):.1f}** ({ratios[0]:.1f} to {ratios[-1]:.1f})",
        f"{tokens['asked']:,} / {tokens['scored_tokens']:,} = {tokens['asked'] / tokens['scored_tokens']:.1f}",
    ]
    print(f"| {' | '.join(cells)} |", flush=True)


def _overrides(work: Work, mirror: Path, scratch: Path) -> dict[str, Any]:
    """Keys that make the peer's task read the same rows as ours."""
    (loaded,) = Registry().resolve([work.task])
    keys = data_overrides(loaded.task, mirror)
    if work.subject is None:
        return keys
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    files = {}
    for split, path in keys["dataset_kwargs"]["data_files"].items():
        table = pq.read_table(path)
        files[split] = str(scratch / f"{split}.parquet")
        pq.write_table(table.filter(pc.equal(table["subject"], work.subject)), files[split])
    return {**keys, "dataset_kwargs": {"data_files": files}}


def _ours(work: Work, limit: int, mirror: Path, out: Path) -> Record:
    command = [sys.executable, "-m", "lsm_eval", "run", "--tasks", work.task, "--limit", str(limit)]
    command += ["--shots", str(work.shots), "--device", "cpu", "--dtype", "float32", "--store", "none"]
    command += ["--data-mirror", str(mirror), "--offline", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"`lsm-eval run` ended with code {done.returncode}: {done.stderr.strip()[-300:]}")
    (record,) = read_records(out)
    return record


def _say(line: str) -> None:
    print(f"scoring: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
