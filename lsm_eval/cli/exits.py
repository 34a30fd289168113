"""Exit codes that a pipeline can trust."""

EXIT_USER = 2
"""A mistake of the user's, or numbers that are not whole (NaN, a task left out); 1 is kept for the gate."""
EXIT_NOT_COMPARABLE = 4
"""Runs that were to be held against each other and cannot be."""
EXIT_NOT_WHOLE = 4
"""A record is not what it says."""
EXIT_BUDGET = 5
"""The next request could not be paid for (`--max-cost`); the same command with a higher limit goes on."""
EXIT_ERROR_RATE = 5
"""More requests of a serving profile failed than may (`--max-error-rate`)."""
EXIT_INTERNAL = 70
"""A fault of lsm-eval's own (EX_SOFTWARE of sysexits.h); its traceback is in a log."""
EXIT_INTERRUPTED = 130
"""Stopped by Ctrl-C or SIGTERM, as shells count it."""
