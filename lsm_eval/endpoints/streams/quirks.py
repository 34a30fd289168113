"""When an answer is requested as a stream, and how a server was found to handle streams."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

Streaming = Literal["auto", "on", "off"]
"""`auto`: for long answers from other machines, and if a server returns nothing else."""
LONG = 4096
"""From this limit of new tokens on an answer is long: at 50 tokens per second there is silence for over a minute, and
proxies cut connections that are silent for 60 s."""
_SILENT_SECONDS = 25.0  # a connection that ends after this time may have been cut because of silence


@dataclass(slots=True)
class StreamQuirks:
    """How a server was found to handle streams."""

    long: float = math.inf
    """From this limit of new tokens on answers are requested as streams (`auto`)."""
    gives: Literal["both", "streams", "whole"] = "both"
    """Which kinds of answers it gives; `both` until it refuses one."""
    count: bool = True
    """Whether it takes `stream_options`, which ask for the count of tokens."""
    counts: bool | None = None
    """Whether it counts the tokens of streams; None until the first complete one."""
    ends: bool | None = None
    """Whether it ends streams with `[DONE]`; None until the first complete one."""

    excess: dict[str, int] = field(default_factory=dict)
    """By finish reason, the largest excess of parts with text over counted tokens, in streams without equal parts in a row."""

    def wanted(self, streaming: Streaming, most_tokens: int) -> bool:
        """Whether an answer of at most so many new tokens should be requested as a stream."""
        if streaming != "auto":
            return streaming == "on"
        if self.gives != "both":
            return self.gives == "streams"
        return most_tokens >= self.long

    def lost(self, seconds: float, most_tokens: int) -> None:
        """An unstreamed answer was lost after so many seconds: answers of this length are streamed from now on."""
        if seconds >= _SILENT_SECONDS:
            self.long = min(self.long, most_tokens)
