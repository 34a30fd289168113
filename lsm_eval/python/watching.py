"""Where a run from Python says how far it is."""

from __future__ import annotations

import logging

from lsm_eval.progress import Progress, Silent

LOGGER = "lsm_eval"
"""Without bars, what a user should see goes to this logger as warnings, so that it is seen, and can be turned off."""


class Logged(Silent):
    """No bars; each note is a line of the log."""

    def note(self, text: str) -> None:
        logging.getLogger(LOGGER).warning("%s", text)


def watching(*, progress: bool) -> Progress:
    """Bars or lines on standard error, as the command line has them, or only notes for the log."""
    if not progress:
        return Logged()
    from lsm_eval.cli.progress import make_progress

    return make_progress()
