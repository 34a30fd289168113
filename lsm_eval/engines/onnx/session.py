"""One ONNX graph in memory: it takes tokens and a cache of keys and values, and returns logits and the extended cache."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsm_eval.engines.onnx.layout import Layout
from lsm_eval.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FATAL = 4  # of ONNX Runtime's log
_NUMBERS = {"tensor(float)": "float32", "tensor(float16)": "float16"}
_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class GraphFault(UserError):
    """ONNX Runtime failed while it ran a graph."""

    def __init__(self, graph: Path, why: str) -> None:
        super().__init__(f"{graph}: ONNX Runtime failed in it ({why}); name another folder.")
        self.why = re.sub(r"^\[ONNXRuntimeError\] : \d+ : ", "", why)[:200]
        """The reason, without the graph's path."""


class Session:
    """A decoder's graph on a device."""

    def __init__(self, layout: Layout, device: str, threads: int) -> None:
        """Raises `UserError` for a graph that cannot be run, or is not that of a decoder with a cache."""
        self._layout, self._device, self._threads = layout, device, threads
        self._run = self._opened()
        names = layout.names
        inputs = {one.name: one for one in self._run.get_inputs()}
        outputs = {one.name: one for one in self._run.get_outputs()}
        layers = 0
        while names["past_key_names"] % layers in inputs:
            layers += 1
        self._past = [
            names[f"past_{part}_names"] % layer for layer in range(layers) for part in ("key", "value")
        ]
        present = [
            names[f"present_{part}_names"] % layer for layer in range(layers) for part in ("key", "value")
        ]
        self._ids, self._mask, self._positions = (
            names[name] for name in ("input_ids", "attention_mask", "position_ids")
        )
        self._asked = [names["logits"], *present]
        self._check(inputs, outputs, layers)
        self._numbered = self._positions in inputs
        self._masked = self._mask in inputs
        kinds = {inputs[name].type for name in self._past}
        if len(kinds) > 1 or not kinds <= _NUMBERS.keys():
            raise self._unusable(
                f"its keys and values are {', '.join(sorted(kinds))}, not float32 or float16"
            )
        self.dtype = _NUMBERS[kinds.pop()]
        self._shapes = [_sizes(inputs[name].shape, layout.sizes) for name in self._past]
        if None in self._shapes:
            raise self._unusable("it does not say how many heads its keys and values have, and of what size")
        last = outputs[names["logits"]].shape[-1]
        self.vocabulary: int | None = last if isinstance(last, int) else None

    @property
    def layers(self) -> int:
        """Number of layers that have keys and values."""
        return len(self._past) // 2

    def empty(self, rows: int) -> list[Any]:
        """A cache of `rows` sequences of no tokens."""
        import numpy as np

        return [np.zeros((rows, shape[0], 0, shape[1]), dtype=self.dtype) for shape in self._shapes if shape]

    def forward(
        self,
        ids: NDArray[np.int64],
        mask: NDArray[np.int64],
        positions: NDArray[np.int64],
        cache: Sequence[Any],
    ) -> tuple[NDArray[np.floating[Any]], list[Any]]:
        """Logits [rows, new, vocabulary], and the cache with the new tokens at its end. `ids` and `positions` [rows, new];
        `mask` [rows, cached and new tokens]: 1 for tokens, 0 for gaps. Raises `GraphFault`, and `UserError` if memory runs
        out."""
        feed = {self._ids: ids, **dict(zip(self._past, cache, strict=True))}
        if self._masked:
            feed[self._mask] = mask
        if self._numbered:
            feed[self._positions] = positions
        try:
            logits, *present = self._run.run(self._asked, feed)
        except Exception as error:  # ONNX Runtime's exceptions have no common class
            text = _first_line(error)
            if "allocate" in text or "bad_alloc" in text or "out of memory" in text.lower():
                raise UserError(
                    f"not enough memory on {self._device} for {ids.shape[0]} sequence(s): use a smaller --batch-tokens, a smaller "
                    "--context, or fewer --slots; what was answered is kept, unless by --store none."
                ) from error
            raise GraphFault(self._layout.graph, text) from error
        return logits, present

    def _opened(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = _FATAL
        options.intra_op_num_threads, options.inter_op_num_threads = self._threads, 1
        kind, _, index = self._device.partition(":")
        providers: list[Any] = [_PROVIDERS["cpu"]]
        if kind == "cuda":
            providers.insert(0, (_PROVIDERS["cuda"], {"device_id": int(index or 0)}))
        try:
            session = onnxruntime.InferenceSession(str(self._layout.graph), options, providers=providers)
        except Exception as error:  # ONNX Runtime's exceptions have no common class
            raise self._unusable(_first_line(error)) from error
        if kind == "cuda" and session.get_providers()[0] != _PROVIDERS["cuda"]:
            raise UserError(
                f"--device {self._device}: ONNX Runtime cannot use CUDA here (its libraries are of another version, or missing): "
                "repair that, or use --device cpu."
            )
        return session

    def _check(self, inputs: dict[str, Any], outputs: dict[str, Any], layers: int) -> None:
        if self._ids not in inputs or self._asked[0] not in outputs:
            raise self._unusable(f"it has no input {self._ids!r}, or no output {self._asked[0]!r}")
        if not layers:
            raise self._unusable(
                f"it takes no keys and values ({self._layout.names['past_key_names'] % 0}): export it with "
                "--task text-generation-with-past"
            )
        missing = [name for name in (*self._past, *self._asked) if name not in inputs and name not in outputs]
        if missing:
            raise self._unusable(f"it lacks {missing[0]!r}")
        known = {self._ids, self._mask, self._positions, *self._past}
        others = sorted(inputs.keys() - known)
        if others:
            raise self._unusable(
                f"it takes {', '.join(map(repr, others[:3]))}, which no plain decoder with a cache does; merged graphs "
                "(use_cache_branch) and those with states of their own are not run"
            )

    def _unusable(self, why: str) -> UserError:
        return UserError(
            f"{self._layout.graph}: cannot be run as a decoder ({why.rstrip('.')}); name another folder."
        )


def _sizes(shape: Sequence[Any], known: tuple[int, int] | None) -> tuple[int, int] | None:
    """The number of heads and the size of each, from the shape [rows, heads, tokens, size]; from `told` if the graph has
    names there instead of numbers."""
    if len(shape) != 4:
        return None
    found = [
        size if isinstance(size, int) else known[at] if known else None
        for at, size in enumerate((shape[1], shape[3]))
    ]
    heads, size = found
    return None if heads is None or size is None else (heads, size)


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__
