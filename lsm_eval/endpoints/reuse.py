"""Whether connections to a server are worth keeping: some servers promise to keep them, but close each one after an answer."""

from __future__ import annotations

from collections import deque

_LAST = 16  # how many of the last uses are examined
_MANY = 8  # how many of them must be lost


class Reuse:
    """Counts lost connections. A request that is sent over a connection which the server is just closing is lost, without
    warning (llama.cpp's server does that after every stream). If that is the rule, each request gets a new connection; if new
    ones are lost as often, reuse was not the cause, and connections are kept again."""

    def __init__(self) -> None:
        self.worthwhile = True
        """Whether requests should use kept connections."""
        self._lost: deque[bool] = deque(maxlen=_LAST)

    def used(self, *, kept: bool, lost: bool) -> None:
        """Note a request. `kept`: whether it used a kept connection; `lost`: whether the connection was gone before any
        answer."""
        if kept is not self.worthwhile:
            return  # it was sent before the last change
        self._lost.append(lost)
        if lost and sum(self._lost) >= _MANY:
            self.worthwhile = not self.worthwhile
            self._lost.clear()
