"""`lsm-eval profile` and vLLM's `bench serve`, or GuideLLM, against the same server, in turn.

    python benchmarks/profile_serving_peer.py --peer PYTHON [--tool vllm|guidellm] [--rounds 5] [--requests 100] [--concurrency 8]

PYTHON has vLLM in its environment, or GuideLLM (0.8: `guidellm run`; what it calls inter-token latency is vLLM's time per output token). The server is that of the tests (`tests/paced_server.py`), whose times are known: the first token after 60 ms, one
every 10 ms from then on. Both clients send the same number of requests, so many at a time. For each metric it prints both tools' means over the rounds, what
the server was built with, and the mean of the logarithms of the ratios with Student's interval of 95 %. They agree where that interval holds 1, or
lies within 2 % of it. The exit code is 1 where a metric does not.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean, stdev

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from paced_server import paced
from tiny_models import save_tokenizer

_FIRST, _PACE, _TOKENS, _WORDS = 0.06, 0.01, 32, 32
_WITHIN = 0.02
_BENCH_SERVE = """
import argparse
from vllm.benchmarks.serve import add_cli_args, main
parser = argparse.ArgumentParser()
add_cli_args(parser)
main(parser.parse_args())
"""  # as `vllm bench serve`, which is missing from builds for CPUs


def _ours(url: str, folder: Path, requests: int, concurrency: int) -> dict[str, float]:
    command = [
        sys.executable, "-m", "lsm_eval", "profile", "--model", "openai:paced", "--base-url", url, "--json", "--out", str(folder),
        "--requests", str(requests), "--concurrency", str(concurrency), "--prompt-tokens", str(_WORDS), "--output-tokens", str(_TOKENS),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (cell,) = json.loads(done.stdout)["profile"]["cells"]
    known = {one["metric"]: one["value"] for one in cell["metrics"]}
    return {
        "median TTFT ms": 1000 * known["ttft_p50"],
        "median TPOT ms": 1000 * known["tpot_p50"],
        "p90 TPOT ms": 1000 * known["tpot_p90"],
        "median E2EL ms": 1000 * known["e2e_p50"],
        "output tokens/s": known["output_tokens_per_second"],
        "requests/s": known["requests_per_second"],
    }


def _guidellm(
    python: str, url: str, folder: Path, tokenizer: Path, requests: int, concurrency: int
) -> dict[str, float]:
    file = folder / "benchmarks.json"
    backend = f"kind=openai_http,target={url.removesuffix('/v1')},model=paced,request_format=/v1/chat/completions,validate_backend=false"
    command = [
        python, "-m", "guidellm", "run", "--backend", backend, "--profile", f"kind=concurrent,streams={concurrency}",
        "--constraint", f"kind=max_requests,count={requests}", "--tokenizer", f"kind=hf_auto,model={tokenizer}",
        "--data", f"kind=synthetic_text,prompt_tokens={_WORDS},output_tokens={_TOKENS}", "--output", f"kind=json,path={file}",
        "--disable-console",
    ]  # fmt: skip
    offline = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=offline)
    if done.returncode:
        sys.exit(f"guidellm run: {done.stderr[-2000:]}")
    (found,) = json.loads(file.read_text(encoding="utf-8"))["benchmarks"]
    known = {
        name: one["successful"]
        for name, one in found["metrics"].items()
        if isinstance(one, dict) and "successful" in one
    }
    return {
        "median TTFT ms": known["time_to_first_token_ms"]["median"],
        "median TPOT ms": known["inter_token_latency_ms"]["median"],
        "p90 TPOT ms": known["inter_token_latency_ms"]["percentiles"]["p90"],
        "median E2EL ms": 1000 * known["request_latency"]["median"],
        "output tokens/s": known["output_tokens_per_second"]["mean"],
        "requests/s": known["requests_per_second"]["mean"],
    }


def _vllm(
    python: str, url: str, folder: Path, tokenizer: Path, requests: int, concurrency: int
) -> dict[str, float]:
    file = folder / "theirs.json"
    command = [
        python, "-c", _BENCH_SERVE, "--backend", "openai-chat", "--base-url", url.removesuffix("/v1"),
        "--endpoint", "/v1/chat/completions", "--model", "paced", "--tokenizer", str(tokenizer), "--dataset-name", "random",
        "--random-input-len", str(_WORDS), "--random-output-len", str(_TOKENS), "--num-prompts", str(requests), "--max-concurrency",
        str(concurrency), "--save-result", "--result-filename", str(file), "--percentile-metrics", "ttft,tpot,itl,e2el",
        "--metric-percentiles", "50,90", "--disable-tqdm", "--num-warmups", str(concurrency),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"vllm bench serve: {done.stderr[-2000:]}")
    found = json.loads(file.read_text(encoding="utf-8"))
    return {
        "median TTFT ms": found["median_ttft_ms"],
        "median TPOT ms": found["median_tpot_ms"],
        "p90 TPOT ms": found["p90_tpot_ms"],
        "median E2EL ms": found["median_e2el_ms"],
        "output tokens/s": found["output_throughput"],
        "requests/s": found["request_throughput"],
    }


def main() -> None:
    """Measure in turn, and compare."""
    from lsm_eval.statistics.bounded import t_quantile

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", required=True, metavar="PYTHON")
    parser.add_argument("--tool", choices=("vllm", "guidellm"), default="vllm")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--concurrency", type=int, default=8)
    options = parser.parse_args()
    whole = _FIRST + (_TOKENS - 1) * _PACE
    built = {
        "median TTFT ms": 1000 * _FIRST, "median TPOT ms": 1000 * _PACE, "p90 TPOT ms": 1000 * _PACE, "median E2EL ms": 1000 * whole,
        "output tokens/s": options.concurrency * _TOKENS / whole, "requests/s": options.concurrency / whole,
    }  # fmt: skip
    ours, theirs = [], []
    ask, title = {"vllm": (_vllm, "vllm bench serve"), "guidellm": (_guidellm, "GuideLLM")}[options.tool]
    with tempfile.TemporaryDirectory() as name, paced(first=_FIRST, pace=_PACE) as url:
        folder = Path(name)
        (folder / "tokenizer").mkdir()
        save_tokenizer(folder / "tokenizer")
        for at in range(options.rounds):
            load = options.requests, options.concurrency
            for tool in ("ours", "theirs") if at % 2 == 0 else ("theirs", "ours"):
                if tool == "ours":
                    ours.append(_ours(url, folder, *load))
                else:
                    theirs.append(ask(options.peer, url, folder, folder / "tokenizer", *load))
    print(
        f"| metric | built with | lsm-eval | {title} | ratio | agree |\n| --- | ---: | ---: | ---: | ---: | --- |"
    )
    wrong = 0
    for metric, value in built.items():
        ratios = [math.log(one[metric] / two[metric]) for one, two in zip(ours, theirs, strict=True)]
        half = (
            t_quantile(len(ratios) - 1, 0.95) * stdev(ratios) / math.sqrt(len(ratios))
            if len(ratios) > 1
            else math.inf
        )
        low, high = math.exp(mean(ratios) - half), math.exp(mean(ratios) + half)
        agree = low <= 1 <= high or (abs(low - 1) <= _WITHIN and abs(high - 1) <= _WITHIN)
        wrong += not agree
        one, two = (mean(found[metric] for found in both) for both in (ours, theirs))
        print(
            f"| {metric} | {value:.4g} | {one:.4g} | {two:.4g} | {math.exp(mean(ratios)):.3f} [{low:.3f}, {high:.3f}] | "
            f"{'yes' if agree else 'no'} |"
        )
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
