"""The metrics that a task names, found by name, and their estimates over its samples."""
