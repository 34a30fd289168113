"""How long does the planner take for a million sequences, and how much memory?

    python benchmarks/planner.py [--sequences N]

Runs no model. Seeded random tokens: a quarter as many contexts as sequences, on 50 shared headers of which each context
takes 20, 60 or 100 tokens, with 30 tokens of its own and four continuations of four tokens.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence

from lsm_eval.inference.scoring.plain import TokenRow
from lsm_eval.inference.scoring.tree import TokenTree
from lsm_eval.profiling.memory import peak_memory

_VOCABULARY = 49152
_BUDGET = 1024


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="planner.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sequences", type=int, default=1_000_000, metavar="N")
    count = parser.parse_args(arguments).sequences
    rows = _rows(count)
    before = peak_memory()
    start = time.perf_counter()
    tree = TokenTree(rows)
    pieces = sum(1 for _ in tree.pieces(_BUDGET))
    seconds = time.perf_counter() - start
    asked = sum(len(row.tokens) for row in rows)
    after = peak_memory()
    print(
        f"{len(rows):,} sequences of {asked:,} tokens: {tree.unique_tokens:,} unique ones in {pieces:,} pieces "
        f"in {seconds:.1f} s; at most {_gib(after)} GiB, of which {_gib(before)} the sequences themselves"
    )
    return 0


def _rows(count: int) -> list[TokenRow]:
    draw = random.Random(0)
    numbers = list(range(_VOCABULARY))
    headers = [tuple(draw.choices(numbers, k=200)) for _ in range(50)]
    rows = []
    for number in range(count // 4):
        shared = headers[number % 50][: draw.choice((20, 60, 100))]
        context = shared + tuple(draw.choices(numbers, k=30))
        rows += [TokenRow((*context, *draw.choices(numbers, k=4)), 4) for _ in range(4)]
    return rows


def _gib(size: int | None) -> str:
    return "unknown" if size is None else f"{size / 2**30:.2f}"


if __name__ == "__main__":
    sys.exit(main())
