"""Reading rows from the hub, a mirror folder, a file beside the task, or a Python function."""

from lsm_eval.data.canonical import content_hash
from lsm_eval.data.load import Table, load
from lsm_eval.data.options import DataOptions

__all__ = ["DataOptions", "Table", "content_hash", "load"]
