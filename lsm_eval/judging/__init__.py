"""Judging by a model: rubrics as files, typed answers, and *could not judge* as a third state."""
