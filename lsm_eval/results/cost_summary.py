"""What a run cost, in one line."""

from __future__ import annotations

from decimal import Decimal

from lsm_eval.money import DOLLAR, shown
from lsm_eval.results.cost_rows import CostRow, SpentRow


def cost_summary(cost: CostRow | None) -> str:
    """The summary; empty if no server was asked."""
    if cost is None or not any(row.charged for row in cost.models):
        return ""
    rows = [row for row in cost.models if row.charged]
    several = len(cost.models) > 1
    parts = [(f"{row.role}: " if several else "") + _of(row) for row in rows]
    whole = f"{_dollars(cost.dollars)}" if cost.dollars is not None else "no price known"
    limit = f" of at most {_dollars(cost.limit)}" if cost.limit is not None else ""
    if cost.limit is not None and cost.before not in (None, "0"):
        limit += f", beside {_dollars(cost.before)} of the same command before"
    return f"{whole}{limit} ({'; '.join(parts)})"


def _of(row: SpentRow) -> str:
    count = row.tokens
    texts = [f"{count['input']:,} tokens in"]
    if count["cached"]:
        texts.append(f"{count['cached']:,} of them cached")
    texts.append(f"{count['output']:,} out")
    if row.assumed:
        tries = "1 try" if row.assumed == 1 else f"{row.assumed:,} tries"
        most = f", {_dollars(row.dollars_assumed)} at most" if row.dollars_assumed is not None else ""
        texts.append(f"{tries} without a count{most}")
    if row.prices is not None:
        texts.append(f"prices of {row.prices}")
    return ", ".join(texts)


def _dollars(text: str | None) -> str:
    return shown(int(Decimal(text or "0") * DOLLAR))
