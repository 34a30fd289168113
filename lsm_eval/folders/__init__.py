"""The folders of benchmarks: where they are, what their `code.py` declares, and how it is run."""
