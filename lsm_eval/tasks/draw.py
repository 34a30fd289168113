"""A part of a task, drawn so that its intervals are honest: by cluster, seeded, the same on every machine."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

UNIT = 2
"""At most so many samples of one cluster are drawn at a time by `spread`."""


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


def spread(
    groups: Sequence[str | None], clusters: Sequence[str | None], *, limit: int, key: str
) -> list[int]:
    """Indices of `limit` samples, ascending, over all groups in proportion (one more, where the last is of a pair); `groups` and
    `clusters` are parallel.

    What is drawn are units: a cluster, or of one with more than `UNIT` samples so many in a row, which keeps pairs together and
    doesn't let a large cluster fill the limit; a sample without a cluster is one. All units are as likely to be drawn, and so are
    all samples. Within a group units are shuffled, by `key` and the clusters' names. The j-th of C stands at (j + u) / C, with u
    drawn from 0 to 1 for each group, and all groups are merged by these places: every beginning of that order holds about as
    large a share of one group as of another (systematic sampling within strata; Cochran, Sampling Techniques, 1977, chapters 5A
    and 8), and a small limit draws of what a larger one does. A unit over several groups is of a group of such."""
    members: dict[str, list[int]] = {}
    for index, cluster in enumerate(clusters):
        members.setdefault(f"sample/{index}" if cluster is None else f"cluster/{cluster}", []).append(index)
    units: dict[str, list[tuple[str, int]]] = {}
    for name, own in sorted(members.items()):
        for start in range(0, len(own), UNIT):
            held = sorted({str(groups[index]) for index in own[start : start + UNIT]})
            units.setdefault("+".join(held), []).append((name, start))
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
    """How many samples of its cluster each of the drawn ones stands for, parallel to `found` (indices into `clusters`).

    All clusters are as likely to be drawn. Where k of a cluster's m samples are, each has the weight m / k, so that
    weighted sums are those of whole clusters (Horvitz & Thompson, JASA 47:663-685, 1952, up to a factor)."""
    whole, part = Counter(clusters), Counter(clusters[index] for index in found)
    return [1.0 if (name := clusters[index]) is None else whole[name] / part[name] for index in found]
