"""Free memory, and how to recover when it runs out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from lsm_eval.errors import UserError

T = TypeVar("T")
U = TypeVar("U")

_CGROUP = Path("/sys/fs/cgroup")


def bytes_per_token(config: Any, size: int) -> int:
    """Bytes of one token's keys and values in all layers, with `size` bytes per number."""
    text = config.get_text_config()
    heads = int(text.num_attention_heads)
    of_keys = int(getattr(text, "num_key_value_heads", None) or heads)
    width = int(getattr(text, "head_dim", None) or text.hidden_size // heads)
    return 2 * int(text.num_hidden_layers) * of_keys * width * size


def free_memory(device: str) -> int | None:
    """Free bytes on a device, None if unknown. On a CPU, within the control group's limit."""
    import torch

    if device.startswith("cuda"):
        # Memory that the allocator holds unused is free, too.
        reserved = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0] + reserved)
    if device != "cpu":
        return None
    import psutil

    free = int(psutil.virtual_memory().available)
    try:
        bound = (_CGROUP / "memory.max").read_text(encoding="ascii").strip()
        if bound != "max":
            free = min(free, int(bound) - int((_CGROUP / "memory.current").read_text(encoding="ascii")))
    except (OSError, ValueError):  # no control group, or an older kind
        return free
    return max(free, 0)


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
    """Return cached memory to the device after it ran out."""
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
    """What `compute(items, tokens)` yields, by item; if memory runs out, the remaining items are computed with half the
    tokens at a time, and nothing is lost. Raises `UserError` if hardly any fit."""
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
                "--device or --dtype, or leave out tasks with long texts; what was answered is kept, unless by --store none."
            )
        tokens = max(tokens // 2, _LEAST_TOKENS)


class MemoryGuard:
    """Halves batches until they fit if memory runs out, and remembers the size that fitted."""

    def __init__(self, device: str) -> None:
        self._device = device
        self.most: int | None = None
        """The most items of a batch since memory ran out; None before."""

    def run(self, items: Sequence[T], compute: Callable[[Sequence[T]], list[U]]) -> list[U]:
        """The results of `compute` over all `items`, in their order.

        Raises `UserError` if not even one item fits.
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
                "--device or --dtype, or leave out tasks with long texts; what was answered is kept, unless by --store none."
            )
        self.most = len(items) // 2
        return self.run(items, compute)
