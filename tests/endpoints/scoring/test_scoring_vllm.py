"""A real vLLM scores what the same float32 weights score in process."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from scored_alike import CHATS, SCORES, TEXTS, answers, check_alike

from lsm_eval.endpoints.address import read_address
from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.endpoints.scoring.find_scoring import find_scoring
from lsm_eval.endpoints.scoring.finding import Finding
from lsm_eval.models.base import EndpointOptions
from lsm_eval.models.hf import HFModel

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
VARIABLE = "LSM_EVAL_VLLM"
TOLERANCE = 1e-5
_UP_SECONDS = 600.0


@pytest.fixture(scope="module")
def vllm(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address."""
    command = os.environ.get(VARIABLE) or shutil.which("vllm")
    if command is None:
        pytest.skip(f"needs vLLM: put `vllm` on the PATH, or name the command in {VARIABLE}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("vllm") / "log"
    options = [
        "--dtype",
        "float32",
        "--enforce-eager",
        "--max-model-len",
        "128",
        "--served-model-name",
        "small",
    ]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1"}
    with log.open("wb") as file:
        process = subprocess.Popen(
            [command, "serve", str(checkpoint), *options, "--host", "127.0.0.1", "--port", str(port)],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    try:
        _wait(process, f"http://127.0.0.1:{port}/health", log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + _UP_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            pytest.fail(f"vLLM ended with {process.returncode}: {log.read_text(errors='replace')[-2000:]}")
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(1)
    pytest.fail(f"vLLM is not up: {log.read_text(errors='replace')[-2000:]}")


def test_likelihoods(vllm: str, near: HFModel) -> None:
    requests = SCORES + TEXTS + CHATS
    far = EndpointModel("small", EndpointOptions(vllm, max_concurrency=4))
    assert far.cost(requests) == near.cost(requests)
    check_alike(answers(near, requests), answers(far, requests), TOLERANCE)
    details = far.info.details or {}
    assert details["scoring"].startswith("prompt_logprobs, single tokens by logprob_token_ids (proved:")
    assert far.info.context == 126


@pytest.mark.parametrize(
    "finding", [Finding("echo", new=0), Finding("echo", new=1), Finding("prompt_logprobs")], ids=str
)
def test_other_ways(finding: Finding, vllm: str, near: HFModel) -> None:
    """It speaks those of other servers, too."""
    address, key = read_address(vllm), Key()
    found = find_scoring(address, key, "small", tokenizer=None, overflow="error", offline=False, kept=finding)
    far = EndpointModel("small", EndpointOptions(vllm, max_concurrency=4))
    vars(far)["_scoring"] = found
    check_alike(answers(near, SCORES + TEXTS), answers(far, SCORES + TEXTS), TOLERANCE)
