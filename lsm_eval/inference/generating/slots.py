"""Keys and values of sequences that are continued together, and the attention over them.

A common prefix of sequences (a `Trunk`) is stored once, and all their queries attend to it in one matrix product. A
sequence's own tokens are in a preallocated slot: one row of a tensor per layer. The tokens of a pass form one row without
padding, whatever sequences they belong to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lsm_eval.inference.generating.attention_parts import Merge, Part, attend
from lsm_eval.inference.generating.trunks import Run, Trunk

if TYPE_CHECKING:
    import torch

_GROWTH = 64  # tokens; capacity is a multiple


class SlotCache:
    """The cache object that a transformers model is given, and its attention function."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._keys: list[torch.Tensor] = []
        self._values: list[torch.Tensor] = []
        self._slots = self._capacity = 0
        self._runs: Sequence[Run] = ()
        self._decoding = False
        self._layer = 0
        self.starts: list[int] = []
        """Position of each slot's first token, in a decoding pass."""
        self._shared: list[tuple[Trunk, Any]] = []
        """Trunks, and the indices of the new tokens that attend to them: None for all, a slice or a tensor."""
        self._hidden: dict[tuple[int, int | None], torch.Tensor | None] = {}

    # What the loop does

    def reserve(self, slots: int, capacity: int) -> None:
        """Make room for `slots` sequences of `capacity` own tokens; the content is kept."""
        capacity = -(-capacity // _GROWTH) * _GROWTH
        if slots <= self._slots and capacity <= self._capacity:
            return
        self._slots, self._capacity = max(slots, self._slots), max(capacity, self._capacity)
        for tensors in (self._keys, self._values):
            for layer, old in enumerate(tensors):
                new = old.new_zeros(self._slots, old.shape[1], self._capacity, old.shape[3])
                new[: old.shape[0], :, : old.shape[2]] = old
                tensors[layer] = new

    def move(self, source: int, target: int, length: int) -> None:
        """Copy the `length` own tokens of one slot to another."""
        for tensors in (self._keys, self._values):
            for tensor in tensors:
                tensor[target, :, :length] = tensor[source, :, :length]

    def wipe(self, slot: int) -> None:
        """Clear the slot of a sequence that had a NaN, as 0 times NaN is NaN and would reach the next sequence there."""
        for tensors in (self._keys, self._values):
            for tensor in tensors:
                tensor[slot] = 0

    def copy(self, trunks: Sequence[Trunk], slot: int) -> int:
        """Copy consecutive trunks to the start of a slot. Returns how many tokens they have."""
        length = 0
        for trunk in trunks:
            end = length + len(trunk.tokens)
            for tensors, own in ((self._keys, trunk.keys), (self._values, trunk.values)):
                for tensor, one in zip(tensors, own, strict=True):
                    tensor[slot, :, length:end] = one
            length = end
        return length

    def read(self, runs: Sequence[Run]) -> None:
        """Prepare for a pass over the tokens of `runs`, one after another."""
        import torch

        self._runs, self._hidden, self._decoding = runs, {}, False
        positions: list[int] = []
        spans: dict[Trunk, list[tuple[int, int]]] = {}
        for run in runs:
            first = len(positions)
            positions += range(run.start + run.done, run.start + run.done + len(run.tokens))
            for trunk in run.above.path() if run.above else ():
                before = spans.setdefault(trunk, [])
                if before and before[-1][1] == first:
                    before[-1] = (before[-1][0], len(positions))
                else:
                    before.append((first, len(positions)))
        self.positions = torch.tensor(positions, device=self._device)
        self._shared = [
            (trunk, None if end - first == len(positions) else slice(first, end))
            for trunk, own in spans.items()
            for first, end in own
        ]

    def write(
        self, trunks: Sequence[Trunk | None], lengths: Sequence[int], shared: Mapping[Trunk, Sequence[int]]
    ) -> None:
        """Prepare for a pass with one token for each of the first slots, which have `lengths` own tokens before it.

        `shared`: the slots whose sequences pass through each trunk.
        """
        import torch

        self._hidden, self._decoding = {}, True
        self._lengths = torch.tensor(lengths, device=self._device)
        self.starts = [trunk.end if trunk else 0 for trunk in trunks]
        self._rows = torch.arange(len(lengths), device=self._device)
        self._width = max(lengths) + 1
        self.positions = self._lengths + torch.tensor(self.starts, device=self._device)
        self._shared = [
            (trunk, None if len(rows) == len(lengths) else torch.tensor(rows, device=self._device))
            for trunk, rows in shared.items()
        ]

    # What a model calls

    def update(
        self, keys: torch.Tensor, values: torch.Tensor, layer: int, *unused: Any, **more: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Keep the new tokens' keys and values [1, key heads, tokens, size] of a layer."""
        self._layer = layer
        if layer == len(self._keys):
            for tensors, new in ((self._keys, keys), (self._values, values)):
                # Zeros, not `new_empty`: masked keys have the weight 0, and 0 times a NaN in fresh memory is NaN.
                tensors.append(new.new_zeros(self._slots, new.shape[1], self._capacity, new.shape[3]))
        if self._decoding:
            self._keys[layer][self._rows, :, self._lengths] = keys[0].transpose(0, 1)
            self._values[layer][self._rows, :, self._lengths] = values[0].transpose(0, 1)
            return keys, values
        first = 0
        for run in self._runs:
            end = first + len(run.tokens)
            for target, new in zip(self._target(run), (keys, values), strict=True):
                target[:, run.done : run.done + end - first] = new[0, :, first:end]
            first = end
        return keys, values

    def get_seq_length(self, layer: int = 0) -> int:
        """0, as models need it only to number positions, which are given to them."""
        return 0

    def attend(
        self,
        module: Any,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attention_mask: Any,
        scaling: float | None = None,
        softcap: float | None = None,
        sliding_window: int | None = None,
        s_aux: Any = None,
        **unused: Any,
    ) -> tuple[torch.Tensor, None]:
        """transformers' attention interface: `query` [1, heads, tokens, size] over the keys and values in the cache."""
        if s_aux is not None:
            raise NotImplementedError("attention sinks")
        scale = query.shape[-1] ** -0.5 if scaling is None else scaling
        queries = (query[0] * scale).unflatten(0, (key.shape[1], -1))
        window = sliding_window or None
        merge = Merge(queries)
        for number, (trunk, rows) in enumerate(self._shared):
            some = queries if rows is None else queries[:, :, rows]
            hidden = self._trunk_mask(number, trunk, rows, window)
            if hidden is not None:
                hidden = hidden.repeat(queries.shape[1], 1)
            part = attend(
                some.flatten(1, 2), trunk.keys[self._layer], trunk.values[self._layer], softcap, hidden
            )
            merge.add(_unflat(part, some), rows)
        if self._decoding:
            merge.add(self._decode_own(queries, softcap, window))
        else:
            self._read_own(queries, softcap, window, merge)
        return merge.result(), None

    # Parts of the attention

    def _decode_own(self, queries: torch.Tensor, softcap: float | None, window: int | None) -> Part:
        """Attention of each sequence's one token over its own slot, padded to the longest."""
        import torch

        heads, groups, rows, size = queries.shape
        hidden = self._hidden.get((-1, window))
        if hidden is None:
            at = torch.arange(self._width, device=self._device)[None]
            hidden = at > self._lengths[:, None]
            if window is not None:
                hidden = hidden | (at <= self._lengths[:, None] - window)
            self._hidden[-1, window] = hidden = hidden.repeat_interleave(heads, 0)[:, None]
        keys, values = (
            tensors[self._layer][:rows].flatten(0, 1)[:, : self._width]
            for tensors in (self._keys, self._values)
        )
        flat = queries.permute(2, 0, 1, 3).reshape(rows * heads, groups, size)
        weighted, largest, sums = (
            part.unflatten(0, (rows, heads)).permute(1, 2, 0, 3)
            for part in attend(flat, keys, values, softcap, hidden)
        )
        return weighted, largest, sums

    def _read_own(
        self, queries: torch.Tensor, softcap: float | None, window: int | None, merge: Merge
    ) -> None:
        """Attention of each run's tokens over the target's tokens up to themselves."""
        import torch

        first = 0
        for number, run in enumerate(self._runs):
            end, length = first + len(run.tokens), run.done + len(run.tokens)
            key = (len(self._shared) + number, window)
            hidden = self._hidden.get(key)
            if hidden is None:
                at = torch.arange(length, device=self._device)
                hidden = at > at[run.done :, None]
                if window is not None:
                    hidden = hidden | (at <= at[run.done :, None] - window)
                self._hidden[key] = hidden = hidden.repeat(queries.shape[1], 1)
            some = queries[:, :, first:end]
            keys, values = (tensor[:, :length] for tensor in self._target(run))
            part = attend(some.flatten(1, 2), keys, values, softcap, hidden)
            merge.add(_unflat(part, some), slice(first, end))
            first = end

    def _trunk_mask(self, number: int, trunk: Trunk, rows: Any, window: int | None) -> torch.Tensor | None:
        """The mask of a trunk's keys that are outside the window of new tokens, [tokens, trunk]; None if none are."""
        if window is None:
            return None
        key = (number, window)
        if key not in self._hidden:
            import torch

            at = torch.arange(trunk.start, trunk.end, device=self._device)
            own = self.positions if rows is None else self.positions[rows]
            hidden = at <= own[:, None] - window
            self._hidden[key] = hidden if bool(hidden.any()) else None
        return self._hidden[key]

    def _target(self, run: Run) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values of a run's target in the current layer, [key heads, tokens, size]."""
        layer, target = self._layer, run.target
        if isinstance(target, int):
            return self._keys[layer][target], self._values[layer][target]
        for mine, like in ((target.keys, self._keys), (target.values, self._values)):
            if layer == len(mine):
                old = like[layer]
                mine.append(old.new_empty(old.shape[1], len(target.tokens), old.shape[3]))
        return target.keys[layer], target.values[layer]


def _unflat(part: Part, queries: torch.Tensor) -> Part:
    """From [key heads, groups * tokens, ...] to [key heads, groups, tokens, ...]."""
    weighted, largest, sums = (one.unflatten(1, queries.shape[1:3]) for one in part)
    return weighted, largest, sums
