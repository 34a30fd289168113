"""The command line called from tests, and a folder of small tasks to call it with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Outcome:
    """What a command left: exit code and texts."""

    code: int
    out: str
    err: str

    @property
    def record(self) -> Path:
        """The record that a run says it wrote."""
        return Path(self.out.strip().splitlines()[-1].removeprefix("record: "))

    def sentence(self) -> str:
        """The one sentence of a refused command. Fails where it is not that."""
        lines = [line for line in self.err.splitlines() if line.startswith("lsm-eval: ")]
        assert self.code == 2, (self.code, self.out, self.err)
        assert "Traceback" not in self.err
        assert self.out == ""
        assert len(lines) == 1, self.err
        assert self.err.splitlines()[-1] == lines[0], "the sentence is the last that is said"
        return lines[0].removeprefix("lsm-eval: ")


def call(*arguments: str | Path) -> Outcome:
    """`lsm-eval` in this process: as the console script, without the seconds of importing torch."""
    from lsm_eval.cli import main

    out, err = StringIO(), StringIO()
    handler = signal.getsignal(signal.SIGTERM)
    texts = [str(argument) for argument in arguments]
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["lsm-eval", *texts])
        # --offline sets it for good; here it must end with the call.
        patch.setenv("HF_HUB_OFFLINE", os.environ.get("HF_HUB_OFFLINE", "0"))
        try:
            main(texts)
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 0 if left.code is None else 1
        finally:
            signal.signal(signal.SIGTERM, handler)
    return Outcome(code, out.getvalue(), err.getvalue())


def environment(**more: str) -> dict[str, str]:
    """For a process of its own."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "TERM": "xterm", "COLUMNS": "100", **more}


def spawn(*arguments: str | Path, env: Mapping[str, str] | None = None, **options: Any) -> Outcome:
    """`lsm-eval` as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "lsm_eval", *map(str, arguments)],
        env=environment(**(env or {})),
        capture_output=True,
        text=True,
        check=False,
        **options,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


_CALLS = """
import dataclasses, json, sys
sys.path[:0] = json.loads(sys.argv[1])
from command_line import call
print(json.dumps([dataclasses.asdict(call(*command)) for command in json.load(sys.stdin)]))
"""


def call_elsewhere(commands: Sequence[Sequence[str]], env: Mapping[str, str]) -> list[Outcome]:
    """Several commands, one after the other, in one process of its own: for what is read at import."""
    here = Path(__file__).resolve().parent
    done = subprocess.run(
        [sys.executable, "-c", _CALLS, json.dumps([str(here), str(here.parent)])],
        input=json.dumps(commands),
        env=environment(**env),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [Outcome(**fields) for fields in json.loads(done.stdout.splitlines()[-1])]


def write_task(folder: Path, name: str, rows: list[dict[str, Any]], **fields: Any) -> Path:
    """A task file `<name>.yaml` with its data beside it; `fields` are added, None removes one."""
    import yaml

    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    content: dict[str, Any] = {
        "task": name,
        "version": 1,
        "title": name,
        "area": "accuracy",
        "dataset": {"file": f"{name}.jsonl", "columns": list(rows[0]) if rows else ["question"]},
        "licence": "CC0-1.0",
        "source": "made by a test",
        **fields,
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in content.items() if v is not None}, sort_keys=False))
    return path


QUESTIONS: list[dict[str, Any]] = [
    {
        "question": f"what is {a} and {b} of the cat",
        "choices": ["the mat", f"log {a}", "yes", "a long story of weather"][: 2 + a % 3],
        "answer": a % 2,
    }
    for a in range(6)
    for b in range(4)
]

SCORE = {
    "request": "score",
    "prompt": "{{ question }}?",
    "choices": "{{ choices }}",
    "target": "{{ answer }}",
    "metrics": ["acc"],
}
GENERATE = {
    "request": "generate",
    "prompt": "{{ question }}?",
    "target": "{{ choices[answer] }}",
    "stop": ["\n", "cat"],
    "max_tokens": 8,
    "metrics": ["exact_match", "f1"],
}
PERPLEXITY = {
    "request": "perplexity",
    "prompt": "{{ question }}, {{ choices | join(' or ') }}",
    "area": "perplexity",
    "metrics": ["byte_perplexity"],
}


def write_tasks(folder: Path) -> Path:
    """`choose`, `say` and `read`: a task of each kind of request."""
    write_task(folder, "choose", QUESTIONS, **SCORE)
    write_task(folder, "say", QUESTIONS, **GENERATE)
    write_task(folder, "read", QUESTIONS, **PERPLEXITY)
    return folder


class Runner:
    """`lsm-eval run` with a small task and a tiny model, into a folder of the test's own."""

    def __init__(self, model: Path, tasks: Path, out: Path) -> None:
        self.model, self.tasks, self.out = model, tasks, out

    def __call__(
        self, *more: str | Path, tasks: str = "choose", model: str | Path = "", include: Path | None = None
    ) -> Outcome:
        return call(*self.arguments(*more, tasks=tasks, model=model, include=include))

    def arguments(
        self, *more: str | Path, tasks: str = "choose", model: str | Path = "", include: Path | None = None
    ) -> list[str]:
        asked = ["--model", model or self.model] if model or "--model" not in more else []
        named = ["--tasks", tasks, *asked, "--include", include or self.tasks]
        return ["run", *map(str, named), "--out", str(self.out), *map(str, more)]
