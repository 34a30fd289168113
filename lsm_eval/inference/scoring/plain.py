"""Plain padded scoring: the reference that every faster method is tested against.

Sequences are padded on the right, and attention is causal, so that no mask is needed: a real token never sees padding. The
output head runs only on the positions whose next token is scored, with log-softmax in float32.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lsm_eval.inference.ledger import Work
from lsm_eval.inference.scoring.head import CHUNK_BYTES

if TYPE_CHECKING:
    import torch

_HEAD_ROWS = 1024  # rows whose log-sum-exp is taken at once: its temporary is as large as the logits


@dataclass(frozen=True, slots=True)
class TokenRow:
    """Tokens of which the last `scored` ones are scored, each given all before it."""

    tokens: tuple[int, ...]
    """Context and continuation; at least one token precedes the scored ones."""
    scored: int


@dataclass(frozen=True, slots=True)
class TokenDetail:
    """Statistics of each scored token of a sequence, in order, in nats."""

    logprobs: tuple[float, ...]
    means: tuple[float, ...]
    """Mean log-probability of a token sampled from the model at that place (its negative entropy)."""
    deviations: tuple[float, ...]
    """Standard deviation of the same log-probability."""


@dataclass(frozen=True, slots=True)
class SequenceScore:
    """The score of one sequence."""

    logprob: float
    """Sum over the scored tokens, in nats; NaN if the model gave one."""
    greedy: bool
    """Whether every scored token is the likeliest one (the first of equal ones counts)."""
    detail: TokenDetail | None = None
    """Only if it was requested."""


def score_sequences(
    model: Any,
    sequences: Sequence[TokenRow],
    *,
    device: str,
    pad: int,
    work: Work | None = None,
    detail: bool = False,
) -> list[SequenceScore]:
    """Scores of all `sequences` in one forward pass of a decoder-only model; parallel to `sequences`.

    Sequences that differ in their last token only (single-token choices) share one row of the batch. The work done is added
    to `work`. `detail`: with the statistics of each token.
    """
    import torch

    start = time.perf_counter()
    inputs: dict[tuple[int, ...], int] = {}
    row_of = [inputs.setdefault(sequence.tokens[:-1], len(inputs)) for sequence in sequences]
    width = max(len(tokens) for tokens in inputs)
    ids = torch.full((len(inputs), width), pad, dtype=torch.long)
    for tokens, row in inputs.items():
        ids[row, : len(tokens)] = torch.tensor(tokens, dtype=torch.long)

    # Every needed (row, position) once, in order; each sequence then knows its span of rows of the head.
    places: dict[tuple[int, int], int] = {}
    spans: list[list[int]] = []
    for sequence, row in zip(sequences, row_of, strict=True):
        last = len(sequence.tokens) - 1
        first = last - sequence.scored
        spans.append([places.setdefault((row, at), len(places)) for at in range(first, last)])
    flat = torch.tensor([row * width + at for row, at in places], dtype=torch.long)

    with torch.inference_mode(), only_rows(model, flat.to(device)):
        logits = model(input_ids=ids.to(device), use_cache=False).logits[0]
    if logits.shape[0] != len(places):
        raise RuntimeError(f"the head gave {logits.shape[0]} rows for {len(places)} scored positions")

    wanted = torch.tensor([i for span in spans for i in span], dtype=torch.long, device=device)
    targets = torch.tensor(
        [token for s in sequences for token in s.tokens[-s.scored :]], dtype=torch.long, device=device
    )
    logprobs, hits = row_statistics(logits, wanted, targets)
    means, deviations = row_spreads(logits) if detail else ([], [])
    scores = []
    at = 0
    for sequence, places_of in zip(sequences, spans, strict=True):
        span = slice(at, at + sequence.scored)
        each = None
        if detail:
            own = [means[i] for i in places_of], [deviations[i] for i in places_of]
            each = TokenDetail(tuple(logprobs[span]), *map(tuple, own))
        scores.append(SequenceScore(sum(logprobs[span]), all(hits[span]), each))
        at += sequence.scored
    if work is not None:
        lengths = [len(tokens) for tokens in inputs]
        work.tokens += sum(lengths)
        work.padding += width * len(inputs) - sum(lengths)
        work.pairs += layer_count(model) * sum(length * (length + 1) // 2 for length in lengths)
        work.rows += len(places)
        work.passes += 1
        work.seconds += time.perf_counter() - start
    return scores


def layer_count(model: Any) -> int:
    """The number of layers of a model's text part."""
    return int(model.config.get_text_config().num_hidden_layers)


def row_statistics(
    logits: torch.Tensor, rows: torch.Tensor, targets: torch.Tensor
) -> tuple[list[float], list[bool]]:
    """Log-probability of each target given its row of logits [rows, vocabulary], and whether it is the
    likeliest token there; log-softmax in float32. `rows` and `targets` run parallel."""
    import torch

    with torch.inference_mode():
        chunks = [
            (torch.logsumexp(chunk.float(), dim=-1), chunk.argmax(dim=-1))
            for chunk in logits.split(_HEAD_ROWS)
        ]
        normaliser = torch.cat([lse for lse, _ in chunks])
        best = torch.cat([top for _, top in chunks])
        logprobs = logits[rows, targets].float() - normaliser[rows]
        return logprobs.double().tolist(), (best[rows] == targets).tolist()


def row_spreads(logits: torch.Tensor) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of the log-probability of a token sampled from each row's distribution; `logits`
    [rows, vocabulary], log-softmax in float32. Both are 0 if one token has all the probability."""
    import torch

    means: list[float] = []
    deviations: list[float] = []
    with torch.inference_mode():
        for chunk in logits.split(max(CHUNK_BYTES // (4 * logits.shape[-1]), 16)):
            # A token without probability has no weight; clamped, as minus infinity times 0 would be NaN.
            each = torch.log_softmax(chunk.float(), dim=-1).clamp_(min=-1e4)
            weights = each.exp()
            mean = (weights * each).sum(dim=-1, keepdim=True)
            means += mean[:, 0].tolist()
            # From the differences, as the mean square minus the squared mean would lose all digits near certainty.
            deviations += (weights * each.sub_(mean).square_()).sum(dim=-1).sqrt().tolist()
    return means, deviations


@contextmanager
def only_rows(model: Any, flat: torch.Tensor) -> Iterator[None]:
    """Passes only the rows `flat` of the hidden states [batch * width, hidden] to the output head.

    Whatever a model does to its logits afterwards (soft-capping, scaling) still applies to those rows.
    """

    def pick(module: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
        hidden = args[0]
        return (hidden.reshape(-1, hidden.shape[-1])[flat].unsqueeze(0), *args[1:])

    handle = model.get_output_embeddings().register_forward_pre_hook(pick)
    try:
        yield
    finally:
        handle.remove()


def windows(tokens: Sequence[int], start: int, size: int) -> list[TokenRow]:
    """A text's tokens as windows in which every token is scored exactly once.

    The model reads at most `size` tokens per window. The first window starts from the token `start` (beginning of text), a
    later one from the token before it, and the last reaches back so far that it is full: lm-evaluation-harness's rolling
    windows with a context of one.
    """
    parts: list[TokenRow] = []
    done = min(len(tokens), size)
    if tokens:
        parts.append(TokenRow((start, *tokens[:done]), done))
    while done < len(tokens):
        new = min(len(tokens) - done, size)
        end = done + new
        parts.append(TokenRow(tuple(tokens[end - size - 1 : end]), new))
        done = end
    return parts
