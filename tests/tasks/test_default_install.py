"""What a suite asks for is there after a default install, without any extra."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_CREATE = """
import json, sys
from importlib.abc import MetaPathFinder

absent = set(json.loads(sys.argv[1]))

class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from lsm_eval.scoring import registry as metrics
from lsm_eval.tasks.registry import Registry

registry = Registry()
found = 0
for suite in registry.suites:
    for loaded in registry.resolve([suite]):
        for spec in loaded.task.metrics:
            metrics.create(spec, offline=True, folder=loaded.folder)
            found += 1
print(found)
"""


def _needed(names: list[str], extras: frozenset[str] = frozenset()) -> set[str]:
    """Distributions that come with these requirements."""
    found: set[str] = set()
    todo = [(Requirement(name), extras) for name in names]
    while todo:
        requirement, wanted = todo.pop()
        name = canonicalize_name(requirement.name)
        if requirement.marker and not any(
            requirement.marker.evaluate({"extra": extra}) for extra in wanted or {""}
        ):
            continue
        if name in found:
            continue
        found.add(name)
        try:
            more = requires(name) or []
        except PackageNotFoundError:
            continue
        todo += [(Requirement(one), frozenset(requirement.extras)) for one in more]
    return found


@pytest.mark.slow
def test_every_suite_can_be_asked_after_a_default_install(repo: Path) -> None:
    project = tomllib.loads((repo / "pyproject.toml").read_text())["project"]
    there = _needed(project["dependencies"])
    modules = packages_distributions()
    absent = [
        module
        for module, owners in modules.items()
        if not module.startswith("_") and not there & {canonicalize_name(owner) for owner in owners}
    ]
    if "peft" not in absent or "lm_eval" not in absent:
        pytest.skip("needs the extras installed, to leave them out")
    absent.remove("lsm_eval") if "lsm_eval" in absent else None
    done = subprocess.run(
        [sys.executable, "-c", _CREATE, json.dumps(absent)],
        cwd=repo,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 100
    assert project["optional-dependencies"]["bias"] == [], "an alias that older instructions name"
