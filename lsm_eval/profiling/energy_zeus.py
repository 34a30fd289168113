"""Energy through the package zeus (ml.energy): counters that `energy` cannot read itself, such as those of AMD GPUs, and RAPL through
zeus' daemon, which needs no root. The same rules hold: counters only, and for a model on a GPU that GPU's counter or none.

zeus measures in windows: each read ends the open window and begins the next. The energy between the two is lost, some
microseconds for each read; a batch lies between two reads and is complete.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.profiling.energy import Energy

_WINDOW = "lsm-eval"
_ELSE = "leave out --energy zeus to read the counters of the system itself"


class ZeusCounter:
    """The sum of what zeus reads for one model's GPU, for processor packages and for their memory (`energy.Counter`)."""

    def __init__(self, gpus: list[int], packages: dict[int, str]) -> None:
        """`gpus`: torch's device numbers. `packages`: names by zeus' index."""
        from importlib.metadata import version

        from zeus.monitor import ZeusMonitor

        self._monitor = ZeusMonitor(gpu_indices=gpus, cpu_indices=[*packages])
        self._sum = 0.0
        self._monitor.begin_window(_WINDOW, sync_execution=False)
        parts = [*(f"GPU {index}" for index in gpus), *(f"RAPL {name}" for name in packages.values())]
        self.name = f"zeus {version('zeus')}: {', '.join(parts)}"

    def joules(self) -> float:
        """See `energy.Counter`."""
        from zeus.exception import ZeusBaseError

        try:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore"
                )  # zeus warns if a GPU's counter did not change in a short window
                found = self._monitor.end_window(_WINDOW, sync_execution=False)
            self._monitor.begin_window(_WINDOW, sync_execution=False)
        except ZeusBaseError as error:
            raise OSError(str(error)) from error
        shares = (found.gpu_energy, found.cpu_energy, found.dram_energy)
        self._sum += sum(joules for share in shares for joules in (share or {}).values())
        return self._sum


def zeus_energy(device: str | None) -> Energy:
    """The energy counters of zeus for a model on `device` (`cpu`, `cuda:0`). Raises `UserError` if zeus is not installed, or finds no counter
    for the device."""
    return Energy(
        [ZeusCounter(*_counted(device))], looks=False
    )  # zeus itself handles counters that wrap around


def check_zeus(device: str | None) -> None:
    """Raises `UserError` as `zeus_energy` does, without starting a measurement."""
    _counted(device)


def _counted(device: str | None) -> tuple[list[int], dict[int, str]]:
    """The GPU, in a list, and the packages by zeus' index."""
    try:
        from zeus.device import get_cpus, get_gpus
        from zeus.exception import ZeusBaseError
    except ImportError as error:
        raise UserError(
            f"--energy zeus reads counters through the package zeus, which cannot be imported ({error}): pip install "
            "'lsm-eval[zeus]'."
        ) from error
    packages: dict[int, str] = {}
    why = "it shows no package of the processor"
    try:
        packages = _packages(get_cpus())
    except (ZeusBaseError, OSError) as error:
        why = _first(error)
    if device is None or not device.startswith("cuda"):
        if not packages:
            raise UserError(
                f"--energy zeus: zeus finds no counter of this machine's processor ({why}): {_ELSE}."
            )
        return [], packages
    try:
        gpus, index = get_gpus(), _index(device)
        counts = bool(gpus.supports_get_total_energy_consumption(index))
    except (ZeusBaseError, OSError, IndexError) as error:
        raise UserError(
            f"--energy zeus: zeus finds no counter of {device} ({_first(error)}): {_ELSE}."
        ) from error
    if not counts:  # zeus would integrate samples of the power
        raise UserError(
            f"--energy zeus: {device} has no counter of its energy, and none is estimated: {_ELSE}."
        )
    return [index], packages


def _packages(cpus: Any) -> dict[int, str]:
    """Names of the domains that are packages, by zeus' index: zeus also counts `psys`, which includes all of them."""
    folder = Path(cpus.rapl_dir)
    names = [
        (folder / f"intel-rapl:{cpu.cpu_index}" / "name").read_text(encoding="utf-8").strip()
        for cpu in cpus.cpus
    ]
    return {at: name for at, name in enumerate(names) if name.startswith("package")}


def _index(device: str) -> int:
    """Torch's number of the GPU, which is also zeus': both number those in CUDA_VISIBLE_DEVICES."""
    import torch

    number = device.partition(":")[2]
    return int(number) if number else int(torch.cuda.current_device())


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:")
