"""Streamed answers: server-sent events, assembled into the answer that the server would send without a stream."""
