"""Whether connections to a server are worth keeping: some close each one after an answer, and say that they keep it."""

from __future__ import annotations

from collections import deque

_LAST = 16  # uses that are looked at
_MANY = 8  # of them lost


class Reuse:
    """Counts what became of connections. A request that is sent over one that the server closes in the same moment is lost,
    and nothing tells so beforehand (llama.cpp's server does that after every stream): where that is the rule, each
    request gets a connection of its own; where those are lost as often, it was not for the reuse, and they are kept again."""

    def __init__(self) -> None:
        self.worthwhile = True
        """Whether a request is to go over a connection that is kept."""
        self._lost: deque[bool] = deque(maxlen=_LAST)

    def used(self, *, kept: bool, lost: bool) -> None:
        """Tell of a request. `kept`: whether it went over the kept connections; `lost`: whether the connection was gone
        before anything was answered."""
        if kept is not self.worthwhile:
            return  # under way since before the last change
        self._lost.append(lost)
        if lost and sum(self._lost) >= _MANY:
            self.worthwhile = not self.worthwhile
            self._lost.clear()
