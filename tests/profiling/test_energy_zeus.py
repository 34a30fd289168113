"""Energy through zeus: it is refused where it reads nothing; where it is installed it reads a tree as Linux shows it."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command_line import call

from lsm_eval.errors import UserError
from lsm_eval.profiling.energy_zeus import check_zeus, zeus_energy

RANGE = 262_143_328_850
SMALL = ("--batch", "1", "--prompt-tokens", "8", "--output-tokens", "3", "--max-repeats", "5")
installed = pytest.mark.skipif(
    importlib.util.find_spec("zeus") is None, reason="needs zeus: pip install 'lsm-eval[zeus]'"
)
Tree = Callable[..., Path]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tree]:
    """Makes a domain in a tree that zeus takes for the system's."""
    import zeus.device.cpu
    from zeus.device.cpu import rapl

    root = tmp_path / "intel-rapl"
    monkeypatch.setattr(rapl, "RAPL_DIR", str(root))
    monkeypatch.setattr(rapl, "CONTAINER_RAPL_DIR", str(tmp_path / "none"))
    monkeypatch.setattr(zeus.device.cpu, "_cpus", None)

    def zone(name: str, called: str, microjoules: int = 0) -> Path:
        folder = root / name
        folder.mkdir(parents=True)
        (folder / "name").write_text(f"{called}\n")
        (folder / "energy_uj").write_text(f"{microjoules}\n")
        (folder / "max_energy_range_uj").write_text(f"{RANGE}\n")
        rapl.rapl_is_available.cache_clear()
        return folder

    rapl.rapl_is_available.cache_clear()
    yield zone
    for cpu in zeus.device.cpu._cpus.cpus if zeus.device.cpu._cpus else ():
        for file in (cpu.rapl_file, cpu.dram):
            if file is not None and file._wraparound_tracker is not None:
                file._wraparound_tracker._stop()
    rapl.rapl_is_available.cache_clear()


def add(folder: Path, microjoules: int) -> None:
    path = folder / "energy_uj"
    path.write_text(f"{int(path.read_text()) + microjoules}\n")


def test_it_is_refused_where_it_is_not_installed(
    tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "zeus", None)
    for name in [name for name in sys.modules if name.startswith("zeus.")]:
        monkeypatch.delitem(sys.modules, name)
    done = call("profile", "--model", tiny_llama, "--energy", "zeus", "--out", tmp_path / "out", *SMALL)
    assert done.sentence().startswith(
        "--energy zeus reads counters through the package zeus, which cannot be"
    )
    assert "pip install 'lsm-eval[zeus]'" in done.err
    assert not list((tmp_path / "out").iterdir())


def test_it_is_for_batches() -> None:
    done = call("profile", "--concurrency", "1", "--energy", "zeus")
    assert "--energy is for batches of a local model" in done.sentence()


@installed
def test_it_is_refused_where_it_finds_nothing(tree: Tree, tiny_llama: Path, tmp_path: Path) -> None:
    done = call("profile", "--model", tiny_llama, "--energy", "zeus", "--out", tmp_path / "out", *SMALL)
    assert done.sentence().startswith("--energy zeus: zeus finds no counter of this machine's processor (")
    assert not list((tmp_path / "out").iterdir())
    tree("intel-rapl:0", "psys", 1)
    with pytest.raises(UserError, match="it shows no package of the processor"):
        check_zeus("cpu")


@installed
def test_the_processor_alone_is_no_energy_of_a_model_on_a_gpu(tree: Tree) -> None:
    from zeus.device.gpu import amdsmi_is_available, nvml_is_available

    if nvml_is_available() or amdsmi_is_available():
        pytest.skip("this machine has a GPU")
    tree("intel-rapl:0", "package-0")
    check_zeus("cpu")
    with pytest.raises(UserError, match="zeus finds no counter of cuda:0"):
        zeus_energy("cuda:0")


@installed
def test_windows_add_up_to_what_was_counted(tree: Tree) -> None:
    first = tree("intel-rapl:0", "package-0", 5_000_000)
    memory = tree("intel-rapl:0/intel-rapl:0:0", "dram", 1_000_000)
    second = tree("intel-rapl:1", "package-1", 7_000_000)
    system = tree("intel-rapl:2", "psys", 9_000_000)
    with zeus_energy("cpu") as energy:
        (name,) = energy.names
        assert name.startswith("zeus ")
        assert name.endswith(": RAPL package-0, RAPL package-1")
        assert energy.joules() == 0.0
        for folder, joules in ((first, 2), (memory, 3), (second, 4), (system, 50)):
            add(folder, joules * 1_000_000)
        assert energy.joules() == pytest.approx(9.0)
        assert energy.joules() == pytest.approx(9.0)
        add(second, 500_000)
        assert energy.joules() == pytest.approx(9.5)
        (first / "energy_uj").unlink()
        assert energy.joules() is None
        assert "could no longer be read" in (energy.why or "")


@installed
def test_a_profile_names_what_it_was_read_by(tree: Tree, tiny_llama: Path, tmp_path: Path) -> None:
    tree("intel-rapl:0", "package-0", 5_000_000)
    done = call(
        "profile", "--model", tiny_llama, "--energy", "zeus", "--out", tmp_path / "out", *SMALL, "--json"
    )
    assert done.code == 0, done.err
    (path,) = (tmp_path / "out").glob("*/*/manifest.json")
    manifest = json.loads(path.read_text())
    assert manifest["settings"]["energy"] == "zeus"
    energy = manifest["profile"]["energy"]
    assert energy["joules"] == 0.0, "nothing moves in that tree"
    assert energy["counters"][0].endswith(": RAPL package-0")
    assert call("record", "check", path.parent).code == 0
