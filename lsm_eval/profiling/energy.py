"""Energy by counters of the hardware: NVML's of GPUs and RAPL's of processor packages. Never estimated.

A counter is read before and after: the difference is the energy in between, of everything that ran on that part of the machine.
RAPL's (Intel's and AMD's Running Average Power Limit, as Linux' powercap shows it) wraps around at `max_energy_range_uj`; it is
read again often enough by a thread that no turn is lost. Package domains are counted, which hold cores, graphics and caches;
a `dram` domain lies outside of its package and is counted, too; `psys` holds all of them and is not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

POWERCAP = Path("/sys/class/powercap")
_EVERY = 10.0
"""Seconds between two looks at a counter that wraps around: a package of 400 W needs ten minutes for RAPL's 262 kJ, and one of the
narrowest counters (65 kJ) three."""


class Counter(Protocol):
    """Counts joules since some time."""

    name: str

    def joules(self) -> float:
        """Since it was made, and ever more. Raises OSError where it can no longer be read."""
        ...


@dataclass
class RaplCounter:
    """One domain of powercap."""

    name: str
    folder: Path
    _range: int
    """Microjoules at which it begins at 0 again."""
    _last: int
    _sum: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def joules(self) -> float:
        """See `Counter`."""
        with self._lock:
            now = _number(self.folder / "energy_uj")
            turn = now - self._last
            # Smaller than before: it has begun anew, once.
            self._sum += turn if turn >= 0 else turn + self._range
            self._last = now
            return self._sum / 1e6


class NvmlCounter:
    """The total energy of one GPU (Volta and later), in millijoules since its driver was loaded."""

    def __init__(self, nvml: Any, index: int) -> None:
        self._nvml = nvml
        self._handle = nvml.nvmlDeviceGetHandleByIndex(index)
        self._first = int(nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle))
        self.name = f"NVML GPU {index} total energy"

    def joules(self) -> float:
        """See `Counter`."""
        try:
            now = int(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle))
        except self._nvml.NVMLError as error:
            raise OSError(str(error)) from error
        return (now - self._first) / 1e3


class Energy:
    """All counters of this machine that have a part in a model's work, read together; use it as a context."""

    def __init__(self, counters: Sequence[Counter], why: str | None = None, *, looks: bool = True) -> None:
        """`why`: why there is none, where there is none. `looks`: whether some have to be looked at now and then."""
        self._counters, self._looks = list(counters), looks
        self._why = why if not counters else None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def names(self) -> list[str]:
        """Of the counters."""
        return [counter.name for counter in self._counters]

    @property
    def why(self) -> str | None:
        """Why there is no counter, or none any more."""
        return self._why

    def joules(self) -> float | None:
        """Of all counters together since they were made; None where there is none."""
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
    """The counters for a model on `device` (`cpu`, `cuda:0`): of the processor packages, and of the GPU that it computes on. Where a
    model computes on a GPU whose energy cannot be read there is none at all: the processor's share alone would be taken for the whole."""
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
    """Those of packages (and of memory beside them); or none, and why."""
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
            # Linux shows them to root alone since 2020 (CVE-2020-8694).
            return [], f"RAPL counters may not be read ({zone / 'energy_uj'} is for root alone)"
        except (OSError, ValueError) as error:
            why = f"a RAPL counter cannot be read ({zone.name}: {getattr(error, 'strerror', None) or error})"
    return found, None if found else why


def _counts(name: str, zone: Path, found: Sequence[Counter]) -> bool:
    """Whether a domain is counted: packages, and memory, each once, although some systems show a domain by two drivers (`intel-rapl`,
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
    """NVML's number of a torch device: torch counts those that CUDA_VISIBLE_DEVICES leaves, in CUDA's order, and NVML all."""
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
