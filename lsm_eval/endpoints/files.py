"""How many connections this process may have open: each is an open file, and many systems allow 1,024 by default."""

from __future__ import annotations

_OTHERS = 256  # other open files


def allowed_connections(connections: int) -> int:
    """Raises the process's limit of open files as far as needed and allowed. Returns how many connections may be open then."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Twice as many: besides the pooled connections, each request may have its own if connections are lost.
    wanted = 2 * connections + _OTHERS
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return connections
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    except (ValueError, OSError):  # macOS may allow fewer than it says
        most = soft
    return min(max(most - _OTHERS, 1), connections)
