"""Hallucination: what a model says that is not so, or is not in its source."""
