"""How much memory the process held at most."""

from __future__ import annotations

import sys
from pathlib import Path


def peak_memory() -> int | None:
    """Bytes that the process held in memory at most since it started; None where the system does not tell."""
    # Linux's getrusage also knows what a parent held before this program took its place; the status file does not.
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts bytes, everybody else kibibytes.
    return (most if sys.platform == "darwin" else most * 1024) or None


def peak_device_memory(device: str | None) -> int | None:
    """Bytes of tensors that a CUDA device held for this process at most; None for other devices."""
    torch = sys.modules.get("torch")  # a device in use has brought it in
    if torch is None or device is None or not device.startswith("cuda"):
        return None
    return int(torch.cuda.max_memory_allocated(device))


class Peak:
    """The most that is held from now on, where the system can begin to look anew."""

    def __init__(self, device: str | None) -> None:
        self._device = device
        self._anew = _forget_peak()
        if device is not None and device.startswith("cuda"):
            import torch

            torch.cuda.reset_peak_memory_stats(device)

    def read(self) -> tuple[int | None, int | None]:
        """Bytes of the process, and of tensors on a CUDA device; None where it is not known."""
        return (peak_memory() if self._anew else None), peak_device_memory(self._device)


def _forget_peak() -> bool:
    """Whether the system took what is held now for the most that was held (Linux, proc(5): clear_refs)."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True
