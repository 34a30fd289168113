"""What a shell completes, as its script asks for it, and how soon."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Runner, environment, spawn, write_task


def bash(words: str, at: int | None = None) -> list[str]:
    """What bash is given where the cursor stands at the end of the word `at`, the last one by default. Bash takes a colon
    for a word of its own."""
    split = words.replace(":", " : ").split(" ")
    split = [word for place, word in enumerate(split) if word or place == len(split) - 1]
    done = spawn(
        env={
            "_LSM_EVAL_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(split),
            "COMP_CWORD": str(len(split) - 1 if at is None else at),
        }
    )
    assert done.err == ""
    return [line.partition(",")[2] for line in done.out.splitlines() if line]


def test_commands_and_options() -> None:
    assert bash("lsm-eval re") == ["records"]
    assert {"list", "show", "samples", "check", "remove"} <= set(bash("lsm-eval records "))
    assert bash("lsm-eval run --quan") == ["--quantize"]
    assert bash("lsm-eval run --overflow tr") == ["truncate"]
    assert bash("lsm-eval nothing --") == bash("lsm-eval --")


def test_a_new_task() -> None:
    assert bash("lsm-eval ne") == ["new"]
    assert bash("lsm-eval new ta") == ["task"]
    assert bash("lsm-eval new task mine --request ge") == ["generate"]
    assert bash("lsm-eval new task mine --area s") == ["safety", "summarisation"]
    assert bash("lsm-eval new task mine --overw") == ["--overwrite"]
    assert bash("lsm-eval check-") == ["check-tasks"]
    assert bash("lsm-eval check-tasks winob") == ["winobias"]


def test_tasks_and_suites() -> None:
    assert bash("lsm-eval run --tasks quicksta")[0] == "quickstart"
    assert bash("lsm-eval run --tasks mmlu,hellas") == ["mmlu,hellaswag"]
    assert bash("lsm-eval run --tasks mmlu,mml") == [], "named already"
    assert bash("lsm-eval show task winob") == ["winobias"]
    assert bash("lsm-eval data pin mmlu hellas") == ["hellaswag"]


def test_included_tasks(tmp_path: Path) -> None:
    write_task(tmp_path, "zebra", [{"question": "a"}])
    assert bash(f"lsm-eval run --include {tmp_path} --tasks zeb") == ["zebra"]
    assert bash(f"lsm-eval run --include {tmp_path}/none --tasks mmlu") == []


def test_models() -> None:
    assert "builtin:uniform" in bash("lsm-eval run --model ")
    assert "smollm2-135m" in bash("lsm-eval run --model builtin:")
    assert bash("lsm-eval run --model builtin:unif") == ["uniform"]
    assert bash("lsm-eval run --model bui")[0].startswith("builtin:")
    assert bash("lsm-eval run --model builtin:first --tasks quicksta")[0] == "quickstart"
    assert bash("lsm-eval run --judge open") == ["openai:"]


def test_files_after_a_prefix(tmp_path: Path) -> None:
    for name in ("one.gguf", "two.gguf", "other.txt"):
        (tmp_path / name).touch()
    assert bash(f"lsm-eval run --model llama.cpp:{tmp_path}/o") == [f"{tmp_path}/one.gguf"]


def test_wordings() -> None:
    assert bash("lsm-eval run --perturb typ") == ["typos"]
    assert bash("lsm-eval run --perturb typos+option_o") == ["typos+option_order"]


def test_of_a_record_and_the_store(run: Runner) -> None:
    record = run(model="builtin:first").record
    assert bash(f"lsm-eval records samples {record} ch") == ["choose"]
    assert bash(f"lsm-eval records samples {record} choose --metric a") == ["acc"]
    assert bash(f"lsm-eval records samples {record}/none ch") == []
    assert bash("lsm-eval store remove --model builtin:f") == ["first"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_other_shells(shell: str) -> None:
    script = spawn(env={"_LSM_EVAL_COMPLETE": f"{shell}_source"})
    assert script.code == 0
    assert "_LSM_EVAL_COMPLETE" in script.out
    words = {"COMP_WORDS": "lsm-eval run --model builtin:unif", "COMP_CWORD": "builtin:unif"}
    if shell == "zsh":
        words["COMP_CWORD"] = "3"
    if shell != "bash":
        done = spawn(env={"_LSM_EVAL_COMPLETE": f"{shell}_complete", **words})
        assert "uniform" in done.out


_IMPORTED = """
import sys
from lsm_eval.cli import main
try:
    main([])
finally:
    print([name for name in sys.argv[1].split(",") if name in sys.modules], file=sys.stderr)
"""


@pytest.mark.parametrize(
    "words", ["lsm-eval run --tasks m", "lsm-eval run --model b", "lsm-eval run --perturb t", "lsm-eval r"]
)
def test_nothing_heavy_is_imported(words: str) -> None:
    heavy = "torch,transformers,datasets,pandas,pyarrow,evaluate,scipy,numpy,rich"
    env = environment(
        _LSM_EVAL_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(len(words.split()) - 1)
    )
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTED, heavy], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout
    assert json.loads(done.stderr.replace("'", '"')) == []
