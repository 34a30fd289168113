"""Tasks, metrics and models of another package, and lsm-eval's own wheel."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from command_line import QUESTIONS, SCORE, Outcome, Runner, call_elsewhere, environment, spawn, write_task

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "other-evals"
version = "1.0"

[project.entry-points."lsm_eval.tasks"]
other = "other_evals:TASKS"

[project.entry-points."lsm_eval.metrics"]
always_half = "other_evals:AlwaysHalf"

[project.entry-points."lsm_eval.models"]
echo = "other_evals.model:make"
"""
PACKAGE = '''
from pathlib import Path

from lsm_eval.metrics.base import Measurement

TASKS = Path(__file__).parent / "tasks"


class AlwaysHalf:
    """A metric of another package: half a point a sample."""

    unit = "fraction"
    higher_is_better = True
    proportion = False
    mean = True

    def __init__(self, name="always_half", value=0.5):
        self.name, self._value = name, value
        self.signature = f"always_half(value={value})"

    def measure(self, sample, answer):
        return Measurement(value=self._value, statistics=(self._value, 1.0))

    def aggregate(self, sums):
        return sums[..., 0] / sums[..., 1]
'''
CODE = """
from lsm_eval.metrics.common import ProportionMetric, counted

METRICS = {"always_one": ("AlwaysOne", "a point a sample", "fraction", True, "score")}
FUNCTIONS = ("shouted",)


class AlwaysOne(ProportionMetric):
    default_name = "always_one"

    def measure(self, sample, answer):
        return counted(float(sample.request.context.endswith("!")))


def shouted(text):
    return text + "!"
"""
MODEL = '''
import hashlib

from lsm_eval.errors import UserError
from lsm_eval.models.base import ModelInfo
from lsm_eval.requests import Scored


class Echo:
    """Likes the n-th choice, whatever is asked."""

    def __init__(self, place):
        self.place = place
        self.info = ModelInfo(name=f"echo:{place}", chat_template=False, context=None)

    def fingerprint(self):
        return hashlib.sha256(f"echo {self.place}".encode()).hexdigest()

    def cost(self, requests):
        return []

    def render(self, request):
        return request.context

    def load(self):
        pass

    def computed(self):
        return {}

    def answer(self, requests, known=()):
        for at, request in enumerate(requests):
            if at not in known:
                count = len(request.continuations)
                best = min(self.place, count - 1)
                yield {
                    at: Scored(
                        tuple(0.0 if i == best else -9.0 for i in range(count)), (1,) * count, (False,) * count
                    )
                }


def make(rest, options):
    if not rest.isdigit():
        raise UserError(f"echo:{rest}: name a number, such as echo:0.")
    return Echo(int(rest))
'''


def _build(project: Path, out: Path) -> Path:
    """The wheel of a project, made without a network."""
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(project)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode and (
        "No module named build" in done.stderr or "hatchling" in done.stderr + done.stdout
    ):
        pytest.skip("needs the packages build and hatchling: pip install build hatchling")
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = out.glob("*.whl")
    return wheel


def _install(wheel: Path, folder: Path) -> Path:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*pip, "--target", str(folder), str(wheel)], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def other_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that a third-party package with a task, a metric and a model is installed in."""
    root = tmp_path_factory.mktemp("other")
    project = root / "project"
    package = project / "other_evals"
    package.mkdir(parents=True)
    (project / "pyproject.toml").write_text(PROJECT)
    (package / "__init__.py").write_text(PACKAGE)
    (package / "model.py").write_text(MODEL)
    fields = {**SCORE, "metrics": ["acc", "always_half", {"always_half": {"name": "quarter", "value": 0.25}}]}
    write_task(package / "tasks", "others_task", QUESTIONS, **fields)
    own = {**SCORE, "prompt": "{{ shouted(question) }}", "metrics": ["always_one"]}
    write_task(package / "tasks" / "benchmark", "others_benchmark", QUESTIONS, **own)
    (package / "tasks" / "benchmark" / "code.py").write_text(CODE)
    return _install(_build(project, root / "dist"), root / "installed")


def _values(done: Outcome) -> dict[str, float]:
    assert done.code == 0, done.err
    return {row["metric"]: row["value"] for row in json.loads((done.record / "estimates.json").read_text())}


def test_everything_of_another_package(other_package: Path, tmp_path: Path, repo: Path) -> None:
    env = {"PYTHONPATH": str(other_package)}
    named: list[str | Path] = [
        "--tasks",
        "others_task,others_benchmark",
        "--out",
        tmp_path / "reports",
        "--store",
        tmp_path / "store",
    ]
    done = spawn("run", *named, "--model", "echo:1", env=env, cwd=repo)
    right = sum(row["answer"] == 1 for row in QUESTIONS) / len(QUESTIONS)
    assert _values(done) == {"acc": right, "always_half": 0.5, "quarter": 0.25, "always_one": 1}
    assert done.record.parent.name.startswith("echo--1--")
    wrong = ["run", *map(str, named), "--model", "echo:zero"]
    lists = [["list", what] for what in ("metrics", "tasks", "models")]
    refused, metrics, tasks, models = call_elsewhere([wrong, *lists], env)
    assert "echo:zero: name a number, such as echo:0." in refused.sentence()
    assert "always_half" in metrics.out
    assert "other-evals" in metrics.out
    assert "others_task" in tasks.out
    assert "echo:…" in models.out


def test_the_same_tasks_from_a_folder(run: Runner, other_package: Path, tmp_path: Path) -> None:
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    for path in (other_package / "other_evals" / "tasks").glob("*.*"):
        (tasks / path.name).write_text(
            path.read_text().replace(
                "- always_half\n- always_half:\n    name: quarter\n    value: 0.25\n", ""
            )
        )
    assert _values(run(tasks="others_task", include=tasks, model="builtin:first"))["acc"] == 0.5


BROKEN = {
    "tasks": (
        "lsm_eval.tasks",
        "the folder of tasks 'broken' of the package broken-evals could not be loaded (",
    ),
    "metrics": ("lsm_eval.metrics", "metric 'broken' of the package broken-evals could not be loaded ("),
    "models": (
        "lsm_eval.models",
        "the model backend 'broken' of the package broken-evals could not be loaded (",
    ),
}
FAULTS = {
    "absent": None,
    "import": "import no_such_module_at_all\n",
    "syntax": "def broken(:\n",
    "raises": "raise RuntimeError('no licence key')\n",
    "lacks": "other = 1\n",
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", BROKEN)
def test_a_package_that_cannot_be_imported(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, fault: str
) -> None:
    group, expected = BROKEN[kind]
    site = tmp_path / "site"
    info = site / "broken_evals-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-evals\nVersion: 1.0\n")
    module = f"broken_evals_{kind}_{fault}"
    (info / "entry_points.txt").write_text(f"[{group}]\nbroken = {module}:broken\n")
    if FAULTS[fault] is not None:
        (site / f"{module}.py").write_text(str(FAULTS[fault]))
    monkeypatch.syspath_prepend(site)
    defs = write_task(
        tmp_path / "defs",
        "mine",
        QUESTIONS,
        **{**SCORE, "metrics": ["broken" if kind == "metrics" else "acc"]},
    )
    model = "broken:x" if kind == "models" else "builtin:first"
    assert run(tasks="mine", include=defs.parent, model=model).sentence().startswith(expected)


def test_the_wheel(repo: Path, tmp_path: Path) -> None:
    """Installed elsewhere, without the checkout in reach, with every task and its data inside."""
    wheel = _build(repo, tmp_path / "dist")
    inside = set(zipfile.ZipFile(wheel).namelist())
    files = [path for path in (repo / "tasks").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    tasks = {path.relative_to(repo / "tasks") for path in files}
    assert {Path("bias/bbq/code.py"), Path("bias/bbq/README.md"), Path("bias/bbq/bbq.yaml")} <= tasks
    assert {f"lsm_eval/_tasks/{path.as_posix()}" for path in tasks} <= inside
    assert "lsm_eval/py.typed" in inside
    code = {path.relative_to(repo).as_posix() for path in (repo / "lsm_eval").rglob("*") if path.is_file()}
    assert {name for name in code if "__pycache__" not in name} <= inside
    assert not [name for name in inside if name.startswith(("tests", "tasks", "benchmarks"))]
    assert not [name for name in inside if name.endswith(".pyc")]

    site = _install(wheel, tmp_path / "site")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    # Whether or not lsm-eval is installed as a link to the checkout: the path comes first.
    env = {"PYTHONPATH": str(site), "LSM_EVAL_CACHE": str(tmp_path / "cache")}
    where = subprocess.run(
        [sys.executable, "-c", "import lsm_eval; print(lsm_eval.__file__)"],
        cwd=elsewhere, env=environment(**env), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert where.stdout.startswith(str(site))
    listed = spawn("list", "tasks", "--json", env=env, cwd=elsewhere)
    assert {row["task"] for row in json.loads(listed.out)} == {
        path.stem
        for path in tasks
        if path.suffix == ".yaml" and path.parts[0] != "suites" and path.name != "rubric.yaml"
    }
    script = "from lsm_eval.scoring.registry import create; print(type(create('bbq_bias_ambig')).__module__)"
    made = subprocess.run(
        [sys.executable, "-c", script],
        cwd=elsewhere, env=environment(**env), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert made.stdout.strip() == "lsm_eval.benchmarks.bias.bbq.code"
    done = spawn(
        "run",
        "--tasks",
        "quickstart_bias",
        "--limit",
        "2",
        "--model",
        "builtin:uniform",
        env=env,
        cwd=elsewhere,
    )
    assert done.code == 0, done.err
    assert (elsewhere / done.record / "manifest.json").is_file()
