"""What a run did to answer, in its record: its phases, and the passes through the model."""

from __future__ import annotations

from lsm_eval.results.row import Row


class Phase(Row):
    """One phase of the run."""

    name: str
    seconds: float


class Passes(Row):
    """Passes through the model for one purpose. What is not known is None, never 0."""

    tokens: int
    """Tokens that went through the model, padding left out."""
    padding: int
    """Positions that went through the model and stood for nothing."""
    pairs: int
    """Pairs of a token and one that it attends to, itself included, summed over the layers."""
    rows: int
    """Rows of the vocabulary that were computed."""
    passes: int
    seconds: float | None = None
    tokens_per_second: float | None = None
    flops: float | None = None
    """Floating-point operations (`inference.flops`)."""
    flops_per_second: float | None = None
    matmul_share: float | None = None
    """`flops_per_second` as a share of `Work.matmul_flops_per_second`, never above 1."""
    matmul_share_unknown: str | None = None
    """Why there is no such share although both are known."""
    read_bytes: float | None = None
    """While decoding: the weights once a pass, and the keys and values attended to."""
    bandwidth_share: float | None = None
    """`read_bytes` a second as a share of `Work.memory_bytes_per_second`, never above 1."""
    bandwidth_share_unknown: str | None = None
    """Why there is no such share although both are known."""


class Work(Row):
    """What a run did to answer. What was not measured, or cannot be known of a model, is None, never 0."""

    seconds: float
    """Wall time from the start until the record was written; what `Manifest.phases` add up to."""
    tokens_asked: int | None = None
    """Tokens of all requests as often as they are asked: each context as often as it has continuations. A
    generated text counts with the tokens that came (`Manifest.tokens` has the most that were allowed)."""
    tokens_from_store: int | None = None
    """Those of them whose answers were in the store."""
    tokens_computed: int | None = None
    """Tokens that went through the model."""
    tokens_ratio: float | None = None
    """Tokens asked and not in the store, a token computed."""
    tokens_unique: int | None = None
    """Scored tokens that differ by themselves or by what stands before them."""
    padding_share: float | None = None
    """Share of the positions that went through the model and stood for nothing."""
    rows_computed: int | None = None
    """Rows of the vocabulary that were computed while scoring."""
    rows_needed: int | None = None
    """Distinct places whose next token is scored."""
    store_asked: int | None = None
    """Distinct requests that were looked up in the store; None where none was used."""
    store_hits: int | None = None
    """Those of them that were answered there."""
    score: Passes | None = None
    prefill: Passes | None = None
    """Reading the prompts of generated texts."""
    decode: Passes | None = None
    """Generating, one token a sequence and pass."""
    planner_share: float | None = None
    """Share of `seconds` that went into the order of computing."""
    matmul_flops_per_second: float | None = None
    """A matrix product on the same device with the same threads, right after the last answer."""
    memory_bytes_per_second: float | None = None
    """Reading memory, at the same time."""
    peak_memory_bytes: int | None = None
    """The most that the process held until the last answer."""
    peak_device_memory_bytes: int | None = None
    """The most that tensors held on a CUDA device until the last answer."""
