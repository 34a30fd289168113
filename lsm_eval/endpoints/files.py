"""How many connections this process may have open: each is an open file, of which many systems allow 1,024 at first."""

from __future__ import annotations

_OTHERS = 256  # files that are open besides


def room_for(connections: int) -> int:
    """Raise the process's own limit as far as so many connections need, and it may; how many may be open then."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Twice as many: beside those that are kept, each request may have one of its own where connections are lost.
    wanted = 2 * connections + _OTHERS
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return connections
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    except (ValueError, OSError):  # macOS may allow fewer than it says
        most = soft
    return min(max(most - _OTHERS, 1), connections)
