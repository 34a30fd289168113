"""The benchmarks that come with lsm-eval, a folder each, as parts of this package: `lsm_eval.benchmarks.bias.bbq.code`.

In a checkout they lie in `tasks/`, in the wheel in `lsm_eval/_tasks/`.
"""

from __future__ import annotations

from lsm_eval.folders.packaged import packaged_tasks

__path__ = [str(packaged_tasks())]
