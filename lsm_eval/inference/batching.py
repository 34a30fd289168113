"""Batches of sequences that fit a token budget, with little padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Indices of items, batch by batch, longest first.

    `lengths`: each item's length in tokens. A batch of b items takes b times its longest length, at most `budget`; a
    longer item is a batch by itself. Longest first, so that running out of memory shows at the start. The order depends
    on `lengths` only: items of equal length stay in their order.
    """
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    batch: list[int] = []
    for i in order:
        if batch and lengths[batch[0]] * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch
