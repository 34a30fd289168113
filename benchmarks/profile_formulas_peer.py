"""What vLLM's own `bench serve` makes of raw time stamps: run in its environment, beside which nothing of ours is imported.

    python profile_formulas_peer.py STAMPS.json [STAMPS.json ...]

STAMPS.json: `seconds`, `percentiles`, `objective` (seconds by ttft, tpot, e2e) and `requests`, each with `start`, `chunks` (times of its
chunks), `prompt` and `output` tokens, and `success`. The last line that is printed is a JSON list, for each file an object of vLLM's
names.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any


def main(paths: list[str]) -> None:
    """Print what vLLM says."""
    print(json.dumps([_of(path) for path in paths]))


def _of(path: str) -> dict[str, float]:
    from vllm.benchmarks.lib.endpoint_request_func import RequestFuncOutput
    from vllm.benchmarks.serve import calculate_metrics

    what = json.loads(Path(path).read_text(encoding="utf-8"))
    outputs = [
        RequestFuncOutput(
            success=one["success"],
            start_time=one["start"],
            ttft=one["chunks"][0] - one["start"],
            itl=[after - before for before, after in pairwise(one["chunks"])],
            latency=one["chunks"][-1] - one["start"],
            prompt_len=one["prompt"],
            output_tokens=one["output"],
        )
        for one in what["requests"]
    ]
    limits = {{"e2e": "e2el"}.get(name, name): 1000 * value for name, value in what["objective"].items()}
    metrics, _ = calculate_metrics([], outputs, what["seconds"], None, what["percentiles"], limits)
    return _flat(dataclasses.asdict(metrics))


def _flat(metrics: dict[str, Any]) -> dict[str, float]:
    names = (
        "completed", "failed", "total_input", "total_output", "request_throughput", "output_throughput", "total_token_throughput",
        "request_goodput",
    )  # fmt: skip
    found = {name: float(metrics[name]) for name in names}
    for name in ("ttft", "tpot", "itl", "e2el"):
        for kind in ("mean", "median", "std"):
            found[f"{kind}_{name}_ms"] = float(metrics[f"{kind}_{name}_ms"])
        for share, value in metrics[f"percentiles_{name}_ms"]:
            found[f"p{share:g}_{name}_ms"] = float(value)
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
