"""lsm-eval: how good, how safe and how fast a large model is, and how sure one can be of it.

From Python: `compare` holds runs against a baseline, `gate` holds a candidate to a policy.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from lsm_eval.comparison.result import Comparison
    from lsm_eval.gating.policy import Policy
    from lsm_eval.gating.result import GateResult
    from lsm_eval.results.reader import Record

__version__ = "0.1.0"


def compare(
    baseline: str | Path | Record,
    *candidates: str | Path | Record,
    across: Collection[str] = (),
    groups: bool = False,
    flips: int = 0,
    include: Sequence[Path] = (),
    include_code: bool = False,
) -> Comparison:
    """Each candidate against the baseline, metric by metric, over the samples that both have (`lsm-eval compare`).

    A record is what the command line names (`comparison.find.find`), or one that has been read. `across`: parts of signatures that are
    to differ beside the model. `groups`: the numbers of groups too. `flips`: changed samples a metric, at most. `include`: folders with
    the task files of the records; `include_code`: their Python files may run. Raises `errors.UserError` for what the command refuses with code 2."""
    from lsm_eval.comparison.compare import compare as held

    return held(
        _record(baseline),
        [_record(one) for one in candidates],
        across=across,
        groups=groups,
        most_flips=flips,
        include=include,
        include_code=include_code,
    )


def gate(
    baseline: str | Path | Record | None,
    candidate: str | Path | Record,
    policy: str | Path | Policy | None = None,
    *,
    across: Collection[str] = (),
    inconclusive: Literal["neutral", "warn", "fail"] | None = None,
    include: Sequence[Path] = (),
    include_code: bool = False,
    flips: int = 5,
    calibration: str | Path | None = None,
) -> GateResult:
    """May the candidate take the baseline's place (`lsm-eval gate`)? `answer` is "pass", "fail", "not enough data" or "not comparable".

    Records as for `compare`; `baseline` None for a policy of limits alone. `policy`: a YAML file, a value, or None for the default.
    `inconclusive`: what becomes of not enough data. `flips`: changed samples of each metric that does not pass, at most. `calibration`: a file
    of `lsm-eval gate calibrate`. Raises `errors.UserError` for what the command refuses with code 2."""
    from pathlib import Path

    from lsm_eval.gating.calibration import read_calibration
    from lsm_eval.gating.decide import gate as decide
    from lsm_eval.gating.policy import read_policy

    told = read_policy(Path(policy)) if isinstance(policy, str | Path) else policy or read_policy(None)
    return decide(
        None if baseline is None else _record(baseline),
        _record(candidate),
        told,
        across=across,
        inconclusive=inconclusive,
        include=include,
        include_code=include_code,
        most_flips=flips,
        calibration=None if calibration is None else read_calibration(Path(calibration)),
    )


def _record(named: str | Path | Record) -> Record:
    from lsm_eval.comparison.find import find
    from lsm_eval.results.reader import Record

    return named if isinstance(named, Record) else find(str(named))
