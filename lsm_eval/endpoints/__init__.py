"""Models behind an OpenAI-shaped server: the requests that are sent, how many at a time, and what their answers mean."""
