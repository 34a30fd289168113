"""The built-in metrics, one file per family."""
