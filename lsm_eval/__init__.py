"""lsm-eval: how good, how safe and how fast a large model is, and how sure one can be of it.

From Python (docs/python.md): `run` asks a model tasks, `load` reads the record of a run, `compare` holds runs against a baseline, `gate`
holds a candidate to a policy, `list_tasks` and `list_suites` list what can be run. Only what `__all__` names is public.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for true; importing it from typing would take longer than everything else here
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path
    from typing import Any, Literal

    from lsm_eval.comparison.result import Comparison
    from lsm_eval.errors import BudgetSpent, CodeFault, NotComparable, UserError
    from lsm_eval.gating.policy import Policy
    from lsm_eval.gating.result import GateResult
    from lsm_eval.models.own import Answer, Model, Prompt
    from lsm_eval.python.listed import SuiteInfo, TaskInfo
    from lsm_eval.python.record import Record
    from lsm_eval.python.run import run
    from lsm_eval.results.reader import Record as _Stored

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "BudgetSpent",
    "CodeFault",
    "Model",
    "NotComparable",
    "Prompt",
    "Record",
    "SuiteInfo",
    "TaskInfo",
    "UserError",
    "__version__",
    "compare",
    "gate",
    "list_suites",
    "list_tasks",
    "load",
    "run",
]

_WHERE = {
    "Answer": "lsm_eval.models.own",
    "BudgetSpent": "lsm_eval.errors",
    "CodeFault": "lsm_eval.errors",
    "Model": "lsm_eval.models.own",
    "NotComparable": "lsm_eval.errors",
    "Prompt": "lsm_eval.models.own",
    "Record": "lsm_eval.python.record",
    "SuiteInfo": "lsm_eval.python.listed",
    "TaskInfo": "lsm_eval.python.listed",
    "UserError": "lsm_eval.errors",
    "run": "lsm_eval.python.run",
}
"""The module of each name that is imported on first use."""

if not TYPE_CHECKING:  # with this function, a type checker would accept any name

    def __getattr__(name: str) -> Any:
        if name not in _WHERE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        found = globals()[name] = getattr(import_module(_WHERE[name]), name)
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load(path: str | Path) -> Record:
    """The record in a folder, or the newest one in a model's folder; also `git:REVISION:PATH` (`lsm-eval compare`).

    Raises `UserError` if there is none, if the folder holds records of several models, or if the record cannot be read."""
    from lsm_eval.comparison.find import find
    from lsm_eval.python.record import Record

    return Record(find(str(path)))


def list_tasks(area: str | None = None, include: str | Path | Sequence[str | Path] = ()) -> list[TaskInfo]:
    """The tasks that `run` takes (`lsm-eval list tasks`), those in the folders `include` too; with `area`, only those of that area."""
    from lsm_eval.python.listed import tasks

    return tasks(area, include)


def list_suites(include: str | Path | Sequence[str | Path] = ()) -> list[SuiteInfo]:
    """The named lists of tasks that `run` takes (`lsm-eval list suites`)."""
    from lsm_eval.python.listed import suites

    return suites(include)


def compare(
    baseline: str | Path | Record | _Stored,
    *candidates: str | Path | Record | _Stored,
    across: Collection[str] = (),
    groups: bool = False,
    flips: int = 0,
    include: str | Path | Sequence[str | Path] = (),
    include_code: bool = False,
) -> Comparison:
    """Compares each candidate with the baseline, metric by metric, over the samples that both have (`lsm-eval compare`).

    A record is given as on the command line (`comparison.find.find`), or as one that has been read. `across`: parts of signatures that
    are meant to differ besides the model. `groups`: compare groups too. `flips`: list at most this many changed samples per metric. `include`:
    folders with the task files of the records; `include_code`: their Python files may run. Raises `UserError` for what the command refuses with code 2."""
    from lsm_eval.comparison.compare import compare as compare_records
    from lsm_eval.python.listed import folders

    return compare_records(
        _record(baseline),
        [_record(one) for one in candidates],
        across=across,
        groups=groups,
        most_flips=flips,
        include=folders(include),
        include_code=include_code,
    )


def gate(
    baseline: str | Path | Record | _Stored | None,
    candidate: str | Path | Record | _Stored,
    policy: str | Path | Policy | None = None,
    *,
    across: Collection[str] = (),
    inconclusive: Literal["neutral", "warn", "fail"] | None = None,
    include: str | Path | Sequence[str | Path] = (),
    include_code: bool = False,
    flips: int = 5,
    calibration: str | Path | None = None,
) -> GateResult:
    """Decides whether the candidate may replace the baseline (`lsm-eval gate`): `answer` is "pass", "fail", "not enough data" or "not comparable".

    Records as for `compare`; `baseline` is None if the policy has limits only. `policy`: a YAML file, a `Policy`, or None for the default.
    `inconclusive`: how "not enough data" counts. `flips`: list at most this many changed samples per metric that does not pass. `calibration`: a
    file of `lsm-eval gate calibrate`. Raises `UserError` for what the command refuses with code 2."""
    from pathlib import Path

    from lsm_eval.gating.calibration import read_calibration
    from lsm_eval.gating.decide import gate as decide
    from lsm_eval.gating.policy import read_policy
    from lsm_eval.python.listed import folders

    rules = read_policy(Path(policy)) if isinstance(policy, str | Path) else policy or read_policy(None)
    return decide(
        None if baseline is None else _record(baseline),
        _record(candidate),
        rules,
        across=across,
        inconclusive=inconclusive,
        include=folders(include),
        include_code=include_code,
        most_flips=flips,
        calibration=None if calibration is None else read_calibration(Path(calibration)),
    )


def _record(named: str | Path | Record | _Stored) -> _Stored:
    from lsm_eval.comparison.find import find
    from lsm_eval.python.record import Record, stored
    from lsm_eval.results.reader import Record as Stored

    return stored(named) if isinstance(named, (Record, Stored)) else find(str(named))
