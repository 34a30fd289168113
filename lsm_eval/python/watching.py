"""Progress of a run from Python."""

from __future__ import annotations

import logging

from lsm_eval.progress import Progress, Silent

LOGGER = "lsm_eval"
"""Without bars, notes for the user go to this logger as warnings, so that they are seen and can be turned off."""


class Logged(Silent):
    """Shows no bars; logs each note."""

    def note(self, text: str) -> None:
        logging.getLogger(LOGGER).warning("%s", text)


def watching(*, progress: bool) -> Progress:
    """Bars or lines on standard error, as the command line has them, or only notes for the log."""
    if not progress:
        return Logged()
    from lsm_eval.cli.progress import make_progress

    return make_progress()
