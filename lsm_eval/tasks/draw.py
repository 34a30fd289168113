"""Draws a part of a task so that its intervals are valid: by cluster, seeded, the same on every machine."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

UNIT = 2
"""Most samples of one cluster that `spread` draws at a time."""


def drawn(clusters: Sequence[str | None], *, limit: int, each: int | None, key: str) -> list[int]:
    """Indices into `clusters` of about `limit` samples, ascending.

    Clusters are taken in an order that depends only on `key` and their names, until there are `limit` samples: whole, or
    with `each` at most so many of their samples (also drawn). Whole clusters are never cut, because half a pair is
    useless; so there may be a few samples more. A sample without a cluster is a cluster of its own.
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


def spread(
    groups: Sequence[str | None], clusters: Sequence[str | None], *, limit: int, key: str
) -> list[int]:
    """Indices of `limit` samples, ascending, from all groups in proportion (one more if the last belongs to a pair); `groups`
    and `clusters` are parallel.

    It draws units. A unit is a cluster, `UNIT` samples in a row of a larger cluster, or a sample without a cluster: this keeps
    pairs together, and no large cluster fills the limit. All units, and so all samples, are equally likely to be drawn. Within
    a group units are shuffled, by `key` and the clusters' names. The j-th of C gets the position (j + u) / C, with u drawn from
    0 to 1 for each group, and all groups are merged by these positions: every prefix of that order has about the same share of
    each group (systematic sampling within strata; Cochran, Sampling Techniques, 1977, chapters 5A and 8), and a small limit
    draws a subset of a larger one. Units that span several groups form groups of their own."""
    members: dict[str, list[int]] = {}
    for index, cluster in enumerate(clusters):
        members.setdefault(f"sample/{index}" if cluster is None else f"cluster/{cluster}", []).append(index)
    units: dict[str, list[tuple[str, int]]] = {}
    for name, own in sorted(members.items()):
        for start in range(0, len(own), UNIT):
            names = sorted({str(groups[index]) for index in own[start : start + UNIT]})
            units.setdefault("+".join(names), []).append((name, start))
    order: list[tuple[float, str, tuple[str, int]]] = []
    for group, drawn_from in units.items():
        rng = random.Random(f"spread/{key}/{group}")
        rng.shuffle(drawn_from)
        first = rng.random()
        order += [((at + first) / len(drawn_from), group, unit) for at, unit in enumerate(drawn_from)]
    found: list[int] = []
    for _, _, (name, start) in sorted(order):
        if len(found) >= limit:
            break
        found += members[name][start : start + UNIT]
    return sorted(found)


def weights(clusters: Sequence[str | None], found: Sequence[int]) -> list[float]:
    """How many samples of its cluster each drawn one represents, parallel to `found` (indices into `clusters`).

    All clusters are equally likely to be drawn. If k of a cluster's m samples are drawn, each has the weight m / k, so
    that weighted sums are those of whole clusters (Horvitz & Thompson, JASA 47:663-685, 1952, up to a factor)."""
    whole, part = Counter(clusters), Counter(clusters[index] for index in found)
    return [1.0 if (name := clusters[index]) is None else whole[name] / part[name] for index in found]
