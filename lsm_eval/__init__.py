"""lsm-eval: how good, how safe and how fast a large model is, and how sure one can be of it."""

__version__ = "0.1.0"
