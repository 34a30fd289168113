"""Fast inference: scoring, generation, batching within a token budget, and the response store (cache and resume)."""
