"""How much sooner are the same texts there than from lm-evaluation-harness 0.4.13's `hf` backend?

    python benchmarks/generation.py [--data-mirror DIR] [--limit N] [--rounds N] [--batch-sizes A,B] [--peer-env DIR]

GSM8K with its five examples, which are the first ones of the training split on both sides, greedily, in float32 on the
CPU, on the same checkpoint and files, in turn. Counted is, in a process of each tool's own, the time from the loaded
model to the finished results (data, prompts, tokens, texts, metrics), and beside it the whole process with imports and
loading. The peer gets the batch size that is best for it. Prints a table; the exit code is 1 where texts differ.
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

from parity import data_overrides, find_mirror
from parity_env import PEER_VERSION, peer_python, run_peer
from parity_tasks import COMPARISONS

from lsm_eval.errors import UserError
from lsm_eval.models.builtin import checkpoint
from lsm_eval.runner.environment import hardware
from lsm_eval.tasks.registry import Registry

_TASK = "gsm8k"
_TUNING = 32  # questions on which the peer's batch sizes are tried
_NEAR_TIES = 1 / 32  # share of texts that may differ: rounding chooses between two equally likely tokens


@dataclass(frozen=True, slots=True)
class Timing:
    """One tool, one round. Seconds."""

    asking: float
    """From the loaded model to the results."""
    whole: float
    """The process, imports and loading included."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="generation.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--data-mirror", type=Path, metavar="DIR", default=os.environ.get("LSM_EVAL_DATA_MIRROR")
    )
    parser.add_argument("--limit", type=int, default=64, metavar="N", help="questions, of %(default)s")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument(
        "--batch-sizes", default="8,16,32", metavar="A,B", help="that the peer may choose from"
    )
    parser.add_argument("--peer-env", type=Path, metavar="DIR")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="lsm-eval-generation-") as scratch:
            return _run(options, Path(scratch))
    except UserError as error:
        print(f"generation: {error}", file=sys.stderr)
        return 2


def _run(options: argparse.Namespace, scratch: Path) -> int:
    python = peer_python(options.peer_env, _say)
    folder = checkpoint("smollm2-135m", progress=_say).resolve()
    (loaded,) = Registry().resolve([_TASK])
    mirror = find_mirror(Path(options.data_mirror) if options.data_mirror else None, [loaded.task])
    compared = COMPARISONS[_TASK]
    order = {
        "checkpoint": str(folder),
        "config": compared.config,
        "overrides": {**data_overrides(loaded.task, mirror), **compared.overrides},
        "limit": options.limit,
    }
    sizes = [int(size) for size in options.batch_sizes.split(",")]
    best = sizes[0]
    if len(sizes) > 1:
        few = {**order, "limit": min(_TUNING, options.limit)}
        tried = {}
        for size in sizes:
            _say(f"the peer with a batch size of {size}")
            tried[size] = _timed(python, "generation_peer.py", {**few, "batch_size": size}, scratch)[0].asking
        best = min(tried, key=lambda size: tried[size])
    rounds: list[tuple[Timing, Timing]] = []
    ours: dict[str, Any] = {}
    theirs: dict[str, Any] = {}
    for number in range(options.rounds):
        _say(f"round {number + 1} of {options.rounds}")
        job = {"mirror": str(mirror), "limit": options.limit, "out": str(scratch / f"records-{number}")}
        here, ours = _timed(Path(sys.executable), "generation_ours.py", job, scratch)
        there, theirs = _timed(python, "generation_peer.py", {**order, "batch_size": best}, scratch)
        rounds.append((here, there))
    return _show(rounds, ours, theirs, best)


def _timed(python: Path, script: str, job: Mapping[str, Any], scratch: Path) -> tuple[Timing, dict[str, Any]]:
    start = time.perf_counter()
    answer = run_peer(python, script, job, scratch)
    return Timing(answer["seconds"], time.perf_counter() - start), answer


def _show(
    rounds: Sequence[tuple[Timing, Timing]],
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    size: int,
) -> int:
    if ours["prompts"] != theirs["prompts"]:
        raise UserError("the two tools were asked different questions, so their times cannot be compared.")
    machine = hardware("cpu")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("torch", "transformers"))
    print(
        f"lsm-eval {metadata.version('lsm-eval')} and lm-eval {PEER_VERSION}, {datetime.now(UTC):%Y-%m-%d}; {versions}"
    )
    print(f"SmolLM2-135M in float32 on {machine['cores']} cores of {machine['cpu']}; {len(rounds)} rounds\n")
    differ = [
        number
        for number, (mine, other) in enumerate(zip(ours["texts"], theirs["texts"], strict=True))
        if mine != other
    ]
    counts = ours["computed"]
    cells = {
        "questions": f"{len(ours['texts'])}",
        "peer's batch size": f"{size}",
        "here, s": f"{statistics.median(here.asking for here, _ in rounds):.1f}",
        "there, s": f"{statistics.median(there.asking for _, there in rounds):.1f}",
        "ratio (lowest to highest)": _spread([there.asking / here.asking for here, there in rounds]),
        "ratio of whole processes": _spread([there.whole / here.whole for here, there in rounds]),
        "texts that differ": f"{len(differ)}",
        "prompt tokens asked / read": f"{ours['prompt_tokens']:,} / {counts['prefill_tokens']:,.0f}",
        "new tokens a second": f"{counts['decode_tokens'] / counts['decode_seconds']:.0f}",
        "sequences a step": f"{counts['decode_tokens'] / counts['decode_passes']:.1f}",
    }
    print(f"| {' | '.join(cells)} |")
    print(f"|{' ---: |' * len(cells)}")
    print(f"| {' | '.join(cells.values())} |")
    for number in differ[:5]:
        print(f"\nquestion {number}, here:\n{ours['texts'][number]!r}\nthere:\n{theirs['texts'][number]!r}")
    return int(len(differ) > _NEAR_TIES * len(ours["texts"]))


def _spread(ratios: Sequence[float]) -> str:
    return f"**{statistics.median(ratios):.1f}** ({min(ratios):.1f} to {max(ratios):.1f})"


def _say(line: str) -> None:
    print(f"generation: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
