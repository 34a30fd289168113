"""How much sooner are the same scores there than from lm-evaluation-harness 0.4.13's `hf` backend?

    python benchmarks/scoring.py [--data-mirror DIR] [--works A,B] [--limit N] [--rounds N] [--peer-env DIR]
    python benchmarks/scoring.py --device cuda --dtype bfloat16 --shape llama-8b --works mmlu_5_shot --batch-sizes 8,32,64

Both tools score the same checkpoint (SmolLM2-135M, or random weights of a shape) on the same Parquet files, by default in
float32 on the CPU, in turn, so that a machine whose speed drifts wrongs neither. Counted is, in a process of each tool's own, the time from the loaded model to the finished
results (data, prompts, tokens, scores, metrics), and beside it the whole process with imports and loading. The peer gets
the batch size that is best for it on a part of the work. Prints a table of ratios, with their spread over the rounds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from parity import find_mirror
from parity_env import PEER_VERSION, peer_python, run_peer
from random_checkpoint import SHAPES, random_checkpoint
from scoring_works import WORKS, Prepared, Work, prepare

from lsm_eval.errors import UserError, unknown
from lsm_eval.models.builtin import checkpoint
from lsm_eval.runner.environment import hardware
from lsm_eval.tasks.registry import Registry

_NEAR_TIES = (
    1.01  # questions that may turn out otherwise, because two choices lie within rounding of each other
)
_NEAR_TIES_ROUGHLY = 0.1  # share of the questions, where numbers have eight bits and weights may be random
_TUNING = 24  # questions on which the peer's batch sizes are tried
Job = Mapping[str, str]
"""`checkpoint`, `device` and `dtype`, the same for both tools."""


@dataclass(frozen=True, slots=True)
class Timing:
    """One tool, one round. Seconds."""

    asking: float
    """From the loaded model to the results."""
    whole: float
    """The process, imports and loading included."""


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
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument(
        "--shape", choices=tuple(SHAPES), help="random weights of this shape in place of SmolLM2-135M's"
    )
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
    machine = hardware(options.device)
    if options.device == "cuda" and "gpu" not in machine:
        raise UserError("--device cuda: this machine has no CUDA device that PyTorch can use.")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("torch", "transformers"))
    print(
        f"lsm-eval {metadata.version('lsm-eval')} and lm-eval {PEER_VERSION}, {datetime.now(UTC):%Y-%m-%d}; {versions}"
    )
    model = f"{options.shape} with random weights" if options.shape else "SmolLM2-135M"
    where = machine.get("gpu") or f"{machine['cores']} cores of {machine['cpu']}"
    print(f"{model} in {options.dtype} on {where}; {options.rounds} rounds\n")
    print(f"| {' | '.join(_COLUMNS)} |")
    print(f"| --- |{' ---: |' * (len(_COLUMNS) - 1)}", flush=True)
    with tempfile.TemporaryDirectory(prefix="lsm-eval-scoring-") as scratch:
        job = {"checkpoint": str(folder), "device": options.device, "dtype": options.dtype}
        if options.shape:
            made = Path(scratch) / options.shape
            random_checkpoint(options.shape, options.dtype, options.device, folder, made)
            job["checkpoint"] = str(made)
        for name in names:
            own = Path(scratch) / name
            own.mkdir()
            _measure(name, options, python, job, mirror, own)


_COLUMNS = (
    "work",
    "questions",
    "peer's batch size",
    "here, s",
    "there, s",
    "ratio (lowest to highest)",
    "ratio of whole processes",
    "tokens asked / computed",
    "computed / unique",
    "vocabulary rows computed / needed",
    "FLOP/s / matrix product's",
    "accuracy here, there",
)


def _measure(
    name: str, options: argparse.Namespace, python: Path, job: Job, mirror: Path, scratch: Path
) -> None:
    work = WORKS[name]
    limit = options.limit or work.limit
    _say(f"{name}: which batch size suits the peer?")
    (scratch / "tuning").mkdir()
    few = prepare(name, work, mirror, min(_TUNING, limit), scratch / "tuning")
    sizes = [int(size) for size in options.batch_sizes.split(",")]
    best = sizes[0]
    if len(sizes) > 1:
        found = {size: _theirs(python, job, work, few, size, scratch)[0].asking for size in sizes}
        best = min(found, key=lambda size: found[size])
    files = prepare(name, work, mirror, limit, scratch)
    rounds: list[tuple[Timing, Timing]] = []
    ours: dict[str, Any] = {}
    theirs: dict[str, Any] = {}
    for number in range(options.rounds):
        _say(f"{name}: round {number + 1} of {options.rounds}")
        here, ours = _ours(name, job, work, files, scratch / f"records-{number}", scratch)
        there, theirs = _theirs(python, job, work, files, best, scratch)
        rounds.append((here, there))
    accuracy, other = ours["results"][f"bench_{name}/acc"], _accuracy(theirs, files)
    ties = _NEAR_TIES if options.dtype == "float32" else _NEAR_TIES_ROUGHLY * files.questions
    if abs(accuracy - other) * files.questions > ties:
        raise UserError(f"{name}: accuracy is {accuracy:.4f} here and {other:.4f} there: not the same work.")
    done = ours["work"]
    score = done["score"]
    share = score["matmul_share"]
    cells = [
        work.title,
        f"{files.questions}",
        f"{best}",
        f"{statistics.median(here.asking for here, _ in rounds):.1f}",
        f"{statistics.median(there.asking for _, there in rounds):.1f}",
        _spread([there.asking / here.asking for here, there in rounds]),
        _spread([there.whole / here.whole for here, there in rounds]),
        f"{done['tokens_asked']:,} / {score['tokens']:,} = {done['tokens_asked'] / score['tokens']:.1f}",
        f"{score['tokens'] / done['tokens_unique']:.3f}",
        f"{score['rows'] / done['rows_needed']:.3f}",
        f"{share:.2f}" if share is not None else "not measured",
        f"{accuracy:.4f}, {other:.4f}",
    ]
    print(f"| {' | '.join(cells)} |", flush=True)


def _ours(
    name: str, job: Job, work: Work, files: Prepared, out: Path, scratch: Path
) -> tuple[Timing, dict[str, Any]]:
    own = {
        "tasks": [f"bench_{name}"],
        "include": str(files.include),
        "mirror": str(files.mirror),
        "shots": work.shots,
        "out": str(out),
    }
    return _timed(Path(sys.executable), "scoring_ours.py", {**job, **own}, scratch)


def _theirs(
    python: Path, job: Job, work: Work, files: Prepared, size: int, scratch: Path
) -> tuple[Timing, dict[str, Any]]:
    own = {"limit": None, "shots": work.shots, "configs": list(files.configs), "batch_size": size}
    return _timed(python, "scoring_peer.py", {**job, **own}, scratch)


def _timed(python: Path, script: str, job: Mapping[str, Any], scratch: Path) -> tuple[Timing, dict[str, Any]]:
    start = time.perf_counter()
    answer = run_peer(python, script, dict(job), scratch)
    return Timing(answer["seconds"], time.perf_counter() - start), answer


def _accuracy(theirs: Mapping[str, Any], files: Prepared) -> float:
    """The peer's accuracy over all its tasks, which have as many questions each as were counted for them."""
    found = [
        (theirs["results"][f"{task['name']}/acc"], theirs["samples"][task["name"]]) for task in files.configs
    ]
    return float(sum(value * count for value, count in found) / sum(count for _, count in found))


def _spread(ratios: Sequence[float]) -> str:
    return f"**{statistics.median(ratios):.1f}** ({min(ratios):.1f} to {max(ratios):.1f})"


def _say(line: str) -> None:
    print(f"scoring: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
