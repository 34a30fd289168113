"""Metrics that are made of another metric (their option `of`, and `by`): over groups, over classes, over several draws."""
