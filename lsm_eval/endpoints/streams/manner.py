"""When an answer is asked for as a stream, and what a server was found to want and do there."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

Streaming = Literal["auto", "on", "off"]
"""`auto`: long answers of other machines, and whatever a server gives in no other way."""
LONG = 4096
"""Most new tokens from which on an answer is long: at 50 tokens a second nothing is heard for over a minute, and what
stands between cuts connections that are silent for 60 s."""
_SILENT_SECONDS = 25.0  # after which a connection that ends may have been cut since nothing was heard


@dataclass(slots=True)
class StreamManner:
    """What a server was found to want and do with streams."""

    long: float = math.inf
    """Most new tokens from which on answers are asked for as streams (`auto`)."""
    gives: Literal["both", "streams", "whole"] = "both"
    """What answers it gives, as far as it refused another kind."""
    count: bool = True
    """Whether it takes `stream_options`, which ask for the count of tokens."""
    counts: bool | None = None
    """Whether it counts the tokens of streams; None until one was whole."""
    ends: bool | None = None
    """Whether it ends streams with `[DONE]`; None until one was whole."""

    excess: dict[str, int] = field(default_factory=dict)
    """Parts with text, less tokens counted, at most, by how an answer ended; of streams with no part twice in a row."""

    def wanted(self, streaming: Streaming, most_tokens: int) -> bool:
        """Whether an answer of so many new tokens at most is asked for as a stream."""
        if streaming != "auto":
            return streaming == "on"
        if self.gives != "both":
            return self.gives == "streams"
        return most_tokens >= self.long

    def lost(self, seconds: float, most_tokens: int) -> None:
        """A whole answer was lost on its way after so many seconds: as long ones are streams from now on."""
        if seconds >= _SILENT_SECONDS:
            self.long = min(self.long, most_tokens)
