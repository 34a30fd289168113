"""What does asking a server cost, how much of its quota is used, and how busy is it kept?

    python benchmarks/endpoints.py [--only cost,defaults,bytes,quotas,changes,busy,memory] [--requests N] [--rounds N]
                                   [--in-flight 64,512] [--peer PYTHON]

A server in a process of its own, on loopback, answers every request after a while that keeps so many in flight. Counted is the
CPU time (user and system) of this process from the list of requests to their responses: their keys, the look-up in the store,
sending, reading, and the store's write of every answer; not imports. CPU time says the same on a machine that does other work,
as far as that leaves it its caches, and a core does 1,000,000 / µs requests a second. `memory` is asked for by name only, since
a million requests take minutes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

import endpoints_cost

PARTS = ("cost", "defaults", "bytes", "quotas", "changes", "busy")


def lines(given: argparse.Namespace, part: str) -> Iterator[str]:
    """What a part of the benchmark found."""
    if part == "cost":
        in_flights = [int(text) for text in given.in_flight.split(",")]
        yield from endpoints_cost.cost(given.requests, given.rounds, in_flights, given.peer)
    elif part == "defaults":
        if given.peer:
            yield from endpoints_cost.at_defaults(given.requests // 10, given.peer)
    elif part == "bytes":
        yield from endpoints_cost.bytes_alike(given.rounds)
    elif part == "memory":
        from endpoints_memory import memory

        yield from memory()
    elif part == "busy":
        from endpoints_busy import busy

        yield from busy()
    elif part in ("quotas", "changes"):
        import endpoints_quotas

        if part == "quotas":
            yield from endpoints_quotas.quotas()
            yield from endpoints_quotas.by_chance()
        else:
            yield from endpoints_quotas.changes()
    else:
        raise SystemExit(f"--only {part}: one of {', '.join((*PARTS, 'memory'))}.")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit code is 1 where a bar is not held."""
    parser = argparse.ArgumentParser(prog="endpoints.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default=",".join(PARTS), metavar="PART,PART")
    parser.add_argument("--requests", type=int, default=10_000, metavar="N")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--in-flight", default="64,512", metavar="N,N")
    parser.add_argument(
        "--peer", metavar="PYTHON", help="Of an environment with lm-eval[api], to compare with."
    )
    given = parser.parse_args(arguments)
    held = True
    for part in given.only.split(","):
        for line in lines(given, part):
            print(line, flush=True)
            held = held and " NOT " not in line
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
