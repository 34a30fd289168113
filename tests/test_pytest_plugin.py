"""The pytest plugin, used as a project of its own uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import SCORE, environment, write_task
from gate_runs import rows, run_of

pytest_plugins = ["pytester"]

FIRST, LONGEST = "builtin:first", "builtin:longest"
HEAVY = "torch,transformers,datasets,pandas,pyarrow,numpy,scipy,pydantic,yaml,click,rich,jinja2"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tasks, and records of two models: `same` is alike, `worse` is lost, `unsure` is too small to tell."""
    folder = tmp_path_factory.mktemp("project")
    for name, counts in {"same": (400, 0, 0), "worse": (540, 50, 10), "unsure": (180, 12, 8)}.items():
        write_task(folder / "tasks", name, rows(*counts), **SCORE)
    for model in (FIRST, LONGEST):
        run_of(model, folder / "tasks", folder / "reports")
    run_of(LONGEST, folder / "tasks", folder / "part", names="same")
    return folder


@pytest.fixture
def there(project: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """The project in the folder of a test, with this checkout on the path."""
    for name in ("tasks", "reports", "part"):
        (pytester.path / name).symlink_to(project / name)
    monkeypatch.setenv("LSM_EVAL_CACHE", str(project / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    repo = str(Path(__file__).resolve().parents[1])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([repo, os.environ.get("PYTHONPATH", "")]))
    return pytester


def ran(there: pytest.Pytester, text: str, *more: str) -> pytest.RunResult:
    there.makepyfile("import pytest\n" + text)
    return there.runpytest_subprocess("-p", "lsm_eval.pytest_plugin", "--strict-markers", "-rs", *more)


MARKED = """
mark = pytest.mark.lsm_eval
own = dict(model="builtin:longest", baseline="reports/builtin--first", include="tasks")

@mark(tasks="same", **own)
def test_same(lsm_eval_result):
    assert lsm_eval_result.answer == "pass"
    assert [one.task for one in lsm_eval_result.findings] == ["same"]

@mark(tasks="worse", **own)
def test_worse():
    print("the body ran")

@mark(tasks=["unsure", "same"], **own)
def test_unsure():
    print("the body ran")

@mark(tasks="unsure", **own, inconclusive="fail")
def test_unsure_fails():
    print("the body ran")

@mark(tasks="unsure", **own, inconclusive="warn")
def test_unsure_warns():
    pass

@mark(tasks="same", **own, policy="policy.yaml")
def test_policy(lsm_eval_result):
    assert lsm_eval_result.policy == "mine"

@mark(tasks="same", **own, limit=90)
def test_few(lsm_eval_result):
    assert lsm_eval_result.findings[0].n == 90

@mark(tasks="same", **own, limit=0.225)
def test_a_share(lsm_eval_result):
    assert lsm_eval_result.findings[0].n == 90

@mark(tasks="same", **own, limit=1.5)
def test_no_share():
    pass

def test_body_fails_as_ever():
    assert 1 == 2
"""


@pytest.mark.slow
def test_marked_tests_are_run_and_gated(there: pytest.Pytester) -> None:
    (there.path / "policy.yaml").write_text("policy: mine\nmargin: {fraction: 0.05}\n")
    done = ran(there, MARKED)
    done.assert_outcomes(passed=3, failed=3, errors=1, skipped=3, warnings=1)
    done.stdout.fnmatch_lines(["*--limit 1.5: give a number of samples*"])
    text = done.stdout.str()
    assert text.count(": not enough data: same, acc: 90 pairs") == 2, "a number of samples, and a share"
    assert "the body ran" not in text
    assert "Traceback" not in text
    # The failure is the gate's table, and nothing else.
    failure = text.partition("_ test_worse _")[2].partition("_ test_unsure_fails _")[0].splitlines()
    assert failure[1] == "baseline:  builtin:first"
    assert failure[2] == "candidate: builtin:longest"
    assert any(line.split()[:3] == ["fail", "worse", "acc"] and line.split()[-1] == "60" for line in failure)
    assert any(line.startswith("FAIL. A loss beyond its margin is proven") for line in failure)
    done.stdout.fnmatch_lines(["*Not enough data is a failure under this policy.*"])
    done.stdout.fnmatch_lines(["*GateWarning: not enough data: unsure, acc: 200 pairs*"])
    done.stdout.fnmatch_lines(["SKIPPED*: not enough data: unsure, acc: *about 2,178 pairs would decide."])


@pytest.mark.slow
def test_what_cannot_be_compared_is_an_error(there: pytest.Pytester) -> None:
    done = ran(
        there,
        """
mark = pytest.mark.lsm_eval
own = dict(model="builtin:longest", include="tasks")

@mark(tasks="same", baseline="reports/builtin--first", policy="limits.yaml", **own)
def test_no_such_policy():
    pass

@mark(tasks="no_such_task", baseline="reports/builtin--first", **own)
def test_no_such_task():
    pass

@mark(tasks="same", baseline="reports", **own)
def test_two_models():
    pass

@mark(tasks="same", bassline="reports/builtin--first", **own)
def test_no_such_argument():
    pass

def test_unmarked(lsm_eval_result):
    pass

def test_no_record(assert_gate):
    assert_gate("nowhere", baseline="reports/builtin--first")
""",
    )
    done.assert_outcomes(errors=6)
    text = done.stdout.str()
    assert "Traceback" not in text
    for shown in (
        "limits.yaml is no file: write a policy with `lsm-eval gate init limits.yaml`.",
        "lsm-eval: unknown task 'no_such_task'",
        "lsm-eval: reports holds records of 2 models",
        "@pytest.mark.lsm_eval: the marker got an unexpected keyword argument 'bassline'",
        "the fixture lsm_eval_result is for tests that are marked",
        "lsm-eval: nowhere is no folder",
    ):
        assert shown in text, shown


@pytest.mark.slow
def test_records_of_ones_own(there: pytest.Pytester) -> None:
    policy = there.path / "policy.yaml"
    policy.write_text("rules: [{task: worse, ignore: true}, {task: unsure, ignore: true}]\n")
    (there.path / "unsure.yaml").write_text("rules: [{task: worse, ignore: true}]\n")
    done = ran(
        there,
        """
FIRST, LONGEST = "reports/builtin--first", "reports/builtin--longest"

def test_pass(assert_gate):
    result = assert_gate(LONGEST, baseline=FIRST, policy="policy.yaml", include=["tasks"])
    assert result.exit_code == 0

def test_fail(assert_gate):
    assert_gate(LONGEST, baseline=FIRST, include=["tasks"])

def test_caught(assert_gate):
    with pytest.raises(pytest.fail.Exception, match="worse"):
        assert_gate(LONGEST, baseline=FIRST, include=["tasks"])

def test_unsure(assert_gate):
    assert_gate(LONGEST, baseline=FIRST, policy="unsure.yaml", include=["tasks"])

def test_part(assert_gate):
    assert_gate("part/builtin--longest", baseline=FIRST, include=["tasks"])
""",
    )
    done.assert_outcomes(passed=2, failed=1, skipped=1, errors=1)
    done.stdout.fnmatch_lines(
        ["*ERROR at call of test_part*", "not comparable: worse: *", "NOT COMPARABLE.*"]
    )
    assert (
        "test_records_of_ones_own.py:"
        not in done.stdout.str().partition("= FAILURES =")[2].partition("SKIPPED")[0]
    )


@pytest.mark.slow
def test_one_run_serves_all_tests_that_want_it(there: pytest.Pytester) -> None:
    done = ran(
        there,
        """
pytestmark = pytest.mark.lsm_eval(
    tasks="same", model="builtin:longest", baseline="reports/builtin--first", include="tasks", keep=False
)
runs = set()

@pytest.mark.parametrize("at", range(3))
def test_same(lsm_eval_result, at):
    runs.add(lsm_eval_result.candidate.folder)
    assert len(runs) == 1
""",
    )
    done.assert_outcomes(passed=3)


@pytest.mark.slow
def test_the_built_in_model(there: pytest.Pytester) -> None:
    """A record that one test's run made is the next one's baseline; and twelve samples can tell nothing."""
    (there.path / "limits.yaml").write_text("limits: [{metric: acc, at_least: 0.0}]\n")
    done = ran(
        there,
        """
import shutil

few = dict(tasks="quickstart_accuracy_en", limit=12)

@pytest.mark.lsm_eval(**few, policy="limits.yaml")
def test_limit(lsm_eval_result, request):
    shutil.copytree(lsm_eval_result.candidate.folder, request.config.rootpath / "baseline/run")

@pytest.mark.lsm_eval(**few, baseline="baseline", inconclusive="fail")
def test_few():
    pass

@pytest.mark.lsm_eval(tasks="quickstart_accuracy_zh", limit=2, baseline="baseline")
def test_lacking():
    pass
""",
    )
    done.assert_outcomes(errors=1, passed=1, failed=1)
    done.stdout.fnmatch_lines(
        ["*the baseline baseline has no quickstart_accuracy_*", "candidate: builtin:smollm2-135m*"]
    )


_LOADED = """
import sys
import pytest
before = set(sys.modules)
import lsm_eval.pytest_plugin
print([name for name in sys.argv[1].split(",") if name in set(sys.modules) - before])
print(sorted(name for name in set(sys.modules) - before if name.startswith("lsm_eval")))
"""


def test_who_does_not_use_it_loads_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOADED, HEAVY], env=environment(), capture_output=True, text=True, check=True
    )
    heavy, ours = done.stdout.splitlines()
    assert heavy == "[]"
    assert ours == "['lsm_eval', 'lsm_eval.pytest_plugin', 'lsm_eval.python', 'lsm_eval.python.marked_run']"


def test_whoever_does_not_use_it_sees_nothing(there: pytest.Pytester) -> None:
    done = ran(
        there,
        f"""
import sys

def test_plain(request):
    assert request.fixturenames == ["request"]
    assert not [name for name in {HEAVY!r}.split(",") if name in sys.modules]
""",
    )
    done.assert_outcomes(passed=1)


@pytest.mark.slow
def test_errors_are_errors_in_workers_too(there: pytest.Pytester) -> None:
    text = """
def test_no_record(assert_gate):
    assert_gate("nowhere", baseline="reports/builtin--first")
"""
    ran(there, text, "-n", "1").assert_outcomes(errors=1)


def test_the_marker_is_known(there: pytest.Pytester) -> None:
    done = ran(there, "", "--markers")
    done.stdout.fnmatch_lines(["@pytest.mark.lsm_eval(tasks, baseline, *"])


def test_it_is_declared_under_its_modules_name(repo: Path) -> None:
    """So that `-p lsm_eval.pytest_plugin` names the same plugin as the entry point, and it is loaded once."""
    import tomllib

    project = tomllib.loads((repo / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"lsm_eval.pytest_plugin": "lsm_eval.pytest_plugin"}
