"""Models of `onnx:FOLDER`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lsm_eval.models.base import ModelOptions
from lsm_eval.models.create import create


def onnx_model(folder: Path, **options: Any) -> Any:
    return create(f"onnx:{folder}", ModelOptions(**{"threads": 1, **options}))
