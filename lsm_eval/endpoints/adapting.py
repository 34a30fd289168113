"""Learns from a refusal how a server wants its requests: this one is then sent again in that form, and so are all others."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lsm_eval.endpoints.asking import Path, Quirks
from lsm_eval.endpoints.outcome import Refused
from lsm_eval.requests import Generate

_ONLY = re.compile(
    r"\b(only|must|requires?|enable|use|set)\b.{0,60}stream|stream\w*\W.{0,60}\b(only|required|true)\b"
)
_NEVER = re.compile(
    r"\b(not|cannot|unsupported|verified)\b.{0,60}stream|stream\w*\W.{0,60}\b(not|cannot|unsupported)\b"
)


def adapt(
    quirks: Quirks, refused: Refused, request: Generate, path: Path, *, streamed: bool | None
) -> Iterator[str]:
    """Changes `quirks` as the refusal suggests, so that the server may accept the request. Yields what the user must know
    about it, as the rest of a sentence. `streamed`: whether a stream was requested; None if that must not change."""
    if refused.status not in (400, 422):
        return
    said, stream = refused.detail.lower(), quirks.streaming
    if path == "chat/completions" and quirks.limit == "max_tokens" and "max_completion_tokens" in said:
        quirks.limit = "max_completion_tokens"
    elif refused.parameter == "temperature" and quirks.temperature and request.temperature == 0:
        quirks.temperature = False
        yield (
            "takes no temperature 0, which greedy requests ask for: it is left out, and the answers are drawn as the server "
            "does by default."
        )
    elif "stream_options" in said:
        stream.count = False
    elif streamed is not None and stream.gives == "both":
        if streamed and (refused.parameter == "stream" or _NEVER.search(said)):
            stream.gives = "whole"
        elif not streamed and (refused.parameter == "stream" or _ONLY.search(said)):
            stream.gives = "streams"
