"""Templates of task files: compiled once, rendered over each row, with bounded time and size."""
