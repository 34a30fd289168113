"""Running out of memory: told apart from every other error, and survived."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from lsm_eval.errors import UserError

T = TypeVar("T")
U = TypeVar("U")


def out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that the device or the host has no memory left."""
    import torch

    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and (
        "DefaultCPUAllocator" in text
        or "out of memory" in text.lower()
        or "not enough memory" in text.lower()
    )


def release(device: str) -> None:
    """Hand cached memory back to the device after running out of it."""
    import gc

    import torch

    gc.collect()
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    elif device == "mps":
        torch.mps.empty_cache()


_LEAST_TOKENS = 16


def with_less_each_time(
    compute: Callable[[dict[int, T], int], Iterator[dict[int, U]]],
    items: Mapping[int, T],
    tokens: int,
    device: str,
) -> Iterator[dict[int, U]]:
    """What `compute(items, tokens)` yields, by item; where memory runs out, what is left goes on with half the
    tokens at a time, and nothing is lost. Raises `UserError` where hardly any fit."""
    left = dict(items)
    while True:
        try:
            for done in compute(left, tokens):
                yield done
                for item in done:
                    del left[item]
            return
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
        # Outside the handler, so that the traceback no longer holds the failed batch's tensors.
        release(device)
        if tokens <= _LEAST_TOKENS:
            raise UserError(
                f"not enough memory on {device} for {tokens} tokens at a time: use a smaller model, another "
                "--device or --dtype, or leave out tasks with long texts; what was answered is kept."
            )
        tokens = max(tokens // 2, _LEAST_TOKENS)


class MemoryGuard:
    """Runs batches in halves of halves where memory runs out, and remembers the size that fitted."""

    def __init__(self, device: str) -> None:
        self._device = device
        self.most: int | None = None
        """Items that a batch may have since memory ran out; None as long as it did not."""

    def run(self, items: Sequence[T], compute: Callable[[Sequence[T]], list[U]]) -> list[U]:
        """The results of `compute` over all `items`, in their order.

        Raises `UserError` where not even one item fits.
        """
        if self.most is not None and len(items) > self.most:
            parts = [items[at : at + self.most] for at in range(0, len(items), self.most)]
            return [result for part in parts for result in self.run(part, compute)]
        try:
            return compute(items)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
        # Outside the handler, so that the traceback no longer holds the failed batch's tensors.
        release(self._device)
        if len(items) == 1:
            raise UserError(
                f"not enough memory on {self._device} for a single sequence: use a smaller model, another "
                "--device or --dtype, or leave out tasks with long texts; all that was answered is kept."
            )
        self.most = len(items) // 2
        return self.run(items, compute)
