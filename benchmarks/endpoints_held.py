"""How long llama.cpp's server takes to score texts with tokens held to a grammar, times what the same weights take in process.

    python benchmarks/endpoints_held.py FILE.gguf [--requests N] [--rounds N] [--singly]

Both sides have one thread and score the same requests: four continuations of twelve words, after contexts of 50 and of 200
words. The server keeps no prompt: that is how it is asked where its cache cannot be trusted (a model whose attention slides).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from llamacpp_server import serve

from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.endpoints.scoring.calling import Caller
from lsm_eval.endpoints.scoring.llamacpp import LlamaCpp
from lsm_eval.inference.scoring.plain import TokenRow
from lsm_eval.models.base import EndpointOptions, ModelOptions
from lsm_eval.models.gguf_checkpoint import convert
from lsm_eval.models.hf import HFModel
from lsm_eval.requests import Request, Score, Scored

_WORDS = ("the", "cat", "dog", "sat", "on", "mat", "house", "tree", "river", "water", "sky", "stone", "run", "walk", "eat", "sleep", "green", "red", "blue")  # fmt: skip
_SECONDS = 600.0


def _requests(count: int, words: int) -> list[Score]:
    draw = random.Random(words)

    def text(number: int) -> str:
        return " ".join(draw.choices(_WORDS, k=number))

    return [Score(text(words), tuple(f" {text(12)}" for _ in range(4))) for _ in range(count)]


def _in_process(model: HFModel, requests: Sequence[Score]) -> list[list[float]]:
    asked: list[Request] = list(requests)
    found = {at: one for batch in model.answer(asked) for at, one in batch.items()}
    return [list(one.logprobs) for at in range(len(asked)) if isinstance(one := found[at], Scored)]


async def _at_server(
    caller: Caller, route: LlamaCpp, rows: Sequence[Sequence[TokenRow]]
) -> list[list[float]]:
    found = [await route.numbers(caller, own, _SECONDS) for own in rows]
    return [[sum(token.logprob for token in row) for row in own] for own in found]


def held(gguf: Path, count: int, rounds: int, *, singly: bool) -> Iterator[str]:
    """Lines for each length of context. `singly`: also with one request a token."""
    with tempfile.TemporaryDirectory(prefix="lsm-eval-held-") as folder, serve(gguf, context=1024) as server:
        convert(gguf, Path(folder))
        near = HFModel("hf:same", ModelOptions(), folder=Path(folder))
        near.load()
        address, key, _ = EndpointModel(
            "same", EndpointOptions(f"http://{server._address.netloc}/v1")
        ).place()
        (plain,) = server.tokenize("a", False)
        for words in (50, 200):
            requests = _requests(count, words)
            rows = [
                [
                    TokenRow((*before, *own), len(own))
                    for one in request.continuations
                    if (before := server.tokenize(request.context, False))
                    and (own := server.tokenize(one, False))
                ]
                for request in requests
            ]

            async def ask(route: LlamaCpp, own: Sequence[Sequence[TokenRow]] = rows) -> list[list[float]]:
                async with Caller(address, key, "same") as caller:
                    return await _at_server(caller, route, own)

            ways: dict[str, Callable[[], list[list[float]]]] = {
                "in process": partial(_in_process, near, requests),
                "held": lambda: asyncio.run(ask(LlamaCpp(plain, held=True))),
            }
            if singly:
                ways["one request a token"] = lambda: asyncio.run(ask(LlamaCpp(plain)))
            _in_process(near, requests[:1])
            seconds: dict[str, list[float]] = {name: [] for name in ways}
            sums: dict[str, list[list[float]]] = {}
            for _ in range(rounds):  # in turn: the machine may be busier now than a minute ago
                for name, work in ways.items():
                    began = time.perf_counter()
                    sums[name] = work()
                    seconds[name].append(time.perf_counter() - began)
            tokens = sum(row.scored for own in rows for row in own)
            apart = max(
                abs(one - other)
                for ours, theirs in zip(sums["in process"], sums["held"], strict=True)
                for one, other in zip(ours, theirs, strict=True)
            )
            yield f"contexts of {words} words, {tokens} tokens scored, sums at most {apart:.2f} nats apart:"
            for name, took in seconds.items():
                ratios = [one / alone for one, alone in zip(took, seconds["in process"], strict=True)]
                yield (
                    f"  {name}: {statistics.median(took):.1f} s ({min(took):.1f} to {max(took):.1f}), "
                    f"{statistics.median(ratios):.1f} times in process ({min(ratios):.1f} to {max(ratios):.1f})"
                )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="endpoints_held.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("gguf", type=Path, metavar="FILE.gguf")
    parser.add_argument("--requests", type=int, default=8, metavar="N")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument(
        "--singly", action="store_true", help="Also with one request a token, which takes long."
    )
    given = parser.parse_args()
    for line in held(given.gguf, given.requests, given.rounds, singly=given.singly):
        print(line, flush=True)
