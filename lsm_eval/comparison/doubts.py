"""Whether a record is what it says, asked before anything is concluded from it."""

from __future__ import annotations

from collections.abc import Collection

from lsm_eval.comparison.shown.escape import visible
from lsm_eval.recount.check import check_record
from lsm_eval.results.reader import Record


def doubt(record: Record, which: str, tasks: Collection[str]) -> str | None:
    """Why nothing is to be concluded from a record, in a sentence: counted again (`recount`), it is not what it says. None where it is.

    `which`: what to call it. `tasks`: those whose samples are used, and counted. Raises UserError where its folder is gone.
    """
    found = check_record(record.folder, tasks=tasks, published=True)
    return None if found.whole else f"The {which} is not what it says: {visible(found.why(), 500)}"
