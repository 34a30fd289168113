"""What is published: the sdist and the wheel are what they should be, and the wheel works by itself."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from email.parser import Parser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ci_steps import REPO, read

ADDRESS = "https://host.example/someone/something"
_RELATIVE = re.compile(r"\]\((?![a-z]+:)[^)\s]+\)")


def needs(*packages: str) -> None:
    lacking = [name for name in packages if importlib.util.find_spec(name) is None]
    if lacking:
        pytest.skip(f"needs {', '.join(lacking)}: pip install {' '.join(lacking)} (the extra `dev`)")


def loaded(path: Path) -> ModuleType:
    """A script of the repository as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def check() -> ModuleType:
    return loaded(REPO / "ci" / "check_dist.py")


@pytest.fixture(scope="module")
def built(check: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist and the wheel, as the release workflow builds them; nothing of a network."""
    needs("build", "hatchling", "twine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSM_EVAL_REPOSITORY", ADDRESS)
        patch.setenv("LSM_EVAL_REVISION", "v1")
        patch.delenv("PYTHONPATH", raising=False)
        sdist, wheel = check.build(tmp_path_factory.mktemp("dist") / "dist")
    return sdist, wheel


@pytest.mark.slow
def test_they_are_what_they_should_be(check: ModuleType, built: tuple[Path, Path]) -> None:
    assert list(check.problems(*built)) == []
    version = built[1].name.split("-")[1]
    assert list(check.problems(*built, f"v{version}")) == []
    (said,) = check.problems(*built, "v999")
    assert said.startswith(f"the tag v999 does not name the version {version}")


@pytest.mark.slow
def test_what_is_wrong_is_found(check: ModuleType, built: tuple[Path, Path], tmp_path: Path) -> None:
    """A wheel that lacks a file and has one too many, whose readme renders with an error; an sdist with a record."""
    sdist, wheel = (Path(shutil.copy(one, tmp_path)) for one in built)
    with zipfile.ZipFile(built[1]) as whole, zipfile.ZipFile(wheel, "w") as less:
        for name in whole.namelist():
            content = whole.read(name)
            if name.endswith("/METADATA"):
                content = content.replace(b"text/markdown", b"text/x-rst")
            if not name.endswith("py.typed"):
                less.writestr(name, content)
        less.writestr("reports/a.json", "{}")
    with tarfile.open(sdist, "w:gz") as archive:
        archive.add(REPO / "README.md", "lsm_eval-1/leaderboard/index.html")
    said = "\n".join(check.problems(sdist, wheel))
    for line in (
        "the wheel lacks lsm_eval/py.typed", "the wheel has reports/a.json", "reports/a.json is shipped",
        "leaderboard/index.html is shipped", "the sdist lacks LICENSE", "long_description",
    ):  # fmt: skip
        assert line in said


@pytest.mark.slow
def test_metadata_lead_to_the_repository(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[1]) as archive:
        (name,) = [one for one in archive.namelist() if one.endswith(".dist-info/METADATA")]
        metadata = Parser().parsestr(archive.read(name).decode())
    assert f"Repository, {ADDRESS}" in metadata.get_all("Project-URL", [])
    assert metadata["Description-Content-Type"] == "text/markdown"
    readme = str(metadata.get_payload())
    assert f"({ADDRESS}/raw/v1/docs/leaderboard.png)" in readme
    assert f"[docs/intervals.md]({ADDRESS}/blob/v1/docs/intervals.md)" in readme
    assert not _RELATIVE.findall(readme)


@pytest.mark.slow
def test_the_wheel_works_in_a_fresh_environment(built: tuple[Path, Path], tmp_path: Path) -> None:
    """An environment that has the wheel, and its dependencies from the one that runs the tests."""
    fresh = tmp_path / "fresh"
    venv.create(fresh, with_pip=False)
    python = fresh / "bin" / "python"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
    ]
    subprocess.run([*pip, str(built[1])], check=True, capture_output=True)
    (packages,) = fresh.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(
        "\n".join(one for one in sys.path if one.endswith("site-packages"))
    )
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env |= {"LSM_EVAL_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}

    def said(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    program = str(fresh / "bin" / "lsm-eval")
    assert said(str(python), "-c", "import lsm_eval; print(lsm_eval.__file__)").startswith(str(fresh))
    assert "Usage: lsm-eval" in said(program, "--help")
    assert "stereoset_intrasentence" in said(program, "list", "tasks")
    assert "quickstart_bias" in said(program, "run", "--tasks", "quickstart_bias", "--model", "builtin:first")
    page = said(program, "leaderboard", "reports", "--out", "site").strip()
    assert (tmp_path / page).is_file(), "templates came with it"


@pytest.mark.parametrize(
    ("readme", "with_address", "without"),
    [
        (
            "[a `b`](docs/x.md#y) [c](#z)",
            "[a `b`](R/blob/v1/docs/x.md#y) [c](R/blob/v1/README.md#z)",
            "a `b` c",
        ),
        ("![p](docs/p.png)", "![p](R/raw/v1/docs/p.png)", ""),
        ("[w](https://w.example)", "[w](https://w.example)", "[w](https://w.example)"),
        ("`[a](b)`\n```\n[c](d)\n```\n", "`[a](b)`\n```\n[c](d)\n```\n", "`[a](b)`\n```\n[c](d)\n```\n"),
    ],
)
def test_a_readme_that_is_read_elsewhere(readme: str, with_address: str, without: str) -> None:
    needs("hatchling")
    hook = loaded(REPO / "hatch_build.py")
    assert hook.read_elsewhere(readme, "R", "v1") == with_address
    assert hook.read_elsewhere(readme, "", "HEAD") == without


def test_only_the_job_that_publishes_may_publish() -> None:
    """What builds has no token; what publishes runs nothing of the repository."""
    jobs: dict[str, Any] = read(".github/workflows/release.yml")["jobs"]
    assert jobs["build"]["permissions"] == {"contents": "read"}
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert {*jobs["publish"]["needs"]} == {"build", "attest"}
    for name in ("attest", "publish"):
        assert all("run" not in step for step in jobs[name]["steps"])
    assert any("--tag" in step.get("run", "") for step in jobs["build"]["steps"])
