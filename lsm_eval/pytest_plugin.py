"""A pytest plugin: a model is run and gated by a test.

`@pytest.mark.lsm_eval(tasks=…, baseline=…)` runs the tasks and compares the record with the baseline before the test's body
runs; the fixture `assert_gate` compares two records. A failure shows the gate's table; too little data skips, warns or fails
as the policy says; runs that cannot be compared, and mistakes of the user, are errors.

pytest loads this module for everyone who has lsm-eval installed, so it imports nothing but pytest until it is used.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import pytest

from lsm_eval.python.marked_run import RunOptions

if TYPE_CHECKING:
    from lsm_eval.gating.policy import Policy
    from lsm_eval.gating.result import GateResult
    from lsm_eval.results.reader import Record

    Inconclusive = Literal["neutral", "warn", "fail"]
    AssertGate = Callable[..., GateResult]
    """The type of the fixture `assert_gate`."""

MARKER = "lsm_eval"
RESULT = "lsm_eval_result"
_HELP = (
    f"{MARKER}(tasks, baseline, model='builtin:smollm2-135m', policy=None, limit=None, ...): run the tasks and gate the "
    "record against the baseline; the test's body runs if it passes."
)


class GateWarning(UserWarning):
    """Not enough data, under a policy that makes it a warning."""


@dataclass(frozen=True)
class _Marked:
    """A marker's arguments."""

    asked: RunOptions
    gated: dict[str, Any]
    """Arguments of `lsm_eval.gate` beside the candidate."""


_RECORDS = pytest.StashKey[dict[RunOptions, Path]]()
_FAILED = pytest.StashKey[str]()
_ERROR = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker with pytest."""
    config.addinivalue_line("markers", _HELP)
    config.stash[_RECORDS] = {}


def pytest_itemcollected(item: pytest.Item) -> None:
    """Adds the gate's result to a marked test's fixtures."""
    if item.get_closest_marker(MARKER) is not None:
        names: list[str] = getattr(item, "fixturenames", [])
        if RESULT not in names:
            names.append(RESULT)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Makes a failed gate a failure of the marked test, not an error of its setup."""
    failed = item.stash.get(_FAILED, None)
    if failed is not None:
        pytest.fail(failed, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Marks reports of errors, so that they count as errors even if they occur in the test's body."""
    report = yield
    if report.failed and item.stash.get(_ERROR, False):
        report.lsm_eval_error = True  # type: ignore[attr-defined]
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.CollectReport | pytest.TestReport) -> tuple[str, str, str] | None:
    """Reports runs that cannot be compared as errors, in whichever phase that is found."""
    return ("error", "E", "ERROR") if getattr(report, "lsm_eval_error", False) else None


@pytest.fixture
def assert_gate(request: pytest.FixtureRequest) -> AssertGate:
    """`assert_gate(candidate, baseline=…, policy=…)`: fails with the gate's table if the candidate does not pass.

    Arguments are those of `lsm_eval.gate`, baseline and policy by name; its result is returned. Not enough data skips the
    test, warns or fails, as the policy says."""

    def gate(
        candidate: str | Path | Record,
        *,
        baseline: str | Path | Record | None = None,
        policy: str | Path | Policy | None = None,
        across: Sequence[str] = (),
        inconclusive: Inconclusive | None = None,
        include: Sequence[str | Path] = (),
        flips: int = 5,
    ) -> GateResult:
        __tracebackhide__ = True
        result = _or_error(
            request.node,
            lambda: _gate(
                candidate,
                baseline=baseline,
                policy=policy,
                across=across,
                inconclusive=inconclusive,
                include=include,
                flips=flips,
            ),
        )
        failed = _failure(request.node, result)
        if failed is not None:
            pytest.fail(failed, pytrace=False)
        return result

    return gate


@pytest.fixture(name=RESULT)
def _result(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> GateResult:
    """The gate's result of a test that is marked `lsm_eval`; relative paths of the marker start at pytest's root folder."""
    mark = request.node.get_closest_marker(MARKER)
    if mark is None:
        _error(request.node, f"the fixture {RESULT} is for tests that are marked with @pytest.mark.{MARKER}.")
    records = request.config.stash[_RECORDS]

    def run_and_gate() -> GateResult:
        from lsm_eval.python.marked_tests import gate_marked, run_marked

        marked, mistake = None, ""
        try:
            marked = _arguments(*mark.args, **mark.kwargs)
        except TypeError as error:
            mistake = str(error).replace("_arguments()", "the marker")
        if marked is None:
            _error(request.node, f"@pytest.mark.{MARKER}: {mistake}.")
        with chdir(request.config.rootpath):
            if marked.asked not in records:
                records[marked.asked] = run_marked(marked.asked, tmp_path_factory.mktemp("reports"))
            return gate_marked(records[marked.asked], **marked.gated)

    result = _or_error(request.node, run_and_gate)
    failed = _failure(request.node, result)
    if failed is not None:
        request.node.stash[_FAILED] = failed
    return result


def _arguments(
    tasks: str | Sequence[str],
    baseline: str | Path | None = None,
    model: str | Path = "builtin:smollm2-135m",
    policy: str | Path | Policy | None = None,
    limit: int | float | str | None = None,
    *,
    shots: int | None = None,
    seed: int = 0,
    adapter: str | Path | None = None,
    include: str | Path | Sequence[str | Path] = (),
    across: Sequence[str] = (),
    inconclusive: Inconclusive | None = None,
    flips: int = 5,
    keep: bool = True,
) -> _Marked:
    """What the marker takes: options of `lsm-eval run` and of `lsm-eval gate` of the same names (`limit`: a number of samples, or a
    share such as 0.1 or "10%"); without `keep`, answers are neither taken from the response store nor kept there. Raises `UserError`."""
    from lsm_eval.tasks.limit import read_limit

    folders = (include,) if isinstance(include, str | Path) else tuple(include)
    names = [tasks] if isinstance(tasks, str) else tasks
    options = RunOptions(
        tasks=tuple(name.strip() for some in names for name in some.split(",") if name.strip()),
        model=str(model),
        limit=None if limit is None else read_limit(limit),
        shots=shots,
        seed=seed,
        adapter=None if adapter is None else str(adapter),
        include=tuple(str(folder) for folder in folders),
        keep=keep,
    )
    gated = {
        "baseline": baseline,
        "policy": policy,
        "across": across,
        "inconclusive": inconclusive,
        "include": folders,
        "flips": flips,
    }
    return _Marked(options, gated)


def _gate(
    candidate: str | Path | Record, *, include: Sequence[str | Path] = (), **arguments: Any
) -> GateResult:
    import lsm_eval

    return lsm_eval.gate(candidate=candidate, include=[Path(folder) for folder in include], **arguments)


def _or_error(node: pytest.Item, ask: Callable[[], GateResult]) -> GateResult:
    """Returns what `ask` returns; mistakes of the user and runs that cannot be compared become errors."""
    __tracebackhide__ = True
    from lsm_eval.cli.streams import one_line
    from lsm_eval.errors import UserError
    from lsm_eval.secrets import without_secrets

    mistake, result = "", None
    try:
        result = ask()
    except UserError as error:
        mistake = one_line(f"lsm-eval: {without_secrets(str(error))}")
    if result is None:
        _error(node, mistake)
    if result.answer == "not comparable":
        _error(node, _text(result))
    return result


def _error(node: pytest.Item, text: str) -> NoReturn:
    __tracebackhide__ = True
    node.stash[_ERROR] = True
    pytest.fail(text, pytrace=False)


def _failure(node: pytest.Item, result: GateResult) -> str | None:
    """The text of a failure, or None; skips the test if data is lacking and the policy is neutral."""
    __tracebackhide__ = True
    if result.answer == "not enough data":
        if result.inconclusive == "neutral":
            pytest.skip(_lacking(result))
        if result.inconclusive == "warn":
            warnings.warn_explicit(
                GateWarning(_lacking(result)), None, str(node.path), 1 + (node.location[1] or 0)
            )
    return _text(result) if result.exit_code else None


def _text(result: GateResult) -> str:
    """The output of `lsm-eval gate`."""
    from lsm_eval.gating.written.text import lines

    return "\n".join(lines(result))


def _lacking(result: GateResult) -> str:
    """The metrics that lack data, in one line."""
    from lsm_eval.gating.written.text import lines

    said = [line for line in lines(result) if line.startswith("not enough data: ")]
    return " ".join(said) or "not enough data"
