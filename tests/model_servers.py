"""Servers of other projects with a checkpoint behind them, on loopback, as their users start them."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_PATIENCE = 600.0  # seconds until a server must be up


@contextmanager
def transformers_serve(python: Path, folder: Path, log: Path) -> Iterator[str]:
    """transformers' own server in float32; the URL above its API."""
    port = _free_port()
    command = [python, "-m", "transformers.cli.transformers", "serve", str(folder), "--host", "127.0.0.1"]
    more = ["--port", str(port), "--device", "cpu", "--dtype", "float32"]
    with _running([*map(str, command), *more], {}, port, log):
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def vllm_serve(python: Path, folder: Path, log: Path) -> Iterator[str]:
    """vLLM's server in float32, on its build for CPUs; the URL above its API."""
    port = _free_port()
    command = [
        python,
        "-m",
        "vllm.entrypoints.openai.api_server",
        "--model",
        str(folder),
        "--host",
        "127.0.0.1",
    ]
    more = ["--port", str(port), "--dtype", "float32", "--enforce-eager", "--generation-config", "vllm"]
    own = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "TORCHDYNAMO_DISABLE": "1"}
    with _running([*map(str, command), *more], own, port, log):
        yield f"http://127.0.0.1:{port}/v1"


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def _running(command: Sequence[str], variables: dict[str, str], port: int, log: Path) -> Iterator[None]:
    env = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        **variables,
    }
    with log.open("wb") as file:
        server = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=env)
        try:
            end = time.monotonic() + _PATIENCE
            while not _healthy(port):
                assert server.poll() is None, log.read_text(errors="replace")[-3000:]
                assert time.monotonic() < end, log.read_text(errors="replace")[-3000:]
                time.sleep(0.5)
            yield
        finally:
            server.terminate()
            try:
                server.wait(timeout=30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
