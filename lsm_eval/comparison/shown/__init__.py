"""A comparison or a gate's verdict written down: for a terminal, as Markdown, as JSON."""
