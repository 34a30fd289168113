"""Are our numbers those of lm-evaluation-harness 0.4.13, sample by sample?

    python benchmarks/parity.py [--data-mirror DIR] [--limit N] [--tasks A,B] [--peer-env DIR]

Both tools score the same checkpoint on the same Parquet files in float32 on the CPU. Compared are prompts and
continuations (character by character), summed log-probabilities (within 1e-3), choices (equal wherever two are
further apart than that), generated texts (equal), every sample's metrics and their means. Prints a table and
ends with code 0 if all agree, 1 if anything differs, and 2 if it could not be found out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from parity_compare import TOLERANCE, Finding, compare, ours, theirs
from parity_env import PEER_VERSION, peer_python, run_peer
from parity_tasks import COMPARISONS, Comparison

from lsm_eval.errors import UserError, unknown
from lsm_eval.models.builtin import checkpoint
from lsm_eval.paths import cache_dir
from lsm_eval.results.reader import Record, read_records
from lsm_eval.runner.environment import hardware
from lsm_eval.tasks.registry import Registry
from lsm_eval.tasks.schema import Task

_BUILTIN = "smollm2-135m"
_SHOWN = 10  # differences a task that are written out


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        findings = _run(options)
    except UserError as error:
        print(f"parity: {error}", file=sys.stderr)
        return 2
    return verdict(findings)


def verdict(findings: Sequence[Finding]) -> int:
    """The exit code: 1 if anything differs, or nothing was compared at all."""
    agreed = [finding.samples > 0 and not finding.differences for finding in findings]
    return 0 if agreed and all(agreed) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="parity.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--data-mirror",
        type=Path,
        metavar="DIR",
        default=os.environ.get("LSM_EVAL_DATA_MIRROR") or None,
        help="hub data as `lsm-eval data mirror` writes it [env: LSM_EVAL_DATA_MIRROR]; made in the cache "
        "folder where none is named",
    )
    parser.add_argument(
        "--limit", type=int, metavar="N", help="samples of each task, in place of its own number"
    )
    parser.add_argument("--tasks", metavar="A,B", help=f"some of {', '.join(COMPARISONS)}; all by default")
    parser.add_argument(
        "--peer-env",
        type=Path,
        metavar="DIR",
        help=f"a virtual environment that has lm-eval {PEER_VERSION} and our torch and transformers; made in "
        "the cache folder by default",
    )
    parser.add_argument(
        "--checkpoint", type=Path, metavar="DIR", help="a transformers folder, in place of the built-in model"
    )
    return parser


def _run(options: argparse.Namespace) -> list[Finding]:
    comparisons = _chosen(options.tasks, options.limit)
    tasks = {comparison.name: Registry().resolve([comparison.task])[0].task for comparison in comparisons}
    python = peer_python(options.peer_env, _say)
    if options.checkpoint is not None and not (options.checkpoint / "config.json").is_file():
        raise UserError(
            f"--checkpoint {options.checkpoint}: name a folder that holds a transformers checkpoint."
        )
    folder = (options.checkpoint or checkpoint(_BUILTIN, progress=_say)).resolve()
    mirror = find_mirror(options.data_mirror, list(tasks.values()))
    with tempfile.TemporaryDirectory(prefix="lsm-eval-parity-") as scratch:
        work = Path(scratch)
        records: dict[tuple[str, int, bool], Record] = {}
        for comparison in comparisons:
            key = (comparison.task, _limit(comparison, options.limit), comparison.chat)
            if key not in records:
                model = str(folder) if options.checkpoint else f"builtin:{_BUILTIN}"
                records[key] = _ask_us(model, mirror, *key, work / "-".join(map(str, key)))
        jobs = [
            {
                "name": comparison.name,
                "config": comparison.config,
                "overrides": {**data_overrides(tasks[comparison.name], mirror), **comparison.overrides},
                "limit": _limit(comparison, options.limit),
                "chat": comparison.chat,
            }
            for comparison in comparisons
        ]
        answers = run_peer(python, "parity_peer.py", {"checkpoint": str(folder), "jobs": jobs}, work)
        findings = []
        for comparison in comparisons:
            record = records[comparison.task, _limit(comparison, options.limit), comparison.chat]
            answer = answers[comparison.name]
            findings.append(
                compare(
                    comparison,
                    ours(comparison, record.samples(comparison.task).to_pylist()),
                    theirs(comparison, answer["samples"]),
                    {row.metric: row.value for row in record.estimates if row.task == comparison.task},
                    answer["results"],
                )
            )
    _show(findings, options.checkpoint.name if options.checkpoint else f"builtin:{_BUILTIN}")
    return findings


def _chosen(names: str | None, limit: int | None) -> list[Comparison]:
    if limit is not None and limit < 1:
        raise UserError("--limit must be 1 or more.")
    if names is None:
        return list(COMPARISONS.values())
    found = []
    for name in dict.fromkeys(part.strip() for part in names.split(",") if part.strip()):
        if name not in COMPARISONS:
            raise unknown("task", name, COMPARISONS)
        found.append(COMPARISONS[name])
    if not found:
        raise UserError(f"--tasks names no task: choose from {', '.join(COMPARISONS)}.")
    return found


def _limit(comparison: Comparison, limit: int | None) -> int:
    return limit or comparison.limit


def mirror_folder(task: Task, mirror: Path) -> Path:
    """Where the mirror has a task's data; of several configs, the first one's."""
    assert task.dataset.hub is not None
    config = task.dataset.config or task.dataset.configs[0]
    return mirror / task.dataset.hub / config


def find_mirror(given: Path | None, tasks: Sequence[Task]) -> Path:
    """The folder of the data, absolute; fetched into the cache folder where none is named."""
    mirror = (given or cache_dir() / "parity" / "data").absolute()
    needed = [
        mirror_folder(task, mirror) / f"{split}.parquet"
        for task in tasks
        for split in (task.dataset.split, task.fewshot.split if task.fewshot.shots else None)
        if split
    ]
    missing = [path for path in needed if not path.is_file()]
    if missing and given is None:
        names = sorted({task.task for task in tasks})
        _say(f"fetching the data of {', '.join(names)} into {mirror}")
        _lsm_eval(["data", "mirror", *names, "--to", str(mirror)])
    elif missing:
        raise UserError(f"--data-mirror {given}: lacks {missing[0]}; make it with `lsm-eval data mirror`.")
    return mirror


def data_overrides(task: Task, mirror: Path) -> dict[str, Any]:
    """Keys of a stock task that make it read the mirror's files.

    Splits that the mirror lacks are ones that nobody asks for here: without examples, the stock task would
    read its training split all the same.
    """
    folder = mirror_folder(task, mirror)
    files = {
        split: str(folder / f"{split}.parquet")
        for split in ("train", "dev", "validation", "test")
        if (folder / f"{split}.parquet").is_file()
    }
    keys: dict[str, Any] = {
        "dataset_path": "parquet",
        "dataset_name": None,
        "dataset_kwargs": {"data_files": files},
    }
    if "train" not in files:
        keys["training_split"] = None
    return keys


def _ask_us(model: str, mirror: Path, task: str, limit: int, chat: bool, out: Path) -> Record:
    """The record of `lsm-eval run`, as a user would get it."""
    _say(f"lsm-eval: {task}{' in chat' if chat else ''}, {limit} samples")
    command = [
        "run",
        "--tasks",
        task,
        "--model",
        model,
        "--limit",
        str(limit),
        "--from-start",
        "--chat",
        "on" if chat else "off",
    ]
    command += ["--device", "cpu", "--dtype", "float32", "--data-mirror", str(mirror)]
    _lsm_eval([*command, "--store", "none", "--offline", "--out", str(out)])
    (record,) = read_records(out)
    return record


def _lsm_eval(arguments: Sequence[str]) -> None:
    command = [sys.executable, "-m", "lsm_eval", *arguments]
    done = subprocess.run(
        command, cwd=Path(__file__).resolve().parent.parent, stdout=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        raise UserError(f"`lsm-eval {arguments[0]}` ended with code {done.returncode}: see its words above.")


def _show(findings: Sequence[Finding], model: str) -> None:
    """The table, as Markdown, and every difference (the first few a task)."""
    own = ", ".join(f"{name} {metadata.version(name)}" for name in ("torch", "transformers", "tokenizers"))
    machine = hardware("cpu")
    print(
        f"lsm-eval {metadata.version('lsm-eval')} and lm-eval {PEER_VERSION}, {datetime.now(UTC):%Y-%m-%d}; {own}"
    )
    print(f"{model} in float32 on {machine['cores']} cores of {machine['cpu']}\n")
    print("| task | samples | log-probabilities | largest difference | choices | texts | metrics | |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | --- | --- |")
    for finding in findings:
        cells = [
            finding.name,
            str(finding.samples),
            str(finding.logprobs) if finding.logprobs else "–",
            f"{finding.largest:.1e}" if finding.logprobs else "–",
            _choices(finding),
            str(finding.texts) if finding.texts else "–",
            ", ".join(f"{name} {a:.4f} / {b:.4f}" for name, (a, b) in finding.values.items()),
            f"**{len(finding.differences)} differences**" if finding.differences else "same",
        ]
        print(f"| {' | '.join(cells)} |")
    for finding in findings:
        for difference in finding.differences[:_SHOWN]:
            print(f"\n{finding.name}: {difference}")
        if len(finding.differences) > _SHOWN:
            print(f"\n{finding.name}: and {len(finding.differences) - _SHOWN} more.")
    if not any(finding.differences for finding in findings):
        print(f"\nNo difference (log-probabilities within {TOLERANCE:g} nats; metrics: here / there).")


def _choices(finding: Finding) -> str:
    if not finding.choices:
        return "–"
    return str(finding.choices) + (f" ({finding.close} too close to count)" if finding.close else "")


def _say(line: str) -> None:
    print(f"parity: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
