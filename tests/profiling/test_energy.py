"""Energy by counters: a tree as Linux shows it, counters that turn over, and a GPU's that no test machine has."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lsm_eval.profiling.energy import NvmlCounter, find_energy, nvml_counters, rapl_counters

RANGE = 262_143_328_850


def zone(powercap: Path, name: str, called: str, energy: int = 0, limit: int = RANGE) -> Path:
    """A domain in `powercap`."""
    folder = powercap / name
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{called}\n")
    (folder / "energy_uj").write_text(f"{energy}\n")
    (folder / "max_energy_range_uj").write_text(f"{limit}\n")
    return folder


def test_packages_and_memory_are_counted_and_what_they_hold_is_not(tmp_path: Path) -> None:
    first = zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000)
    zone(tmp_path, "intel-rapl:0:0", "core", 4_000_000)
    memory = zone(tmp_path, "intel-rapl:0:1", "dram", 1_000_000)
    second = zone(tmp_path, "intel-rapl:1", "package-1", 7_000_000)
    other_memory = zone(tmp_path, "intel-rapl:1:1", "dram")
    zone(tmp_path, "intel-rapl:2", "psys", 9_000_000)
    zone(tmp_path, "intel-rapl-mmio:0", "package-0", 5_000_000)
    (tmp_path / "intel-rapl").mkdir()
    with find_energy("cpu", powercap=tmp_path) as energy:
        assert sorted(energy.names) == ["RAPL dram", "RAPL dram", "RAPL package-0", "RAPL package-1"]
        assert energy.joules() == 0.0
        for folder, joules in ((first, 2), (memory, 3), (second, 4), (other_memory, 5)):
            _add(folder, joules * 1_000_000)
        _add(tmp_path / "intel-rapl-mmio:0", 2_000_000)
        assert energy.joules() == pytest.approx(14.0)


def test_a_counter_that_turns_over_goes_on(tmp_path: Path) -> None:
    folder = zone(tmp_path, "intel-rapl:0", "package-0", RANGE - 1_000_000)
    energy = find_energy("cpu", powercap=tmp_path)
    assert energy.joules() == 0.0
    (folder / "energy_uj").write_text("3000000\n")
    assert energy.joules() == pytest.approx(4.0)
    (folder / "energy_uj").write_text("3500000\n")
    assert energy.joules() == pytest.approx(4.5)


def test_without_counters_there_is_none_and_the_reason(tmp_path: Path) -> None:
    energy = find_energy("cpu", powercap=tmp_path / "nothing")
    assert energy.joules() is None
    assert "no RAPL counter" in (energy.why or "")
    broken = zone(tmp_path, "intel-rapl:0", "package-0")
    (broken / "energy_uj").write_text("much\n")
    assert rapl_counters(tmp_path)[0] == []
    assert "cannot be read" in (find_energy("cpu", powercap=tmp_path).why or "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_counters_that_only_root_may_read(tmp_path: Path) -> None:
    (zone(tmp_path, "intel-rapl:0", "package-0") / "energy_uj").chmod(0)
    assert "root alone" in (find_energy("cpu", powercap=tmp_path).why or "")


def test_counters_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0")
    read = Path.read_text

    def refuse(path: Path, *args: Any, **kwargs: Any) -> str:
        if path.name == "energy_uj":
            raise PermissionError(13, "Permission denied")
        return read(path, *args, **kwargs)

    monkeypatch.setattr(Path, "read_text", refuse)
    energy = find_energy("cpu", powercap=tmp_path)
    assert energy.joules() is None
    assert "root alone" in (energy.why or "")


def test_a_counter_that_goes_away_takes_all_of_them(tmp_path: Path) -> None:
    folder = zone(tmp_path, "intel-rapl:0", "package-0")
    zone(tmp_path, "intel-rapl:1", "package-1")
    energy = find_energy("cpu", powercap=tmp_path)
    assert energy.joules() == 0.0
    (folder / "energy_uj").unlink()
    assert energy.joules() is None
    assert "could no longer be read" in (energy.why or "")


class _NVMLError(Exception):
    pass


def _nvml(millijoules: list[int], *, fails: bool = False) -> Any:
    """NVML of a machine with one GPU (no machine of the tests has one)."""

    def energy(handle: int) -> int:
        if fails:
            raise _NVMLError("Not Supported")
        return millijoules[0]

    return SimpleNamespace(
        NVMLError=_NVMLError,
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: 1,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetTotalEnergyConsumption=energy,
    )


def test_a_gpu_counts_millijoules_since_its_driver_was_loaded() -> None:
    told = [5_000_000]
    counter = NvmlCounter(_nvml(told), 0)
    assert counter.joules() == 0.0
    told[0] += 2500
    assert counter.joules() == 2.5


def test_of_a_model_on_a_gpu_the_processor_alone_is_no_energy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lsm_eval.profiling.energy._index", lambda device, nvml: 0)
    zone(tmp_path, "intel-rapl:0", "package-0")
    refused = find_energy("cuda:0", powercap=tmp_path, nvml=lambda: _nvml([0], fails=True))
    assert refused.joules() is None
    assert "Not Supported" in (refused.why or "")
    told = find_energy("cuda:0", powercap=tmp_path, nvml=lambda: _nvml([0]))
    assert told.names == ["NVML GPU 0 total energy", "RAPL package-0"]


def test_the_package_that_reads_nvml_is_named() -> None:
    def lacking() -> Any:
        raise ImportError("pynvml")

    assert nvml_counters("cuda:0", lacking) == (
        [],
        "NVML is read through the package nvidia-ml-py: pip install 'lsm-eval[energy]'",
    )


def _add(folder: Path, microjoules: int) -> None:
    path = folder / "energy_uj"
    path.write_text(f"{int(path.read_text()) + microjoules}\n")
