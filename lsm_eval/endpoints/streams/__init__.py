"""Answers that come in parts: server-sent events, put together to the whole answer that the same server would have sent."""
