"""How busy llama.cpp's server is kept: the share of the time in which each of its slots has something to do."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from tiny_gguf import write_gemma3

from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.models.base import EndpointOptions
from lsm_eval.requests import Generate, Generated, Request

_BAR = 0.95
_SLOTS = 4
_REQUESTS = 600
_LOOKS_SECONDS = 0.02


def busy() -> Iterator[str]:
    """A line on a server of four slots that is asked 600 texts."""
    import xllamacpp

    with tempfile.TemporaryDirectory(prefix="lsm-eval-endpoints-") as folder:
        params = xllamacpp.CommonParams()
        params.model.path = str(write_gemma3(Path(folder) / "tiny.gguf"))
        params.hostnames, params.port = ["127.0.0.1"], 0
        params.n_ctx, params.n_parallel, params.n_gpu_layers = 256 * _SLOTS, _SLOTS, 0
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
        params.endpoint_metrics = True
        params.warmup = params.fit_params = params.ui = False
        params.verbosity = -1
        server = xllamacpp.Server(params)
        address = server.listening_address
        shares: list[float] = []
        done = threading.Event()

        def look() -> None:
            while not done.is_set():
                with urllib.request.urlopen(f"{address}/metrics") as page:
                    text = page.read().decode()
                (line,) = (
                    one for one in text.splitlines() if one.startswith("llamacpp:requests_processing ")
                )
                shares.append(min(float(line.split()[1]) / _SLOTS, 1.0))
                time.sleep(_LOOKS_SECONDS)

        model = EndpointModel("tiny", EndpointOptions(f"{address}/v1"))
        requests: list[Request] = [Generate(f"the cat {at} sat", max_tokens=64) for at in range(_REQUESTS)]
        watcher: threading.Thread | None = None
        found: list[object] = []
        for batch in model.answer(requests):
            if watcher is None:  # the first request goes alone
                watcher = threading.Thread(target=look)
                watcher.start()
            found += batch.values()
            if len(found) >= _REQUESTS - 2 * _SLOTS:  # the last ones leave slots free
                done.set()
        done.set()
        if watcher is not None:
            watcher.join()
        del server
    assert all(isinstance(one, Generated) for one in found)
    share = sum(shares) / len(shares)
    yield (
        f"llama.cpp's server with {_SLOTS} slots: busy {100 * share:.1f} % of the time ({len(shares):,} looks)"
        f"{'' if share >= _BAR else ', NOT held'}"
    )
