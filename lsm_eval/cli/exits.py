"""Exit codes."""

EXIT_USER = 2
"""A mistake of the user, or incomplete numbers (NaN, a task left out); 1 is reserved for the gate."""
EXIT_NOT_COMPARABLE = 4
"""Runs that cannot be compared."""
EXIT_NOT_WHOLE = 4
"""A record that fails its check."""
EXIT_BUDGET = 5
"""The next request would exceed `--max-cost`; the same command with a higher limit continues."""
EXIT_ERROR_RATE = 5
"""More requests of a serving profile failed than `--max-error-rate` allows."""
EXIT_INTERNAL = 70
"""An internal error of lsm-eval (EX_SOFTWARE of sysexits.h); its traceback is in a log file."""
EXIT_INTERRUPTED = 130
"""Stopped by Ctrl-C or SIGTERM, by the convention of shells."""
