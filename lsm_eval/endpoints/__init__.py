"""Models behind an OpenAI-compatible server: sending requests, limiting their rate, and reading answers."""
