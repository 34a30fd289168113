"""How an answer is scored: one file a family."""
