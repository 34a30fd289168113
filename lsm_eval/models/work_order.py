"""The order in which a checkpoint works through requests, and what each of them costs, known without its weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from lsm_eval.inference.scoring.plain import TokenRow
from lsm_eval.inference.scoring.tree import shared_tokens, sortable
from lsm_eval.models.base import Engine
from lsm_eval.models.family import Family
from lsm_eval.models.given_choices import as_scored
from lsm_eval.models.request_encoding import RequestEncoder
from lsm_eval.requests import Failure, Generate, Perplexity, Request


@runtime_checkable
class Ordering(Protocol):
    """A model that knows the order in which it works through requests."""

    def work_order(self, requests: Sequence[Request]) -> list[tuple[int, int]]:
        """The index of each request, in the order of the work, with its estimated cost in tokens.

        Requests that stand together here are computed together, so that a contiguous piece costs about the sum of its costs. The order
        depends on `requests` and on how the model is run, never on what is answered already.
        """
        ...


def work_order(
    encoder: RequestEncoder, requests: Sequence[Request], family: Family, engine: Engine
) -> list[tuple[int, int]]:
    """See `Ordering.work_order`.

    Decoder-only models go along the tree of token prefixes (`inference.scoring.tree`): a request costs the tokens that it does not
    share with the one before it, and the most new tokens. Everything else is computed in padded batches, longest first.
    """
    along: dict[int, list[bytes]] = {}
    padded: list[tuple[int, int, int]] = []
    for i, request in enumerate(map(as_scored, requests)):
        detailed = isinstance(request, Perplexity) and request.detail
        if family == "decoder" and engine != "plain" and not detailed:
            along[i] = _sequences(encoder, request)
        elif encoder.refusal(request):
            along[i] = []
        else:
            counted = encoder.cost(request)
            padded.append((-counted.longest, i, counted.asked))
    order: list[tuple[int, int]] = []
    before = b""
    for i in sorted(along, key=lambda one: (along[one][:1], one)):
        request, cost = requests[i], 0
        for own in along[i]:
            cost += len(own) // 4 - shared_tokens(before, own)
            before = own
        if isinstance(request, Generate) and not request.choices and along[i]:
            cost += request.most_tokens
        order.append((i, cost))
    return order + [(i, asked) for _, i, asked in sorted(padded)]


def _sequences(encoder: RequestEncoder, request: Request) -> list[bytes]:
    """What a decoder-only model reads for a request, as sortable sequences of tokens; empty if it reads nothing."""
    if encoder.refusal(request):
        return []
    if isinstance(request, Generate):
        prompt = encoder.prompt(request)
        return [] if isinstance(prompt, Failure) else [sortable(prompt[0].tokens)]
    rows = encoder.rows(request)
    if isinstance(rows, Failure):
        return []
    return sorted(sortable(row.tokens[:-1]) for row in rows[0] if isinstance(row, TokenRow))
