"""Energy from hardware counters: NVML for GPUs and RAPL for processor packages. It is never estimated.

A counter is read before and after a measurement: the difference is the energy of everything that ran on that part of the machine.
RAPL (Intel's and AMD's Running Average Power Limit, read through Linux' powercap) wraps around at `max_energy_range_uj`; a thread
reads it often enough that no wrap-around is missed. Package domains are counted, which include cores, graphics and caches;
a `dram` domain is outside of its package and is counted, too; `psys` includes all of them and is not counted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

POWERCAP = Path("/sys/class/powercap")
_EVERY = 10.0
"""Seconds between two reads of a counter that wraps around: a package of 400 W takes ten minutes for RAPL's usual 262 kJ, and almost
three for the narrowest counters (65 kJ)."""


class Counter(Protocol):
    """A counter of energy."""

    name: str

    def joules(self) -> float:
        """Joules since its creation, never decreasing. Raises OSError if it can no longer be read."""
        ...


@dataclass
class RaplCounter:
    """One domain of powercap."""

    name: str
    folder: Path
    _range: int
    """Microjoules at which it wraps around to 0."""
    _last: int
    _sum: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def joules(self) -> float:
        """See `Counter.joules`."""
        with self._lock:
            now = _number(self.folder / "energy_uj")
            turn = now - self._last
            # Smaller than before: it has wrapped around once.
            self._sum += turn if turn >= 0 else turn + self._range
            self._last = now
            return self._sum / 1e6


class NvmlCounter:
    """The total energy of one GPU (Volta and later); NVML counts millijoules since the driver was loaded."""

    def __init__(self, nvml: Any, index: int) -> None:
        self._nvml = nvml
        self._handle = nvml.nvmlDeviceGetHandleByIndex(index)
        self._first = int(nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle))
        self.name = f"NVML GPU {index} total energy"

    def joules(self) -> float:
        """See `Counter.joules`."""
        try:
            now = int(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle))
        except self._nvml.NVMLError as error:
            raise OSError(str(error)) from error
        return (now - self._first) / 1e3


class Energy:
    """All counters of the hardware that a model uses, read together; a context manager."""

    def __init__(self, counters: Sequence[Counter], why: str | None = None, *, looks: bool = True) -> None:
        """`why`: the reason if there is no counter. `looks`: whether some must be read regularly."""
        self._counters, self._looks = list(counters), looks
        self._why = why if not counters else None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def names(self) -> list[str]:
        """Names of the counters."""
        return [counter.name for counter in self._counters]

    @property
    def why(self) -> str | None:
        """Why there is no counter, or no longer one."""
        return self._why

    def joules(self) -> float | None:
        """Joules of all counters together since their creation; None if there is no counter."""
        if not self._counters:
            return None
        try:
            return sum(counter.joules() for counter in self._counters)
        except (OSError, ValueError) as error:
            self._counters, self._why = [], f"a counter could no longer be read ({error})"
            return None

    def __enter__(self) -> Energy:
        if self._counters and self._looks:
            self._thread = threading.Thread(target=self._look, name="energy", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(_EVERY):
            self.joules()


def find_energy(
    device: str | None, *, powercap: Path = POWERCAP, nvml: Callable[[], Any] | None = None
) -> Energy:
    """The counters for a model on `device` (`cpu`, `cuda:0`): those of the processor packages, and that of the GPU it runs on. If the GPU's
    energy cannot be read there is no counter at all: the processor's share alone would be mistaken for the total."""
    packages, why = rapl_counters(powercap)
    if device is None or not device.startswith("cuda"):
        return Energy(packages, why)
    try:
        gpus, gpu_why = nvml_counters(device, nvml or _nvml)
    except OSError as error:
        gpus, gpu_why = [], str(error)
    if not gpus:
        return Energy([], gpu_why)
    return Energy([*gpus, *packages])


def rapl_counters(powercap: Path = POWERCAP) -> tuple[list[Counter], str | None]:
    """The counters of packages (and of memory outside of them); or none, and why."""
    try:
        zones = sorted(powercap.glob("*-rapl:*"))
    except OSError as error:
        return [], f"RAPL cannot be read ({error.strerror or error})"
    found: list[Counter] = []
    why = f"the system shows no RAPL counter ({powercap} has none)"
    for zone in zones:
        try:
            name = (zone / "name").read_text(encoding="utf-8").strip()
            if not _counts(name, zone, found):
                continue
            limit = _number(zone / "max_energy_range_uj")
            found.append(RaplCounter(f"RAPL {name}", zone, limit, _number(zone / "energy_uj")))
        except PermissionError:
            # Since 2020 Linux lets only root read them (CVE-2020-8694).
            return [], f"RAPL counters may not be read ({zone / 'energy_uj'} is for root alone)"
        except (OSError, ValueError) as error:
            why = f"a RAPL counter cannot be read ({zone.name}: {getattr(error, 'strerror', None) or error})"
    return found, None if found else why


def _counts(name: str, zone: Path, found: Sequence[Counter]) -> bool:
    """Whether a domain is counted: packages and memory, each once, although some systems expose a domain through two drivers (`intel-rapl`,
    `intel-rapl-mmio`)."""
    if any(counter.name == f"RAPL {name}" for counter in found if not name.startswith("dram")):
        return False
    if name.startswith("package"):
        return zone.name.count(":") == 1
    return name == "dram" and not zone.name.startswith("intel-rapl-mmio")


def nvml_counters(device: str, nvml: Callable[[], Any]) -> tuple[list[Counter], str | None]:
    """The counter of the GPU that a torch device names; or none, and why."""
    try:
        module = nvml()
    except ImportError:
        return [], "NVML is read through the package nvidia-ml-py: pip install 'lsm-eval[energy]'"
    try:
        module.nvmlInit()
        return [NvmlCounter(module, _index(device, module))], None
    except module.NVMLError as error:
        return [], f"NVML gives no energy of the GPU ({error})"


def _index(device: str, nvml: Any) -> int:
    """NVML's index of a torch device: torch numbers only those in CUDA_VISIBLE_DEVICES, in CUDA's order, and NVML numbers all."""
    import torch

    number = int(device.partition(":")[2] or torch.cuda.current_device())
    wanted = str(getattr(torch.cuda.get_device_properties(number), "uuid", ""))
    for index in range(int(nvml.nvmlDeviceGetCount())):
        uuid = nvml.nvmlDeviceGetUUID(nvml.nvmlDeviceGetHandleByIndex(index))
        text = uuid.decode() if isinstance(uuid, bytes) else str(uuid)
        if wanted and wanted in text:
            return index
    return number


def _nvml() -> Any:
    import pynvml

    return pynvml


def _number(path: Path) -> int:
    return int(path.read_text(encoding="ascii").strip())
