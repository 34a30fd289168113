"""Finds a task's metrics by name, and makes their estimates over its samples."""
