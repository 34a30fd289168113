"""What a user waits for before anything happens, and what a terminal shows."""

from __future__ import annotations

import os
import pty
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Runner, environment, spawn

HEAVY = (
    "torch",
    "transformers",
    "datasets",
    "pandas",
    "pyarrow",
    "evaluate",
    "sacrebleu",
    "scipy",
    "nltk",
    "peft",
)
LIGHT = [
    ["--help"],
    ["--version"],
    ["run", "--help"],
    ["merge", "--help"],
    ["gate", "--help"],
    ["gate", "plan", "--help"],
    ["baseline", "accept", "--help"],
    ["list", "tasks"],
    ["list", "tasks", "--json"],
    ["list", "suites"],
    ["list", "models"],
    ["list", "metrics"],
    ["list", "detectors"],
    ["new", "task", "--help"],
    ["check-tasks", "--help"],
    ["run", "--tasks", "no_such_task"],
]
_IMPORTED = """
import sys
from lsm_eval.cli import main
try:
    main(sys.argv[2:])
finally:
    print([name for name in sys.argv[1].split(",") if name in sys.modules], file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", LIGHT, ids=" ".join)
def test_nothing_heavy_is_imported(arguments: list[str], repo: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTED, ",".join(HEAVY), *arguments],
        cwd=repo, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == (2 if "no_such_task" in arguments else 0), done.stderr
    assert done.stderr.splitlines()[-1] == "[]"


def _processor_seconds(arguments: list[str], compiled: Path) -> float:
    """Of a process of its own that finds all modules compiled from the second time on."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = {"PYTHONPYCACHEPREFIX": str(compiled), "PYTHONDONTWRITEBYTECODE": ""}
    assert spawn(*arguments, env=env).code == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize(
    ("arguments", "most"),
    [
        (["--help"], 0.2),
        (["list", "tasks"], 0.3),
        (["list", "suites"], 0.3),
        (["list", "metrics"], 0.6),
        (["list", "detectors"], 0.4),
    ],
)
def test_starts_at_once(arguments: list[str], most: float, tmp_path: Path) -> None:
    """Half of it on a machine with nothing else to do; others that share its cores and caches make it slower."""
    assert min(_processor_seconds(arguments, tmp_path) for _ in range(6)) < most


def test_a_reader_that_goes_away() -> None:
    """As `lsm-eval list tasks | head -1`, and with a pipe that nobody reads at all."""
    command = f"{sys.executable} -m lsm_eval list tasks --json"
    for reader in ("head -1", "true"):
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", f"{command} | {reader}"],
            env=environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.stderr == ""


@pytest.mark.slow
def test_plain_lines_in_a_pipe(run: Runner) -> None:
    done = spawn(*run.arguments("--store", "none", tasks="choose,say"))
    assert done.code == 0, done.err
    assert "\x1b" not in done.out + done.err
    assert "\r" not in done.out + done.err
    assert re.search(r"^score: 24 of 24, [\d,]+ tokens/s, \d+\.\d s$", done.err, re.MULTILINE)
    assert re.search(r"^generate: 24 of 24, [\d,]+ tokens/s, \d+\.\d s$", done.err, re.MULTILINE)
    assert done.out.splitlines()[0].split() == [
        "task",
        "metric",
        "value",
        "95",
        "%",
        "interval",
        "n",
        "missing",
    ]


def _on_terminal(arguments: list[str]) -> tuple[int, str]:
    """Exit code and all that a terminal of 100 columns is sent."""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "lsm_eval", *arguments],
        env=environment(),
        stdout=child,
        stderr=child,
        stdin=child,
    )
    os.close(child)
    shown = b""
    while True:
        try:
            part = os.read(parent, 65536)
        except OSError:  # Linux says so when the other side is closed
            break
        if not part:
            break
        shown += part
    os.close(parent)
    return process.wait(), shown.decode()


@pytest.mark.slow
def test_bars_on_a_terminal(run: Runner) -> None:
    code, shown = _on_terminal(run.arguments("--store", "none", tasks="choose,say"))
    assert code == 0, shown
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    drawn = re.split(r"[\r\n]+", plain)
    for phase in ("data", "tokenise", "score", "generate", "metrics"):
        assert any(re.match(rf"{phase} +[━╸╺ ]+ \d+/\d+ ", line) for line in drawn), phase
    last = [line for line in drawn if line.startswith("score")][-1]
    assert re.search(r"24/24 +[\d,]+ tokens/s +0:00:\d\d +left +0:00:00", last), last
    # The end state is clean: the cursor is there again, no colour is left on, and the result stands alone.
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") > 0
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l")
    lines = [line.rstrip() for line in plain.replace("\r", "").split("\n")]
    assert lines[-2].startswith("record: ")
    assert lines[-1] == ""
    assert "━" not in "\n".join(lines[-4:])


def test_a_mistake_on_a_terminal_leaves_the_cursor(run: Runner, broken: Path) -> None:
    (broken / "model.safetensors").unlink()
    code, shown = _on_terminal(run.arguments(model=broken))
    assert code == 2
    assert "its weights cannot be used" in shown
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h")
    assert "Traceback" not in shown


@pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), (["run", "--tasks", "none_such"], 2)])
def test_threads_that_abort_while_python_ends_change_no_exit_code(arguments: list[str], code: int) -> None:
    program = (
        "import atexit, os, sys, threading, time\n"
        "class Abort:\n"
        "    def __del__(self):\n"
        "        os.abort()\n"
        "sys.modules['keeps_it'] = Abort()\n"
        "atexit.register(print, 'done before the end')\n"
        f"sys.argv = ['lsm-eval', *{arguments!r}]\n"
        "from lsm_eval.cli import command\n"
        "command()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "done before the end" in done.stdout
