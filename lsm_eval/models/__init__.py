"""Models, one file for each backend. A model has no knowledge of tasks."""
