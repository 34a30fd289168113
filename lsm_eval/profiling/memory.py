"""Peak memory of the process and of its CUDA device."""

from __future__ import annotations

import sys
from pathlib import Path


def peak_memory() -> int | None:
    """Peak resident memory of the process since its start, in bytes; None if the system does not report it."""
    # On Linux getrusage includes the parent's memory before exec; the status file does not.
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
    # macOS reports bytes, other systems kibibytes.
    return (most if sys.platform == "darwin" else most * 1024) or None


def peak_device_memory(device: str | None) -> int | None:
    """Peak bytes of this process's tensors on a CUDA device; None for other devices."""
    torch = sys.modules.get("torch")  # already imported if a device is in use
    if torch is None or device is None or not device.startswith("cuda"):
        return None
    return int(torch.cuda.max_memory_allocated(device))


class Peak:
    """Peak memory from now on, if the system can reset its record of the peak."""

    def __init__(self, device: str | None) -> None:
        self._device = device
        self._anew = _forget_peak()
        if device is not None and device.startswith("cuda"):
            import torch

            torch.cuda.reset_peak_memory_stats(device)

    def read(self) -> tuple[int | None, int | None]:
        """Bytes of the process, and of tensors on a CUDA device; None if not known."""
        return (peak_memory() if self._anew else None), peak_device_memory(self._device)


def _forget_peak() -> bool:
    """Reset the peak to the memory held now (Linux, proc(5): clear_refs). Returns whether the system did."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True
