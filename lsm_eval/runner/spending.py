"""The cost of the servers that a run asks, with one limit for the model and its judge together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from lsm_eval.endpoints.cost.ledger import Ledger
from lsm_eval.endpoints.cost.lookup import lacking
from lsm_eval.endpoints.cost.paid import Paid
from lsm_eval.endpoints.cost.prices import Prices, Steps
from lsm_eval.endpoints.cost.spending_limit import SpendingLimit
from lsm_eval.errors import UserError
from lsm_eval.models.base import Model
from lsm_eval.money import MILLION, exact, shown
from lsm_eval.results.cost_rows import CostRow, SpentRow
from lsm_eval.runner.prepared import PreparedTask
from lsm_eval.runner.spec import RunSpec
from lsm_eval.secrets import without_secrets

_NO_SAY = ("out", "store", "name", "redact", "strict", "max_cost", "prices", "command", "include_code")
"""Options that may differ between runs of the same command."""


@dataclass
class Spending:
    """The paid models of a run, and the limit of what they may cost."""

    paid: list[tuple[str, str, Paid]] = field(default_factory=list)
    """Role, the model's name, the model."""
    spending_limit: SpendingLimit | None = None

    def open(self, spec: RunSpec, fingerprint: str, judge: str | None = None) -> None:
        """Start to enforce the limit. `judge`: the fingerprint of a judge behind servers. Raises `UserError` if the spent amount cannot be stored."""
        if spec.max_cost is None:
            return
        self.spending_limit = SpendingLimit(
            spec.max_cost, Ledger(spec.store, _command(spec, fingerprint, judge))
        )
        for _, _, model in self.paid:
            model.account.spending_limit = self.spending_limit

    def close(self) -> None:
        """Release what was reserved but not spent."""
        if self.spending_limit is not None:
            self.spending_limit.close()

    def row(self) -> CostRow | None:
        """The row for the record; None if no model is paid."""
        if not self.paid:
            return None
        rows = [_row(role, name, model) for role, name, model in self.paid]
        known = all(row.dollars is not None for row in rows)
        spent = sum(model.account.tally.spent for _, _, model in self.paid)
        return CostRow(
            models=rows,
            dollars=exact(spent) if known else None,
            limit=None if self.spending_limit is None else exact(self.spending_limit.limit),
            before=None if self.spending_limit is None else exact(self.spending_limit.before),
        )


def find_spending(spec: RunSpec, model: Model, judge: Model | None) -> Spending:
    """The paid models with their prices; sends no request. Raises `UserError` if there is a limit and a price is not known."""
    models = [("model", model), *([("judge", judge)] if judge is not None else [])]
    spending = Spending([(role, one.info.name, one) for role, one in models if isinstance(one, Paid)])
    if not spending.paid and (spec.max_cost is not None or spec.prices is not None):
        option = "--max-cost" if spec.max_cost is not None else "--prices"
        raise UserError(
            f"{option} is about models behind a server, and this run asks none: leave it out, or name one (openai:MODEL)."
        )
    for role, name, one in spending.paid:
        one.account.prices = one.find_prices(spec.prices)
        if one.account.prices is None and spec.max_cost is not None:
            which = "" if role == "model" else f" of the {role}"
            bare = name.removeprefix("openai:")
            raise UserError(
                f"--max-cost: no price is known{which} for {name} at its address: give one with --prices FILE, a YAML file with a "
                f"line such as `{json.dumps(bare)}: {{input: 2.00, output: 8.00}}`, in US dollars per million tokens{lacking()}."
            )
    return spending


def most_cost(spending: Spending, tasks: Sequence[PreparedTask]) -> list[str]:
    """The most that a run of these tasks can cost, as lines for `--dry-run`; empty if the model is not paid."""
    lines = []
    for role, name, model in spending.paid:
        prices = model.account.prices
        if prices is None:
            lines.append(f"{name}: no price known, so what it can cost is not (give one with --prices FILE).")
        elif role == "model":
            requests = {r for task in tasks for sample in task.samples for r in sample.requests}
            lines.append(
                f"{name}: {shown(model.most(list(requests)))} at most, at a token for each byte that is sent and as many new tokens "
                f"as are allowed, each answered once and none in the store, the probe included (prices of {prices.source})."
            )
            lines += [model.not_counted()] if model.not_counted() else []
        else:
            lines.append(f"{name}: prices of {prices.source}.")
    return lines


def _row(role: str, name: str, model: Paid) -> SpentRow:
    tally, prices = model.account.tally, model.account.prices
    return SpentRow(
        role=role,
        model=without_secrets(name),
        charged=tally.tries,
        assumed=tally.assumed,
        tokens={
            "input": tally.input,
            "cached": tally.cached,
            "output": tally.output,
            "reasoning": tally.reasoning,
        },
        dollars=exact(tally.spent) if prices is not None else None,
        dollars_assumed=exact(tally.spent_assumed) if prices is not None else None,
        prices=None if prices is None else without_secrets(prices.source),
        per_million={} if prices is None else _per_million(prices),
    )


def _per_million(prices: Prices) -> dict[str, str]:
    """Prices per million tokens; if they depend on the time of day, those at the time when new tokens cost most."""
    rates = max(prices.rates, key=lambda one: one.output)
    return {
        "input": _text(rates.input),
        "output": _text(rates.output),
        "cached-input": _text(rates.cached),
    }


def _text(steps: Steps) -> str:
    """`3, above 200,000 tokens of a prompt 6`."""
    parts = [exact(price * MILLION) for _, price in steps]
    starts = [start for start, _ in steps]
    more = [
        f", above {start:,} tokens of a prompt {text}"
        for start, text in zip(starts[1:], parts[1:], strict=True)
    ]
    return "".join([parts[0], *more])


def _command(spec: RunSpec, fingerprint: str, judge: str | None) -> str:
    """SHA-256 (hex) of what identifies the command: everything that affects what is asked."""
    fields = {name: value for name, value in asdict(spec).items() if name not in _NO_SAY}
    # The rate of requests and the key have no effect.
    fields["options"] = fields["options"] | {"endpoint": None}
    if spec.judge is not None:
        fields["judge"] = fields["judge"] | {"endpoint": judge}
    content = json.dumps([fingerprint, fields], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()
