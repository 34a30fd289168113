"""Formats a comparison for a terminal, as Markdown, and as JSON."""
