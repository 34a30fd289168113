"""Ranks of a board's models as intervals, from the scores of the samples that they share.

`scores` reads a task's sample tables once, for all models and metrics; `columns` ranks each metric; `means` the mean over an area's
tasks; `board` goes through all tasks and keeps what pages show.
"""
