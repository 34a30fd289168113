"""Whatever goes wrong on the way: what the server billed is what was counted, to within what nobody can know."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import pytest
from openai_server import Body, Server, completion, prompt_of, serving
from stream_bytes import streamed

from lsm_eval.endpoints.cost.ledger import Ledger
from lsm_eval.endpoints.cost.prices import Prices, Rates, flat
from lsm_eval.endpoints.cost.spending_limit import SpendingLimit
from lsm_eval.endpoints.cost.usage import Usage
from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.errors import BudgetSpent
from lsm_eval.models.base import EndpointOptions
from lsm_eval.requests import Generate, Request

PRICES = Prices((Rates(flat(20), flat(80), flat(5), flat(20), flat(120)),), "a test")
QUICK = RetryPolicy(first_wait=0.005, longest_wait=0.01, attempt_seconds=2.0, stall_seconds=2.0)
HOW = ("cut", "no end", "no usage", "no json", "400", "500", "fewer", "withheld", "good", "good")


@dataclass
class Till:
    """Answers well or badly, and bills what it computed, whatever becomes of it."""

    draw: random.Random
    bill: int = 0
    lost: int = 0
    """Of it, what stands in no answer."""
    counts: dict[str, int] = field(default_factory=dict)

    def __call__(self, body: Body) -> Any:
        how = self.draw.choice(HOW)
        if how in ("400", "500"):
            return int(how), {"error": {"message": how}}, {}
        limit = next(body[name] for name in ("max_tokens", "max_output_tokens") if name in body)
        new, read = self.draw.randint(4, limit), self.draw.randint(1, len(str(body)) // 2)
        cached, thought = self.draw.randint(0, read), self.draw.randint(0, new - 3)
        cost = PRICES.cost(Usage(read, new, cached, 0, thought))
        self.bill += cost
        finish = "content_filter" if how == "withheld" else "stop"
        more: dict[str, Any] = {} if "prompt" in body else {"reasoning_content": "hm " * new}
        whole = completion(body, "word " * new if how != "fewer" else "a", finish=finish, **more)
        chat = "prompt" in body or "messages" in body
        names = ("prompt", "completion") if chat else ("input", "output")
        whole["usage"] = {
            f"{names[0]}_tokens": read, f"{names[1]}_tokens": new, "total_tokens": read + new,
            f"{names[0]}_tokens_details": {"cached_tokens": cached},
            f"{names[1]}_tokens_details": {"reasoning_tokens": thought},
        }  # fmt: skip
        if how == "no usage":
            whole["usage"] = None
        if how in ("no usage", "no json", "cut") or (how == "no end" and body["stream"]):
            self.lost += cost
        self.counts[prompt_of(body)] = self.counts.get(prompt_of(body), 0) + 1
        if not body["stream"]:
            return b"<html>" if how in ("no json", "cut") else whole
        events = streamed(body, whole)
        if how in ("cut", "no end"):
            return events[: len(events) // 2]
        return [*events[:2], b"data: {no\n\n", *events[2:]] if how == "no json" else events


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("stream", ["on", "off"])
@pytest.mark.parametrize("api", ["chat", "completions", "responses"])
def test_what_was_billed_was_counted(api: Any, stream: Any, seed: int) -> None:
    draw = random.Random(f"{api}{stream}{seed}")
    tills = [Till(draw), Till(draw)]
    limit = draw.choice([1_000_000, 10**9])
    requests: list[Request] = [
        Generate(f"say {n}", max_tokens=20, reasoning_tokens=12, chat=api != "completions") for n in range(30)
    ]
    with serving(Server(answer=tills[0])) as one, serving(Server(answer=tills[1])) as other:
        options = EndpointOptions(one.url, api, max_concurrency=12, more_urls=(other.url,), stream=stream)
        model = EndpointModel("small", options, QUICK)
        spending_limit = model.account.spending_limit = SpendingLimit(limit, Ledger(None, "a"))
        model.account.prices = PRICES
        found: dict[int, Any] = {}
        ended = False
        try:
            for batch in model.answer(requests):
                found.update(batch)
        except BudgetSpent:
            ended = True
    tally, bill, lost = model.account.tally, sum(one.bill for one in tills), sum(one.lost for one in tills)
    assert bill <= tally.spent == spending_limit.spent <= limit
    assert tally.spent - tally.spent_assumed <= bill
    assert bill - lost == tally.spent - tally.spent_assumed, "what has a count is counted by it"
    assert spending_limit.reserved == 0
    assert ended or len(found) == 30
    assert tally.tries == sum(sum(one.counts.values()) for one in tills)
    assert (tally.assumed > 0) is (tally.spent_assumed > 0)
