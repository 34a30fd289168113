"""Time stamps and token counts of one request and the parts of its answer.

All times are nanoseconds on one monotonic clock (`time.perf_counter_ns`); `formulas` computes latencies from them.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Chunk:
    """One part of an answer with content: text, thoughts, or its end. A part that only names the role, or only counts, is not a chunk."""

    at: int
    """When it had arrived completely, in nanoseconds."""
    tokens: int | None = None
    """Number of tokens in it; None if not counted. A chunk is not a token."""
    text: bool = True
    """Whether it has any text, of thoughts or answer."""
    thought: bool = False
    """Whether all its text is a reasoning model's thoughts."""


@dataclass(slots=True)
class TimedRequest:
    """One request and its answer."""

    index: int
    started: int
    """When it was started, before a connection was chosen: vLLM's, AIPerf's and GuideLLM's times count from here."""
    scheduled: int | None = None
    """Its scheduled time; None in a closed loop, where a request is sent as soon as another has ended."""
    sent: int | None = None
    """When its bytes were passed to the system."""
    headers: int | None = None
    """When the answer's headers had arrived."""
    ended: int | None = None
    """When the answer was complete, or the request failed."""
    chunks: list[Chunk] = field(default_factory=list)
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    """All generated tokens, including thoughts, as counted at the end."""
    reasoning_tokens: int | None = None
    asked_prompt_tokens: int | None = None
    asked_output_tokens: int | None = None
    counted_by: str | None = None
    """Who counted the chunks' tokens; None if they were not counted."""
    finish: str | None = None
    """The server's finish reason: `stop`, `length` …"""
    failure: str | None = None
    """The class of its failure: `timeout`, `connection`, `status 503`, `malformed`, `cut`; None if it was answered completely."""
    detail: str = ""
    """The failure in words, without secrets."""
    server: str | None = None

    @property
    def whole(self) -> bool:
        """Whether it was answered completely."""
        return self.failure is None and bool(self.chunks)

    @property
    def written(self) -> list[Chunk]:
        """The chunks from the first one with a token on; if none has one, only the last, which has the token that ended the text."""
        for at, chunk in enumerate(self.chunks):
            if chunk.text or chunk.tokens:
                return self.chunks[at:]
        return self.chunks[-1:]
