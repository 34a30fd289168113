"""Metrics built on another metric (options `of` and `by`): over groups, over classes, over several draws."""
