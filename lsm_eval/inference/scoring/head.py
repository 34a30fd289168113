"""Applies the output head to chosen rows only, in chunks, so that logits do not fill the memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

CHUNK_BYTES = 32 * 1024 * 1024
"""Size of a chunk of float32 logits: about a processor's last-level cache."""


def body(model: Any) -> Any:
    """The part of a causal language model below its output head.

    Raises `AttributeError` for a model without such a part.
    """
    inner = getattr(model, model.base_model_prefix)
    if inner is model:
        raise AttributeError("the model has no body apart from its head")
    return inner


def chunk_rows(model: Any) -> int:
    """How many rows go through the head at once."""
    width = int(model.get_output_embeddings().weight.shape[0])
    return max(CHUNK_BYTES // (4 * width), 16)


def logits(model: Any, output: Any, hidden: torch.Tensor) -> torch.Tensor:
    """Logits [rows, vocabulary] of hidden states [rows, width], in the model's own dtype.

    Computed by the model's own forward pass, with the body replaced by its result, so that whatever follows the head
    (soft-capping, scaling) is applied. `output` is what the body returned.
    """
    inner = body(model)
    ready = type(output)(**{**output, "last_hidden_state": hidden[None]})
    inner.forward = lambda *args, **options: ready
    try:
        # The ids are not used, as the body is replaced.
        found: torch.Tensor = model(input_ids=_no_ids(hidden), use_cache=False).logits[0]
    finally:
        del inner.forward
    if found.shape[0] != hidden.shape[0]:
        raise RuntimeError(f"the head gave {found.shape[0]} rows for {hidden.shape[0]} scored positions")
    return found


def statistics(
    model: Any, output: Any, places: torch.Tensor, rows: torch.Tensor, targets: torch.Tensor
) -> tuple[list[float], list[bool]]:
    """Log-probability (natural log) of each target given its row of logits, and whether it is the likeliest token.

    `output` is what the body returned for a batch [sequences, width], `places` [rows] are the positions whose logits
    are needed (sequence by sequence), `rows` (indices into `places`, ascending) and `targets` are parallel.
    Log-softmax in float32. Of equally likely tokens the first counts as the likeliest.
    """
    import torch

    size = chunk_rows(model)
    hidden = output.last_hidden_state.flatten(0, 1)
    logprobs: list[torch.Tensor] = []
    hits: list[torch.Tensor] = []
    for first, chosen in _chunks(places, size):
        begin, end = torch.searchsorted(rows, torch.tensor([first, first + len(chosen)], device=rows.device))
        own_rows, own_targets = rows[begin:end] - first, targets[begin:end]
        found = logits(model, output, hidden[chosen]).float()
        best = found.argmax(dim=-1)
        picked = found[own_rows, own_targets]
        top = found.gather(1, best[:, None])
        # In place: another array of this size would cost more to allocate than to fill.
        total = found.sub_(top).exp_().sum(dim=-1)
        logprobs.append(picked - (top[:, 0] + total.log())[own_rows])
        hits.append(best[own_rows] == own_targets)
    return torch.cat(logprobs).double().tolist(), torch.cat(hits).tolist()


def _chunks(places: torch.Tensor, size: int) -> Iterator[tuple[int, torch.Tensor]]:
    for first in range(0, len(places), size):
        yield first, places[first : first + size]


def _no_ids(hidden: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.zeros((1, hidden.shape[0]), dtype=torch.long, device=hidden.device)
