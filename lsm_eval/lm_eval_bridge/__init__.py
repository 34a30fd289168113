"""lm-evaluation-harness, both ways: our engine as one of its models, and its tasks in our runner.

Nothing here imports `lm_eval` before it is needed: the harness is an extra, `lsm-eval[lm-eval]`.
"""

from __future__ import annotations

from lsm_eval.lm_eval_bridge.package import require

MODEL = "lsm-eval"
"""The name by which the harness knows our engine."""


def register() -> None:
    """Make `--model lsm-eval` known to the harness in this process. Raises `UserError` where it is not installed.

    The harness (0.4.13) finds models by a list in its own package and has no entry points for them, so the
    model must be registered first: by this function, or by the command `lsm-eval lm-eval`, which calls it.
    """
    require()
    import lm_eval.models  # noqa: F401  its own models must be registered first: it takes an empty registry for a new one
    from lm_eval.api.registry import model_registry

    if MODEL not in model_registry:
        model_registry.register(MODEL, target="lsm_eval.lm_eval_bridge.model:LsmEval")
