"""Judging by a model: rubrics in files, typed answers, and *could not judge* as a third state."""
