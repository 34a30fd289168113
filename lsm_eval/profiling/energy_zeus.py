"""Energy through zeus (the package of that name, ml.energy): counters that `energy` cannot read by itself, such as AMD's GPUs, and RAPL through
zeus' daemon, which needs no root. The same rules hold: counters only, and of a model on a GPU that GPU's or nothing.

zeus keeps windows: the one that is open ends with each look at it, and the next begins. What lies between the two is lost, some
microseconds a look; a batch lies between two looks, and is whole.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.profiling.energy import Energy

_WINDOW = "lsm-eval"
_ELSE = "leave --energy zeus out, and what the system itself shows is read"


class ZeusCounter:
    """All that zeus reads of one model's GPU, of processor packages and of the memory beside them (`energy.Counter`)."""

    def __init__(self, gpus: list[int], packages: dict[int, str]) -> None:
        """`gpus`: numbers as torch has them. `packages`: names by zeus' number."""
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
                warnings.simplefilter("ignore")  # that a GPU's counter has not moved yet, of short windows
                found = self._monitor.end_window(_WINDOW, sync_execution=False)
            self._monitor.begin_window(_WINDOW, sync_execution=False)
        except ZeusBaseError as error:
            raise OSError(str(error)) from error
        shares = (found.gpu_energy, found.cpu_energy, found.dram_energy)
        self._sum += sum(joules for share in shares for joules in (share or {}).values())
        return self._sum


def zeus_energy(device: str | None) -> Energy:
    """What zeus reads for a model on `device` (`cpu`, `cuda:0`). Raises `UserError` where it is not installed, or finds no counter of what
    the model computes on."""
    return Energy(
        [ZeusCounter(*_counted(device))], looks=False
    )  # zeus itself sees to counters that turn over


def check_zeus(device: str | None) -> None:
    """Raises `UserError` as `zeus_energy` does, and begins nothing."""
    _counted(device)


def _counted(device: str | None) -> tuple[list[int], dict[int, str]]:
    """The GPU, in a list, and the packages by zeus' numbers."""
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
    if not counts:  # zeus would sum up what it draws now and then
        raise UserError(
            f"--energy zeus: {device} has no counter of its energy, and none is estimated: {_ELSE}."
        )
    return [index], packages


def _packages(cpus: Any) -> dict[int, str]:
    """Names of the domains that are packages, by zeus' number: it takes `psys`, which holds all of them, for one more."""
    folder = Path(cpus.rapl_dir)
    names = [
        (folder / f"intel-rapl:{cpu.cpu_index}" / "name").read_text(encoding="utf-8").strip()
        for cpu in cpus.cpus
    ]
    return {at: name for at, name in enumerate(names) if name.startswith("package")}


def _index(device: str) -> int:
    """Torch's number of the GPU, which is zeus' too: both count those that CUDA_VISIBLE_DEVICES leaves."""
    import torch

    number = device.partition(":")[2]
    return int(number) if number else int(torch.cuda.current_device())


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:")
