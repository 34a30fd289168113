"""Text generation: continuous batching, and plain batches as a fallback."""
