"""The computation of a run, in its record: its phases, and the passes through the model."""

from __future__ import annotations

from lsm_eval.results.row import Row


class Phase(Row):
    """One phase of the run."""

    name: str
    """Such as `load`, `score`, `decode`."""
    seconds: float
    """Wall time."""


class Passes(Row):
    """Passes through the model for one purpose. What is not known is None, never 0."""

    tokens: int
    """Tokens that went through the model, padding left out."""
    padding: int
    """Padding positions that went through the model."""
    pairs: int
    """Pairs of a token and one that it attends to, itself included, summed over the layers."""
    rows: int
    """Number of positions whose logits over the vocabulary were computed."""
    passes: int
    """Number of passes through the model."""
    seconds: float | None = None
    """Time in these passes."""
    tokens_per_second: float | None = None
    """`tokens` by `seconds`."""
    flops: float | None = None
    """Floating-point operations (`inference.flops`)."""
    flops_per_second: float | None = None
    """`flops` by `seconds`."""
    matmul_share: float | None = None
    """`flops_per_second` as a share of `Work.matmul_flops_per_second`, never above 1."""
    matmul_share_unknown: str | None = None
    """Why there is no such share, although both are known."""
    read_bytes: float | None = None
    """While decoding: the weights once per pass, and the keys and values attended to."""
    bandwidth_share: float | None = None
    """`read_bytes` per second as a share of `Work.memory_bytes_per_second`, never above 1."""
    bandwidth_share_unknown: str | None = None
    """Why there is no such share, although both are known."""


class Work(Row):
    """The computation of a run. What was not measured, or cannot be known for a model, is None, never 0."""

    seconds: float
    """Wall time from the start until the record was written; the sum of `Manifest.phases`."""
    tokens_asked: int | None = None
    """Tokens of all requests with repetitions: each context counts once per continuation. A generated text
    counts with the tokens actually generated (`Manifest.tokens` has the most that were allowed)."""
    tokens_from_store: int | None = None
    """Tokens of requests whose answers were in the store."""
    tokens_computed: int | None = None
    """Tokens that went through the model."""
    tokens_ratio: float | None = None
    """Tokens asked and not in the store, per computed token."""
    tokens_unique: int | None = None
    """Number of scored tokens that are distinct, given their contexts."""
    padding_share: float | None = None
    """Share of padding among the positions that went through the model."""
    rows_computed: int | None = None
    """Number of positions whose logits were computed while scoring."""
    rows_needed: int | None = None
    """Number of distinct positions whose next token is scored."""
    store_asked: int | None = None
    """Distinct requests that were looked up in the store; None if no store was used."""
    store_hits: int | None = None
    """Number of these requests that were found."""
    score: Passes | None = None
    """Scoring given texts."""
    prefill: Passes | None = None
    """Reading the prompts of generated texts."""
    decode: Passes | None = None
    """Generating, one token per sequence and pass."""
    planner_share: float | None = None
    """Share of `seconds` spent on planning the order of computation."""
    matmul_flops_per_second: float | None = None
    """Speed of a matrix product on the same device with the same threads, right after the last answer."""
    memory_bytes_per_second: float | None = None
    """Speed of reading memory, measured at the same time."""
    peak_memory_bytes: int | None = None
    """Peak memory of the process until the last answer."""
    peak_device_memory_bytes: int | None = None
    """Peak memory of tensors on a CUDA device until the last answer."""
