"""How it is asked fast: batches of a token budget, and the response store (cache = resume)."""
