"""Checks that lm-evaluation-harness is installed in a supported version."""

from __future__ import annotations

import re
from importlib import metadata

from lsm_eval.errors import UserError

OLDEST, TOO_NEW = (0, 4, 13), (0, 5)
_INSTALL = "pip install 'lsm-eval[lm-eval]'"


def require() -> str:
    """The harness's version. Raises `UserError` if it is not installed, or in an unsupported version."""
    try:
        version = metadata.version("lm_eval")
    except metadata.PackageNotFoundError as error:
        raise UserError(f"this needs lm-evaluation-harness, which is not installed: {_INSTALL}.") from error
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    if not OLDEST <= numbers < TOO_NEW:
        raise UserError(
            f"lm-evaluation-harness {version} is installed, and lsm-eval works with 0.4.13 and later ones before 0.5: "
            f"{_INSTALL}."
        )
    return version
