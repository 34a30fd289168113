"""New text: a continuous loop over sequences, and plain batches to fall back on."""
