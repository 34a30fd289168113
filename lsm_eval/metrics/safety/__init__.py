"""Safety: what its benchmarks share."""
