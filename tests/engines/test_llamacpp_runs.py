"""`lsm-eval run --model llama.cpp:FILE.gguf`: records, interruptions, and what is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import GENERATE, QUESTIONS, Outcome, Runner, environment, spawn, write_task, write_tasks
from tiny_gguf import write_llama

from lsm_eval.models.gguf_checkpoint import convert
from lsm_eval.results.reader import read_record

pytest.importorskip("xllamacpp", reason="needs llama.cpp: pip install 'lsm-eval[llama-cpp]'")
pytest.importorskip("aiohttp", reason="needs aiohttp: pip install 'lsm-eval[llama-cpp]'")
pytestmark = pytest.mark.usefixtures("one_thread", "own_cache")


@pytest.fixture(scope="module")
def small_tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tasks `choose`, `say`, `read`, and `talk`, which has stop strings in a chat, too."""
    folder = write_tasks(tmp_path_factory.mktemp("tasks"))
    write_task(folder, "talk", QUESTIONS, **{**GENERATE, "chat_stop": ["\n", "cat"]})
    return folder


class TestRuns:
    def test_a_run_is_that_of_the_weights_in_process(
        self, gguf: Path, small_tasks: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "folder").mkdir()
        convert(gguf, tmp_path / "folder")
        far = Runner(tmp_path, small_tasks, tmp_path / "far")(
            "--dtype",
            "float32",
            "--slots",
            "2",
            "--threads",
            "1",
            tasks="say,talk",
            model=f"llama.cpp:{gguf}",
        )
        near = Runner(tmp_path / "folder", small_tasks, tmp_path / "near")(tasks="say,talk")
        assert far.code == 0, far.err
        assert near.code == 0, near.err
        there, here = read_record(far.record), read_record(near.record)
        for task in ("say", "talk"):
            columns = [
                (one["asked"].to_pylist(), one["prompt"].to_pylist(), one["completion"].to_pylist())
                for one in (there.samples(task), here.samples(task))
            ]
            assert columns[0][0] == columns[1][0]
            assert [f"<bos>{text}" for text in columns[0][1]] == columns[1][1]
            texts = [
                pair
                for pair in zip(columns[0][2], columns[1][2], strict=True)
                if "\ufffd" not in "".join(pair)
            ]
            assert texts
            assert all(one == other for one, other in texts)
        again = Runner(tmp_path, small_tasks, tmp_path / "far")(
            "--dtype",
            "float32",
            "--slots",
            "1",
            "--threads",
            "1",
            tasks="say,talk",
            model=f"llama.cpp:{gguf}",
        )
        assert again.code == 0, again.err
        manifest = json.loads((again.record / "manifest.json").read_text())
        assert manifest["requests"]["computed"] == 0, "the store knows the file by its content"
        seconds = [read_record(one.record).samples("say")["seconds"].to_pylist() for one in (far, again)]
        assert seconds[0] == seconds[1], "of when they were asked"
        assert min(seconds[0]) > 0
        assert "seconds" not in here.samples("say").column_names, "a batch's time is none of its samples'"

    def test_nothing_but_the_result_is_on_standard_output(
        self, gguf: Path, small_tasks: Path, tmp_path: Path
    ) -> None:
        done = _run(gguf, small_tasks, tmp_path)
        assert done.code == 0, done.err
        assert "llama_" not in done.out + done.err
        assert done.out.splitlines()[-1].startswith("record: ")

    def test_a_file_that_cannot_be_run_is_one_sentence(self, small_tasks: Path, tmp_path: Path) -> None:
        gguf = write_llama(tmp_path / "other.gguf", architecture="foobar")
        assert "knows no architecture 'foobar'" in _run(gguf, small_tasks, tmp_path).sentence()

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
    def test_no_server_is_left(self, number: int, gguf: Path, small_tasks: Path, tmp_path: Path) -> None:
        import psutil

        command = [
            sys.executable,
            "-m",
            "lsm_eval",
            *_arguments(gguf, small_tasks, tmp_path),
            "--max-tokens",
            "80",
        ]
        env = environment(LSM_EVAL_CACHE=os.environ["LSM_EVAL_CACHE"], TMPDIR=str(tmp_path))
        process = subprocess.Popen(
            command,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Shells start what runs in the background with SIGINT ignored, and that is inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        try:
            own = psutil.Process(process.pid)
            port = None
            for _ in range(600):
                listening = [one for one in own.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
                if listening:
                    port = listening[0].laddr
                    break
                assert process.poll() is None, process.communicate()
                time.sleep(0.05)
            assert port is not None
            assert port.ip == "127.0.0.1"
            process.send_signal(number)
            process.communicate(timeout=60)
        finally:
            process.kill()
        assert process.returncode != 0
        assert all(
            one.laddr != port for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN
        )
        if number == signal.SIGINT:
            assert not list(tmp_path.glob("lsm-eval-llamacpp-*"))


def _arguments(gguf: Path, tasks: Path, out: Path) -> list[str]:
    return ["run", "--tasks", "say", "--include", str(tasks), "--out", str(out / "reports"), "--threads", "1",
            "--model", f"llama.cpp:{gguf}"]  # fmt: skip


def _run(gguf: Path, tasks: Path, out: Path) -> Outcome:
    return spawn(*_arguments(gguf, tasks, out), env={"LSM_EVAL_CACHE": os.environ["LSM_EVAL_CACHE"]})
