"""Whether an engine tells the same log-probability of a token in both ways of asking: as a token after a prompt, and as one of the
prompt's own. Both are wrong only if they are wrong in the same way."""

from __future__ import annotations

import math

from lsm_eval.engines.network import Engine
from lsm_eval.engines.waves import Query

TOLERANCE = 0.25
"""Nats: rounding in bfloat16 and quantised products remain far below, and a neighbouring token's log-probability far above."""
_TOKENS = 8


def difference(engine: Engine, vocabulary: int) -> float:
    """The largest difference in nats over a few tokens, each asked in both ways, and again with all of them in the engine's cache.
    NaN counts as no difference: it comes from the weights, and becomes a failure of each answer."""
    row = tuple((11 + 37 * at) % vocabulary for at in range(_TOKENS))
    whole = Query(row[:-1], {row[-1]: None}, 1)
    parts = [Query(row[:end], {row[end]: None}) for end in range(1, _TOKENS)]
    (first,) = engine.score([whole])
    after = [reply.targets[row[end]][0] for end, reply in enumerate(engine.score(parts), 1)]
    (again,) = engine.score([whole])
    found = 0.0
    for told in (first, again):
        within = [*(value for value, _ in told.own), told.targets[row[-1]][0]]
        for one, other in zip(within, after, strict=True):
            if not math.isnan(one - other):
                found = max(found, abs(one - other))
    return found
