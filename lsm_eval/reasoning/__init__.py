"""Separates a reasoning model's thoughts from its answer: pure functions of text, and a table of markers."""
