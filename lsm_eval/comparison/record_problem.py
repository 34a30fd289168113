"""Checks a record for consistency before anything is concluded from it."""

from __future__ import annotations

from collections.abc import Collection

from lsm_eval.comparison.shown.escape import visible
from lsm_eval.recount.check import check_record
from lsm_eval.results.reader import Record


def record_problem(record: Record, which: str, tasks: Collection[str]) -> str | None:
    """A sentence if a recount (`recount`) of a record does not agree with its numbers, so that nothing can be concluded from it; else None.

    `which`: the word for it in the sentence. `tasks`: the tasks to recount. Raises UserError if its folder is gone.
    """
    found = check_record(record.folder, tasks=tasks, published=True)
    return None if found.whole else f"The {which} is not what it says: {visible(found.why(), 500)}"
