"""A model's numbers over its runs, and what changed between them."""
