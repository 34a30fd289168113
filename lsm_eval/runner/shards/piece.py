"""Which requests a shard asks: a contiguous piece of the order in which the model works through all of them."""

from __future__ import annotations

from collections.abc import Sequence

from lsm_eval.models.base import Model
from lsm_eval.models.work_order import Ordering
from lsm_eval.requests import Generate, Request
from lsm_eval.runner.shards.named import Shard


def piece(requests: Sequence[Request], model: Model, shard: Shard) -> list[int]:
    """Indices of the shard's requests, in the order of the work. All shards of one number find the same pieces, which have no request in
    common and none is left over; they cost about the same (`cut`)."""
    order = model.work_order(requests) if isinstance(model, Ordering) else _by_text(requests, model)
    return [order[at][0] for at in cut([cost for _, cost in order], shard)]


def cut(costs: Sequence[int], shard: Shard) -> range:
    """The places of a shard's piece. A place belongs to the shard in whose equal share of the whole cost its middle lies."""
    whole = sum(max(cost, 1) for cost in costs)
    before, mine = 0, []
    for place, cost in enumerate(costs):
        own = max(cost, 1)
        if shard.count * (2 * before + own) // (2 * whole) == shard.index - 1:
            mine.append(place)
        before += own
    return range(mine[0], mine[-1] + 1) if mine else range(0)


def _by_text(requests: Sequence[Request], model: Model) -> list[tuple[int, int]]:
    """For a model that does not know its order: by prompt, so that texts with the same beginning stand together."""
    texts = [model.render(request) for request in requests]
    counted = model.cost(requests)
    costs = (
        [cost.asked for cost in counted]
        if counted
        else [_characters(*pair) for pair in zip(requests, texts, strict=True)]
    )
    return [(i, costs[i]) for i in sorted(range(len(texts)), key=lambda one: (texts[one], one))]


def _characters(request: Request, text: str) -> int:
    """About four characters are a token."""
    return len(text) + (4 * request.most_tokens if isinstance(request, Generate) else 0)
