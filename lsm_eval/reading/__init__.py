"""Reads generated answers (an option, a number, yes or no), in the same way for all tasks."""
