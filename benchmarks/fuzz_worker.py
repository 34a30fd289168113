"""A worker of `fuzz.py`: does its cases one after the other in one process, and says what came of each."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import resource
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from fuzz_cases import SHARES, make_case
from fuzz_world import Case, World, make_world

LIMIT = 20.0
"""Seconds that a case may take."""
_MEMORY = 8 * 2**30  # bytes of address space that a worker may have


@dataclass(frozen=True)
class Result:
    """What came of a case."""

    number: int
    kind: str
    outcome: str
    """`done`, `refused`, or what went wrong: `traceback`, `wrong code`, `no sentence`, `wrong result`, `hang`, `died`."""
    seconds: float
    detail: str = ""

    @property
    def right(self) -> bool:
        """Whether it is as it should be."""
        return self.outcome in ("done", "refused")


def kind_of(number: int, seed: int, kinds: Sequence[str]) -> str:
    """The kind of a case."""
    return random.Random(f"kind/{seed}/{number}").choices(kinds, [SHARES[kind] for kind in kinds])[0]


def work(task: dict[str, object]) -> int:
    """In a worker: do the cases, one JSON line when each starts and one when it is done."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    report = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints past Python goes where it disturbs nobody
    folder = Path(str(task["folder"]))
    (folder / "world").mkdir()
    tests = Path(__file__).resolve().parent.parent / "tests"
    world = make_world(folder / "world", tests, lambda arguments: _call(arguments)[0])
    for number in task["numbers"]:  # type: ignore[attr-defined]
        print(json.dumps({"start": number}), file=report, flush=True)
        result = _one(number, task, folder / f"case-{number}", world)
        print(json.dumps(asdict(result)), file=report, flush=True)
    return 0


def _one(number: int, task: dict[str, object], folder: Path, world: World) -> Result:
    seed, kinds = task["seed"], task["kinds"]
    kind = kind_of(number, seed, kinds)  # type: ignore[arg-type]
    folder.mkdir()
    case = make_case(kind, random.Random(f"case/{seed}/{number}"), folder, world)
    os.chdir(folder)
    encoding = random.Random(f"console/{number}").choice(("utf-8", "utf-8", "ascii", "cp1252"))
    start = time.monotonic()
    code, out, err, raised = _call(case.arguments, encoding)
    seconds = time.monotonic() - start
    outcome, detail = _judged(code, out, err, raised, case.codes)
    if outcome == "done":
        wrong = _wrong(case, folder, out)
        outcome, detail = ("wrong result", wrong) if wrong else (outcome, detail)
    if seconds > LIMIT:
        outcome = "hang"
    result = Result(number, kind, outcome, seconds, detail)
    if task["talk"]:
        print(
            f"{case.arguments}\ncode {code}, {encoding}, {seconds:.1f} s\n{out}\n{err}\n{raised}",
            file=sys.stderr,
        )
    os.chdir(folder.parent)
    keep = task["keep"]
    if keep and not result.right:
        shutil.copytree(folder, Path(str(keep)) / f"{kind} {number}", dirs_exist_ok=True, symlinks=True)
        (Path(str(keep)) / f"{kind} {number}" / "arguments.json").write_text(json.dumps(case.arguments))
    shutil.rmtree(folder, ignore_errors=True)
    return result


def _wrong(case: Case, folder: Path, out: str) -> str | None:
    """What is wrong with what was left; a file that cannot be read is wrong, too."""
    try:
        return case.check(folder, out)
    except Exception as error:  # noqa: BLE001 - whatever a reader of the file raises
        return f"{type(error).__name__}: {str(error)[:300]}"


def _judged(code: int, out: str, err: str, raised: str, right: frozenset[int]) -> tuple[str, str]:
    if raised or "Traceback" in err or code == 70:
        return "traceback", raised or "\n".join(err.strip().splitlines()[-3:])
    if code not in {*right, 2}:
        return "wrong code", f"code {code}: {err.strip()[-300:]}"
    if (
        code == 2
        and not any(line.startswith("lsm-eval: ") for line in err.splitlines())
        and "Usage:" not in out + err
    ):
        return "no sentence", err.strip()[-300:]
    return ("refused" if code == 2 else "done"), ""


def _call(arguments: Sequence[str], encoding: str = "utf-8") -> tuple[int, str, str, str]:
    """Exit code, output, errors, and the place where an exception came from (empty where none got out)."""
    import traceback

    from lsm_eval.cli import main as lsm_eval

    # As `prepare_streams` makes those of a process; it leaves alone what a caller has put in their place.
    out, err = (
        io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace", write_through=True)
        for _ in range(2)
    )
    raised = ""
    code = 0
    before = dict(os.environ)
    argv = sys.argv
    sys.argv = ["lsm-eval", *arguments]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            lsm_eval(list(arguments))
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 0 if left.code is None else 1
    except BaseException as error:  # noqa: BLE001 - what is looked for here
        frames = [
            frame for frame in traceback.extract_tb(error.__traceback__) if "lsm_eval" in frame.filename
        ]
        where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno} {frames[-1].name}" if frames else "?"
        raised = f"{type(error).__name__} in {where}: {' '.join(str(error).split())[:150]}"
    finally:
        sys.argv = argv
        os.environ.clear()
        os.environ.update(before)
    texts = [_text(stream, encoding) for stream in (out, err)]
    return code, texts[0], texts[1], raised


def _text(stream: io.TextIOWrapper, encoding: str) -> str:
    try:
        buffer = stream.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode(encoding, "replace")
    except ValueError:
        return ""  # closed by the command


if __name__ == "__main__":
    sys.exit(work(json.loads(sys.argv[1])))
