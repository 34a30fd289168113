"""The parts of `benchmarks/profile.py`. Exit code 1 where what was measured is shown to break
its bar, 0 where not (what the machine was too busy to tell is said), 2 for a mistake."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module

ELSEWHERE = {"streams": "profile_streams", "serving": "profile_serving_peer"}
"""Parts that are scripts of their own, with options of their own (`--help`)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """One part."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] in ELSEWHERE:
        script = ELSEWHERE[given[0]]
        sys.argv = [f"{script}.py", *given[1:]]
        import_module(script).main()
        return 0
    parser = argparse.ArgumentParser(prog="profile.py", description=__doc__)
    parts = parser.add_subparsers(dest="part", required=True)
    own = parts.add_parser("overhead", help="the same batches with the profiler and with a clock alone")
    own.add_argument("--model", default="builtin:smollm2-135m")
    own.add_argument("--device", default="cpu")
    own.add_argument("--rounds", type=int, default=20, help="pairs a cell")
    own.add_argument("--batch", type=int, nargs="+", default=[1, 4])
    own.add_argument("--prompt-tokens", type=int, default=64)
    own.add_argument("--output-tokens", type=int, default=16)
    own.add_argument("--json", action="store_true")
    for name, script in ELSEWHERE.items():
        parts.add_parser(name, help=f"{script}.py", add_help=False)
    return _overhead(parser.parse_args(given))


def _overhead(given: argparse.Namespace) -> int:
    from profile_overhead import BAR, as_json, overhead, table

    from lsm_eval.profiling.offline.spec import Cell

    if given.rounds < 2:
        print("--rounds: give 2 or more")
        return 2
    cells = [
        cell
        for batch in given.batch
        for cell in (
            Cell("prefill", batch, given.prompt_tokens, 1),
            Cell("decode", batch, given.prompt_tokens, given.output_tokens),
        )
    ]
    load = os.getloadavg()[0]
    found = overhead(given.model, cells, given.rounds, given.device)
    # Proven to be beyond the bar, or not.
    kept = all(one.low <= BAR for one in found)
    if given.json:
        print(
            json.dumps({"load": round(load, 1), "bar": BAR, "kept": kept, "cells": as_json(found)}, indent=1)
        )
    else:
        print("\n".join(table(found)))
        shown = sum(one.high <= BAR for one in found)
        print(
            f"\nBar: {100 * BAR:g} %. Shown to be kept by {shown} of {len(found)} cells, and broken by "
            f"{sum(one.low > BAR for one in found)}. Load of the machine before: {load:.1f}."
        )
    return 0 if kept else 1
