"""Does any input end in a traceback, or hang?

    python benchmarks/fuzz.py [--cases N] [--seed N] [--kinds A,B] [--workers N] [--only N] [--keep DIR]

Makes odd task files, data files, records, response stores, command lines and checkpoints from a seed, and calls `lsm-eval`
with each. Right is code 0, or code 2 with one sentence; a damaged store must also leave the numbers as they were. Every case
can be made again by its number (`--only`). The exit code is 1 if any case went wrong.

It needs the development environment, and no network: the hub, the package index and downloads are all kept out.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from fuzz_cases import KINDS
from fuzz_worker import LIMIT, Result, kind_of

_BLOCK = 250  # cases of one worker process: torch and the caches of templates start anew with each
_SHELTERED = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "PIP_NO_INDEX": "1",
    "PIP_CONFIG_FILE": os.devnull,
    "UV_OFFLINE": "1",
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "LSM_EVAL_DATA_MIRROR": "",
    "LSM_EVAL_DATA_FILES": "",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="fuzz.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--kinds", default=",".join(KINDS), metavar="A,B")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    parser.add_argument("--only", type=int, metavar="N", help="one case, with all that it says")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="folder for the files of cases that went wrong"
    )
    options = parser.parse_args(arguments)
    kinds = options.kinds.split(",")
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        print(f"fuzz: unknown kind {unknown[0]!r}; there are {', '.join(KINDS)}", file=sys.stderr)
        return 2
    numbers = [options.only] if options.only is not None else list(range(options.cases))
    with tempfile.TemporaryDirectory(prefix="lsm-eval-fuzz-") as place:
        keep = options.keep.resolve() if options.keep else None
        results = list(
            _all(numbers, options.seed, kinds, options.workers, Path(place), keep, options.only is not None)
        )
    _report(results, options.seed)
    return 0 if all(result.right for result in results) else 1


def _report(results: Sequence[Result], seed: int) -> None:
    print("| kind | cases | done | refused | wrong | median s | longest s |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for kind in KINDS:
        own = [result for result in results if result.kind == kind]
        if own:
            count = Counter(result.outcome for result in own)
            seconds = sorted(result.seconds for result in own)
            wrong = sum(not result.right for result in own)
            print(
                f"| {kind} | {len(own):,} | {count['done']:,} | {count['refused']:,} | {wrong:,} "
                f"| {seconds[len(seconds) // 2]:.2f} | {seconds[-1]:.1f} |"
            )
    places = Counter(
        (r.outcome, r.kind, r.detail.splitlines()[-1] if r.detail else "") for r in results if not r.right
    )
    first = {
        (r.outcome, r.kind, r.detail.splitlines()[-1] if r.detail else ""): r.number
        for r in reversed(results)
    }
    for (outcome, kind, what), times in places.most_common():
        print(
            f"{times} x {outcome}, {kind} (such as --seed {seed} --only {first[outcome, kind, what]}): {what[:300]}"
        )


def _all(
    numbers: Sequence[int],
    seed: int,
    kinds: Sequence[str],
    workers: int,
    place: Path,
    keep: Path | None,
    talk: bool,
) -> Iterator[Result]:
    """Results as they come, from several workers at a time."""
    blocks = [list(numbers[at : at + _BLOCK]) for at in range(0, len(numbers), _BLOCK)]
    running: list[_Worker] = []
    done = 0
    while blocks or running:
        while blocks and len(running) < workers:
            running.append(_Worker(blocks.pop(0), seed, kinds, place, keep, talk))
        for worker in list(running):
            for result in worker.poll():
                done += 1
                if done % 500 == 0:
                    print(f"{done:,} cases", file=sys.stderr)
                yield result
            if worker.finished:
                running.remove(worker)
                if worker.left:
                    blocks.insert(0, worker.left)


class _Worker:
    """A process that does cases one after the other, and is ended where one takes too long."""

    def __init__(
        self, numbers: list[int], seed: int, kinds: Sequence[str], place: Path, keep: Path | None, talk: bool
    ) -> None:
        self.left = numbers
        self.finished = False
        self._seed, self._kinds = seed, kinds
        task = {
            "numbers": numbers,
            "seed": seed,
            "kinds": list(kinds),
            "talk": talk,
            "keep": str(keep) if keep else None,
        }
        self._folder = Path(tempfile.mkdtemp(dir=place))
        environment = {**os.environ, **_SHELTERED, "LSM_EVAL_CACHE": str(self._folder / "cache")}
        here = Path(__file__).resolve().parent
        environment["PYTHONPATH"] = os.pathsep.join(
            filter(None, (str(here.parent), os.environ.get("PYTHONPATH")))
        )
        self._process = subprocess.Popen(
            [
                sys.executable,
                str(here / "fuzz_worker.py"),
                json.dumps({**task, "folder": str(self._folder)}),
            ],
            stdout=subprocess.PIPE,
            stderr=None if talk else subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            env=environment,
        )
        self._buffer = b""
        self._started = (
            time.monotonic() + 600
        )  # until the first case: imports, and the run that all start from
        self._current: int | None = None

    def poll(self) -> Iterator[Result]:
        """What is new."""
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], 0.05)
        if ready:
            chunk = os.read(self._process.stdout.fileno(), 1 << 16)
            if not chunk:
                yield from self._end("died")
                return
            self._buffer += chunk
            *lines, self._buffer = self._buffer.split(b"\n")
            for line in lines:
                said = json.loads(line)
                if "start" in said:
                    self._current, self._started = said["start"], time.monotonic()
                else:
                    self.left = self.left[1:]
                    self._current = None
                    yield Result(**said)
        elif time.monotonic() - self._started > LIMIT + 5:
            yield from self._end("hang")

    def _end(self, outcome: str) -> Iterator[Result]:
        self._process.kill()
        code = self._process.wait()
        self.finished = True
        if self._current is not None:
            kind = kind_of(self._current, self._seed, self._kinds)
            self.left = self.left[1:]
            yield Result(
                self._current,
                kind,
                outcome,
                time.monotonic() - self._started,
                f"the process ended with {code}",
            )
        elif self.left:
            raise SystemExit(f"fuzz: a worker ended with code {code} between cases")
        shutil.rmtree(self._folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
