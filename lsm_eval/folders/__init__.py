"""What stands beside task files: where the folders of benchmarks lie, what their `code.py` declares, and how it is run."""
