"""What is kept of one request: when it was to be sent and was, when each part of its answer came, and how many tokens that held.

All times are nanoseconds of one monotonic clock (`time.perf_counter_ns`); what is made of them is in `formulas`.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Chunk:
    """One part of an answer that belongs to what is written: text, thoughts, or how it ended. A part that only names the
    role, or only counts, is none."""

    at: int
    """When it was there whole, in nanoseconds."""
    tokens: int | None = None
    """Tokens in it; None where nobody counted them. A chunk is not a token."""
    text: bool = True
    """Whether it holds any text, of thoughts or answer."""
    thought: bool = False
    """Whether all its text is a thinking model's thoughts."""


@dataclass(slots=True)
class Timed:
    """One request and its answer."""

    index: int
    started: int
    """When it was begun, before a connection was looked for: vLLM's, AIPerf's and GuideLLM's times count from here."""
    scheduled: int | None = None
    """When it was to be sent; None in a closed loop, where that is whenever the one before has ended."""
    sent: int | None = None
    """When its bytes were handed to the system."""
    headers: int | None = None
    """When the answer's head was there."""
    ended: int | None = None
    """When nothing more was to come, or it failed."""
    chunks: list[Chunk] = field(default_factory=list)
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    """All new tokens, thoughts included, as they are counted at the end."""
    reasoning_tokens: int | None = None
    asked_prompt_tokens: int | None = None
    asked_output_tokens: int | None = None
    counted_by: str | None = None
    """Who counted the chunks' tokens; None where nobody did."""
    finish: str | None = None
    """Why it ended, as the server says: `stop`, `length` …"""
    failure: str | None = None
    """The class of its failure: `timeout`, `connection`, `status 503`, `malformed`, `cut`; None where it was answered whole."""
    detail: str = ""
    """The failure in words, without anything secret."""
    server: str | None = None

    @property
    def whole(self) -> bool:
        """Whether it was answered whole."""
        return self.failure is None and bool(self.chunks)

    @property
    def written(self) -> list[Chunk]:
        """The chunks from the first that bears a token on; where none does, the last one alone, which bears the token that
        ended the text."""
        for at, chunk in enumerate(self.chunks):
            if chunk.text or chunk.tokens:
                return self.chunks[at:]
        return self.chunks[-1:]
