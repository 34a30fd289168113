"""One run, from task names to a record on disk."""
