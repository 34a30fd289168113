"""Pull requests of a known truth, and what gates say of them.

A cell is a number of pairs, the share that differs, the true loss of the first metric (the others are unchanged), clusters or none, and the
number of metrics, which are independent. Where the loss is larger than the share that is to differ, that share is the loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from gates_rules import CODES, FAIL, MARGIN, PAIRED, PASS, PLAIN, Codes, Ints, Seen, alone, ours

from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.comparison.power import Shares, pairs_to_fail, pairs_to_pass
from lsm_eval.statistics.comparison.sequential import Look, equal_shares, sequential

NUMBERS = (200, 500, 1319, 3000, 10_000)
DISCORDANCE = (0.02, 0.05, 0.1)
LOSSES = (0.0, 0.01, MARGIN, 0.02, 0.03, 0.05)
METRICS = (1, 10)
RIGHT = (0.3, 0.7, 0.95)
"""Shares that the baseline gets right."""
SIZE, CORRELATION = 10, 0.2
"""Of clusters: their samples, and the correlation of two pairs of one."""
OURS = "lsm-eval gate"


@dataclass(frozen=True)
class Cell:
    n: int
    differ: float
    loss: float
    clustered: bool
    metrics: int

    @property
    def shares(self) -> FloatArray:
        """Gained and lost, of the first metric and of the others [2, 2]."""
        made = []
        for loss in (self.loss, 0.0):
            differ = max(self.differ, loss)
            made.append([(differ - loss) / 2, (differ + loss) / 2])
        return np.array(made)

    @property
    def named(self) -> dict[str, Any]:
        return asdict(self)


def grid(*, clustered: bool) -> Iterator[Cell]:
    """All cells that are clustered, or not."""
    for n in NUMBERS:
        for differ in DISCORDANCE:
            for loss in LOSSES:
                for metrics in METRICS:
                    yield Cell(n, differ, loss, clustered, metrics)


def rows(cell: Cell, requests: int, seed: int) -> list[dict[str, Any]]:
    """What each gate says: shares of pull requests that pass, are undecided and fail."""
    rng = np.random.default_rng([seed, cell.n, round(1e4 * cell.differ), round(1e4 * cell.loss), cell.clustered, cell.metrics])  # fmt: skip
    seen = drawn(cell, requests, rng)
    whole, each = ours(seen)
    made = [_row(cell, OURS, None, whole, each)]
    made += [_row(cell, name, None, rule(seen).max(axis=1), rule(seen)) for name, rule in PAIRED.items()]
    for right in RIGHT:
        baseline = _baseline(cell, seen, right, rng)
        candidate = baseline - seen.lost + seen.gained
        for name, rule in PLAIN.items():
            codes = rule(cell.n, baseline, candidate)
            made.append(_row(cell, name, right, codes.max(axis=1), codes))
    return made


def drawn(cell: Cell, requests: int, rng: np.random.Generator) -> Seen:
    """Pull requests of this cell."""
    which = np.minimum(np.arange(cell.metrics), 1)
    shares = np.column_stack([cell.shares, 1 - cell.shares.sum(axis=1)])[which]
    if not cell.clustered:
        found = np.stack([rng.multinomial(cell.n, one, requests) for one in shares], axis=1)
        return Seen(cell.n, found[..., 0], found[..., 1])
    sizes = np.full(-(-cell.n // SIZE), SIZE)
    sizes[-1] -= sizes.sum() - cell.n
    shape = np.maximum(shares * (1 - CORRELATION) / CORRELATION, 1e-9)[None, :, None, :]
    parts = rng.standard_gamma(np.broadcast_to(shape, (requests, cell.metrics, len(sizes), 3)))
    own = np.maximum(parts / parts.sum(axis=-1, keepdims=True), 0)
    gained = rng.binomial(sizes, np.minimum(own[..., 0], 1))
    rest = np.where(own[..., 0] < 1, own[..., 1] / np.maximum(1 - own[..., 0], 1e-300), 0)
    lost = rng.binomial(sizes - gained, np.minimum(rest, 1))
    return Seen(cell.n, gained.sum(axis=-1), lost.sum(axis=-1), (gained, lost, sizes))


def _baseline(cell: Cell, seen: Seen, right: float, rng: np.random.Generator) -> Ints:
    """How many the baseline gets right: all that the candidate lost, and of those that do not differ as many as its share asks."""
    which = np.minimum(np.arange(cell.metrics), 1)
    shares = cell.shares[which]
    chance = np.clip((right - shares[:, 1]) / (1 - shares.sum(axis=1)), 0, 1)
    found: Ints = seen.lost + rng.binomial(cell.n - seen.gained - seen.lost, chance)
    return found


def _row(cell: Cell, gate: str, right: float | None, whole: Codes, each: Codes) -> dict[str, Any]:
    same = each if cell.loss == 0 else each[:, 1:]
    return {
        **cell.named,
        "gate": gate,
        "right": right,
        "requests": len(whole),
        "pass": float((whole == PASS).mean()),
        "fail": float((whole == FAIL).mean()),
        "false_alarm": float((same == FAIL).any(axis=1).mean()) if same.shape[1] else None,
        "first_passes": float((each[:, 0] == PASS).mean()),
    }


# Looks on the way.


def stopping() -> Iterator[Cell]:
    """Cells of runs that stop early."""
    for metrics in METRICS:
        for n in NUMBERS[2:]:
            for differ in DISCORDANCE:
                for loss in (0.0, MARGIN, 2 * MARGIN, 0.05):
                    yield Cell(n, differ, loss, False, metrics)


def stopped(cell: Cell, requests: int, seed: int) -> dict[str, Any]:
    """What a gate of ten looks says, and after which share of the samples all its verdicts are made."""
    rng = np.random.default_rng([seed, 10, cell.n, round(1e4 * cell.differ), round(1e4 * cell.loss), cell.metrics])  # fmt: skip
    shares = equal_shares()
    sizes = np.round(np.array(shares) * cell.n).astype(int)
    parts = [drawn(replace(cell, n=int(more)), requests, rng) for more in np.diff([0, *sizes])]
    gained, lost = (np.stack([getattr(one, name) for one in parts]).cumsum(axis=0) for name in ("gained", "lost"))  # fmt: skip
    gains, losses = gained.swapaxes(0, 1).tolist(), lost.swapaxes(0, 1).tolist()
    codes, used = np.empty((requests, cell.metrics), np.int8), np.empty(requests)
    for at in range(requests):
        looks = []
        for share, size, ups, downs in zip(shares, sizes.tolist(), gains[at], losses[at], strict=True):
            own = (alone(size, up, down) for up, down in zip(ups, downs, strict=True))
            looks.append(Look(share, tuple(own)))
        found = sequential(looks)
        codes[at] = [CODES[one.outcome] for one in found]
        used[at] = max(shares[(one.look or len(shares)) - 1] for one in found)
    row = _row(cell, OURS, None, codes.max(axis=1), codes)
    return {**row, "used": float(used.mean()), "needed": needed(cell)}


def needed(cell: Cell) -> int | None:
    """Pairs of which a single look decides in most cases: lets an unchanged candidate pass in nine of ten, fails one of this loss in
    eight of ten; None where the loss is the margin."""
    spread = Shares(max(cell.differ, cell.loss))
    if cell.loss > MARGIN:
        return pairs_to_fail(cell.loss, spread, margin=MARGIN, metrics=cell.metrics)
    return pairs_to_pass(MARGIN, spread, loss=cell.loss)
