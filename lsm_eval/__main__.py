"""`python -m lsm_eval`."""

from lsm_eval.cli import command

command()
