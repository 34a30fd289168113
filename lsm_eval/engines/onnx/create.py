"""Makes the model for `onnx:FOLDER` and a run's options."""

from __future__ import annotations

from lsm_eval.engines.onnx.layout import find_layout
from lsm_eval.engines.refusals import refuse_options
from lsm_eval.engines.threads import threads
from lsm_eval.errors import UserError
from lsm_eval.models.base import Model, ModelOptions
from lsm_eval.progress import Progress


def create_engine(folder: str, options: ModelOptions, progress: Progress) -> Model:
    """The model in `folder`, whose graph is not read yet. Raises `UserError` for options that cannot be honoured."""
    if not folder.strip():
        raise UserError("--model onnx: names no folder: write onnx:FOLDER.")
    refuse_options(
        "onnx:",
        {
            "--engine tree": options.engine == "tree",
            "--adapter": options.adapter is not None,
            "--quantize": options.quantize is not None,
            "--trust-remote-code": options.trust_remote_code,
        },
    )
    layout = find_layout(folder)
    try:
        import onnxruntime
    except ImportError as error:
        if error.name != "onnxruntime":
            raise
        raise UserError(
            f"--model onnx:{folder} needs the package onnxruntime: pip install 'lsm-eval[onnx]'."
        ) from error
    from lsm_eval.engines.onnx.model import OnnxModel

    device = _device(options.device, onnxruntime.get_available_providers())
    return OnnxModel(layout, options, device=device, threads=threads(options.threads), note=progress.note)


def _device(device: str, providers: list[str]) -> str:
    """`cpu` or `cuda:N`, if the installed build of ONNX Runtime supports it. Raises `UserError` otherwise."""
    cuda = "CUDAExecutionProvider" in providers
    if device == "cpu":
        return device
    if device == "auto":
        return "cuda:0" if cuda else "cpu"
    kind, _, index = device.partition(":")
    if kind != "cuda" or (index and not index.isdecimal()):
        raise UserError(
            f"--device {device}: ONNX Runtime is run on cpu, cuda or cuda:0 here; use one of these, or auto."
        )
    if not cuda:
        raise UserError(
            f"--device {device}: the installed ONNX Runtime computes on the CPU alone: install onnxruntime-gpu in its place, or "
            "use --device cpu."
        )
    return f"cuda:{index or 0}"
