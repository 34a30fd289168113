"""`lsm-eval profile` on the command line: what it prints, what it refuses, and that Ctrl-C ends it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from command_line import Outcome, call
from made_profiles import write_serving

from lsm_eval.recount.check import check_record

SMALL = (
    "--batch",
    "1,2",
    "--prompt-tokens",
    "8",
    "--output-tokens",
    "4",
    "--max-repeats",
    "5",
    "--device",
    "cpu",
)


@pytest.fixture(scope="module")
def profiled(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    """The command on a tiny model, and where it wrote."""
    out = tmp_path_factory.mktemp("profiled")
    return call("profile", "--model", str(tiny_llama), *SMALL, "--out", str(out)), out


def test_it_prints_one_table_and_where_the_record_is(profiled: tuple[Outcome, Path]) -> None:
    outcome, _ = profiled
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    assert lines[0].split()[:4] == ["phase", "batch", "prompt", "output"]
    assert len([line for line in lines if line.startswith(("prefill", "decode"))]) == 4
    assert all(len(line) <= 80 for line in lines[:-1]), max(lines, key=len)
    assert lines[-1].startswith("record: ")
    assert check_record(outcome.record).whole


def test_how_long_it_takes_is_said_before(profiled: tuple[Outcome, Path]) -> None:
    said = profiled[0].err
    assert "4 cells, 5 rounds and one to warm up: about" in said
    assert said.index("to warm up: about") < said.index("round 1")


def test_a_profile_is_shown_again_and_as_json(profiled: tuple[Outcome, Path]) -> None:
    outcome, out = profiled
    shown = call("show", "profile", str(out))
    assert shown.code == 0
    assert shown.out.splitlines()[1:] == outcome.out.splitlines()
    told = json.loads(call("show", "profile", str(outcome.record), "--json").out)
    assert told["record"] == str(outcome.record)
    assert next(cell["name"] for cell in told["profile"]["cells"]) == "prefill_b1_p8_o1"


def test_a_serving_profile_is_shown(tmp_path: Path) -> None:
    shown = call("show", "profile", str(write_serving(tmp_path)))
    assert shown.code == 0
    assert "TTFT ms" in shown.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--batch", "0"], "--batch 0: give whole numbers from 1"),
        (["--batch", "1,x"], "--batch 1,x: give whole numbers"),
        (["--batch", ""], "give whole numbers"),
        (["--prompt-tokens", "1,,2"], "--prompt-tokens 1,,2: give whole numbers"),
        (["--output-tokens", "-3"], "--output-tokens -3: give whole numbers"),
        (["--output-tokens", "99999999999999999999999"], "give whole numbers from 1 to 1,000,000"),
        (["--repeats", "4"], "4 is not in the range x>=5"),
        (["--max-repeats", "5", "--repeats", "6"], "--max-repeats 5 is fewer"),
        (["--prompt-tokens", "64"], "do not fit"),
        (["--model", "builtin:uniform"], "asks no model"),
        (["--model", "./nothing"], "no such folder"),
        (["--engine", "fast"], "is not one of"),
        (["--name", ""], "--name is empty"),
        (["--device", "gpu"], "--device gpu"),
        (["--slots", "2"], "--slots"),
    ],
)  # fmt: skip
def test_mistakes_are_one_sentence(
    options: Sequence[str], said: str, tiny_llama: Path, tmp_path: Path
) -> None:
    given = ["--model", str(tiny_llama)] if "--model" not in options else []
    outcome = call("profile", *given, *options, "--out", str(tmp_path / "out"))
    assert said in outcome.sentence()
    assert not list((tmp_path / "out").rglob("manifest.json"))


def test_a_folder_without_a_profile(tmp_path: Path) -> None:
    assert "holds no profile" in call("show", "profile", str(tmp_path)).sentence()


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [False, True])
def test_ctrl_c(rounds: bool, tiny_llama: Path, tmp_path: Path) -> None:
    """Before the first round nothing is left; later, what there is."""
    command = [
        sys.executable, "-m", "lsm_eval", "profile", "--model", str(tiny_llama), "--batch", "1", "--prompt-tokens", "8",
        "--output-tokens", "40", "--repeats", "5000", "--out", str(tmp_path),
    ]  # fmt: skip
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # Shells start what runs in the background with SIGINT ignored, and that is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:  # fmt: skip
        heard = ""
        assert process.stderr is not None
        for line in process.stderr:
            heard += line
            if line.startswith("round 3:" if rounds else "load model"):
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (heard, out, err)
    assert "Traceback" not in err
    records = list(tmp_path.rglob("manifest.json"))
    assert not list(tmp_path.rglob(".unfinished*"))
    if not rounds:
        assert records == []
        return
    manifest: dict[str, Any] = json.loads(records[0].read_text())
    assert manifest["profile"]["stopped"].startswith("Ctrl-C ended it in round")
    assert check_record(records[0].parent).whole
