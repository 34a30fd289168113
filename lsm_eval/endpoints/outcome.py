"""The outcome of one try of a request."""

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
"""Why a try gave no complete answer:

`rate_limit`: status 429. `server_error`: 408, 409, 5xx. `connection`: none, or reset, or the answer breaks off. `timeout`.
`malformed`: no JSON, or not of the expected shape. `no_choices`. `no_content`: null. `no_finish_reason`. `no_usage`: no count
of tokens. `fewer_tokens`: the text is too short for the tokens that the usage counts. `duplicate`: the answer to another
request again. `stopped_early`: a stop string ended it inside its thoughts. `aborted`: the server says that it broke off.
Of streams: `stalled`: nothing came for too long. `empty_stream`: it ended without text. `no_done`: it ended without
`[DONE]`. `repeated`: a part of it came twice. `interleaved`: it holds parts of several answers."""


@dataclass(frozen=True, slots=True)
class Retryable:
    """There is no complete answer; another try may bring one."""

    fault: Fault
    detail: str
    wait: float | None = None
    """Seconds that the server asked to wait."""
    overload: bool = False
    """Whether the server was overloaded or could not be reached."""
    counted: bytes = b""
    """The usage, as JSON, of an answer that ended regularly but cannot be used."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The server refuses this request, and would refuse it again."""

    status: int
    """The HTTP status; 200 if the refusal is in the answer itself."""
    detail: str
    parameter: str | None = None
    """The field of the request that the server does not take, if it names one."""


Outcome = Answer | Failure | Retryable | Refused
