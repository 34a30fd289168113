"""A part of a task, drawn so that its intervals are honest: by cluster, seeded, the same on every machine."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence


def drawn(clusters: Sequence[str | None], *, limit: int, each: int | None, key: str) -> list[int]:
    """Indices into `clusters` of about `limit` samples, ascending.

    Clusters come in an order that hangs on `key` and on their names alone, each whole, or with `each` so many of its
    samples at most (drawn too), until there are `limit` samples. The last cluster is not cut where clusters stay
    whole, because half a pair says nothing; so there may be a few more. A sample without a cluster is one of its own.
    """
    members: dict[str, list[int]] = {}
    for index, cluster in enumerate(clusters):
        members.setdefault(f"sample/{index}" if cluster is None else f"cluster/{cluster}", []).append(index)
    order = sorted(members)
    random.Random(f"draw/{key}").shuffle(order)
    found: list[int] = []
    for name in order:
        own = members[name]
        if each is not None and len(own) > each:
            own = random.Random(f"draw/{key}/{name}").sample(own, each)
        found += own
        if len(found) >= limit:
            break
    if each is not None:
        found = found[:limit]
    return sorted(found)


def weights(clusters: Sequence[str | None], found: Sequence[int]) -> list[float]:
    """How many samples of its cluster each of the drawn ones stands for, parallel to `found` (indices into `clusters`).

    All clusters are as likely to be drawn. Where k of a cluster's m samples are, each has the weight m / k, so that
    weighted sums are those of whole clusters (Horvitz & Thompson, JASA 47:663-685, 1952, up to a factor)."""
    whole, part = Counter(clusters), Counter(clusters[index] for index in found)
    return [1.0 if (name := clusters[index]) is None else whole[name] / part[name] for index in found]
