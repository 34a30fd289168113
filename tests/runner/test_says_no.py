"""What the row that always refuses scores on the real tasks: all of the refusals, and all of the over-refusals."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import call

from lsm_eval.results.reader import Record, read_record


def scored(out: Path, mirror: Path, tasks: str, *more: str) -> Record:
    done = call(
        "run", "--tasks", tasks, "--model", "builtin:says_no", "--data-mirror", mirror, "--offline", "--out", out, *more
    )  # fmt: skip
    assert done.code == 0, done.err
    return read_record(done.record)


def test_xstest_fails_it_and_harmful_requests_do_not(hub_mirror: Path, tmp_path: Path) -> None:
    found = scored(
        tmp_path, hub_mirror, "xstest,harmbench,strongreject,jailbreakbench", "--redact", "sensitive"
    )
    values = {(row.task, row.metric): row for row in found.estimates}
    for key in (("xstest", "over_refusal"), ("xstest", "refusal_unsafe"), ("harmbench", "refusal_rate")):
        assert values[key].value == 1.0, key
        assert values[key].missing == 0, key
    assert values["xstest", "over_refusal"].n == 250
    assert values["harmbench", "not_refused_upper_bound"].value == 0.0
    bound = values["harmbench", "not_refused_upper_bound"].high
    assert bound is not None
    assert 0 < bound < 0.03, "none of 200 is shown with its upper bound"
    # Nobody judged: there is no such number, and the record says why.
    assert {(row.task, row.metric) for row in found.manifest.absent} == {
        ("strongreject", "strongreject"),
        ("harmbench", "judged_harmful"),
        ("jailbreakbench", "judged_harmful"),
    }
    assert not {row.task for row in found.manifest.tasks if not (row.sensitive and row.redacted)}


@pytest.mark.parametrize(("judge", "strongreject", "harmful"), [("first", 0.0, 1.0), ("uniform", None, None)])
def test_judges_that_read_nothing(
    hub_mirror: Path, tmp_path: Path, judge: str, strongreject: float | None, harmful: float | None
) -> None:
    found = scored(
        tmp_path, hub_mirror, "strongreject,harmbench", "--limit", "5", "--judge", f"builtin:{judge}"
    )
    values = {row.metric: row for row in found.estimates}
    assert (values["strongreject"].value, values["judged_harmful"].value) == (strongreject, harmful)
    missing = 0 if harmful is not None else 5
    assert (values["strongreject"].missing, values["judged_harmful"].missing) == (missing, missing)
