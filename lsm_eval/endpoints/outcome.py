"""What came of one try of a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lsm_eval.requests import Answer, Failure

Fault = Literal[
    "rate_limit",
    "server_error",
    "connection",
    "timeout",
    "malformed",
    "no_choices",
    "no_content",
    "no_finish_reason",
    "no_usage",
    "fewer_tokens",
    "duplicate",
    "stopped_early",
    "aborted",
    "stalled",
    "empty_stream",
    "no_done",
    "repeated",
    "interleaved",
]
"""Why a try gave no whole answer, each a class of its own:

`rate_limit`: 429. `server_error`: 408, 409, 5xx. `connection`: none, or reset, or an answer that breaks off. `timeout`.
`malformed`: no JSON, or not of the shape. `no_choices`. `no_content`: null. `no_finish_reason`. `no_usage`: no count of
tokens. `fewer_tokens`: less text than the tokens that the usage counts could be. `duplicate`: the answer to another
request over again. `stopped_early`: a stop string ended it inside its thoughts. `aborted`: the server says that it
broke off. Of streams: `stalled`: nothing came for too long. `empty_stream`: it ended without a word. `no_done`: it ended
without `[DONE]`. `repeated`: a part of it came twice. `interleaved`: it holds the parts of several answers."""


@dataclass(frozen=True, slots=True)
class Again:
    """No whole answer; another try may bring one."""

    fault: Fault
    detail: str
    wait: float | None = None
    """Seconds that the server asked to wait."""
    overload: bool = False
    """Whether the server had too much to do, or was not there."""
    counted: bytes = b""
    """The count of tokens of an answer that came to its end and is none all the same, as JSON."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The server will not answer this request, however often it is asked."""

    status: int
    """Of HTTP; 200 where the answer itself says so."""
    detail: str
    parameter: str | None = None
    """The field of the request that it does not take, where it names one."""


Outcome = Answer | Failure | Again | Refused
