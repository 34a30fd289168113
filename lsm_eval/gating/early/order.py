"""The order in which samples are run, and how many before each look: whole clusters, in random order by the seed."""

from __future__ import annotations

import random
from collections.abc import Sequence


def slices(
    ids: Sequence[str], clusters: Sequence[str | None], looks: int, *, key: str
) -> tuple[tuple[int, ...], ...]:
    """The samples that are new at each look (ascending indices into `ids`), one tuple for each look; `ids` and `clusters` are parallel.

    Whole clusters come in an order that depends only on `key` and on names; a sample in no cluster counts as one. At look k of K
    the first clusters that hold at least k / K of the samples are in, so that a look may have no new samples if clusters are large."""
    members: dict[str, list[int]] = {}
    for place, (name, cluster) in enumerate(zip(ids, clusters, strict=True)):
        members.setdefault(f"sample/{name}" if cluster is None else f"cluster/{cluster}", []).append(place)
    order = sorted(members)
    random.Random(f"looks/{key}").shuffle(order)
    found: list[list[int]] = [[] for _ in range(looks)]
    number = look = 0
    for name in order:
        while number * looks >= (look + 1) * len(ids):
            look += 1
        found[look] += members[name]
        number += len(members[name])
    return tuple(tuple(sorted(own)) for own in found)
