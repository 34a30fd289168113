"""`python -m lsm_eval`."""

from lsm_eval.cli import main

main()
