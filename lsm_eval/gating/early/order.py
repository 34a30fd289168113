"""In which order samples are asked, and how many before each look: whole clusters, drawn by the seed."""

from __future__ import annotations

import random
from collections.abc import Sequence


def slices(
    ids: Sequence[str], clusters: Sequence[str | None], looks: int, *, key: str
) -> tuple[tuple[int, ...], ...]:
    """Which samples (places in `ids`, ascending) are new at each look, one tuple a look; `ids` and `clusters` are parallel.

    Clusters come in an order that hangs on `key` and on names alone, each whole; a sample without one stands alone. At look k of K
    the first clusters are in that hold k / K of the samples or more, so that there may be none new where clusters are large."""
    members: dict[str, list[int]] = {}
    for place, (name, cluster) in enumerate(zip(ids, clusters, strict=True)):
        members.setdefault(f"sample/{name}" if cluster is None else f"cluster/{cluster}", []).append(place)
    order = sorted(members)
    random.Random(f"looks/{key}").shuffle(order)
    found: list[list[int]] = [[] for _ in range(looks)]
    asked = look = 0
    for name in order:
        while asked * looks >= (look + 1) * len(ids):
            look += 1
        found[look] += members[name]
        asked += len(members[name])
    return tuple(tuple(sorted(own)) for own in found)
