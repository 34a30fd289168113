"""`--quantize NAME`: quantises the weights of linear layers by torchao or bitsandbytes; and handles checkpoints that are quantised already."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError, unknown

VERSION = 1
"""Part of the fingerprint of models that are quantised here."""
GROUP = 32  # weights that share a scale of int4
METHODS: Mapping[str, str] = {
    "int8": "int8 weights, a scale a row (torchao)",
    "int4": f"int4 weights, a scale for {GROUP}; layers of other widths stay (torchao)",
    "bnb-8bit": "8-bit weights (bitsandbytes LLM.int8)",
    "bnb-4bit": "4-bit weights (bitsandbytes nf4)",
}
"""The description of each name in the record. Embeddings and output head are not quantised."""
PACKAGES = ("torchao", "bitsandbytes", "gptqmodel", "autoawq", "compressed-tensors", "optimum", "kernels")
"""Packages that compute with such weights."""
_NEEDS = {
    "gptq": "gptqmodel",
    "awq": "gptqmodel",
    "compressed-tensors": "compressed-tensors",
    "bitsandbytes": "bitsandbytes",
    "torchao": "torchao",
    "hqq": "hqq",
    "quanto": "optimum-quanto",
    "aqlm": "aqlm",
    "vptq": "vptq",
    "eetq": "kernels",
    "mxfp4": "kernels",
    "auto-round": "auto-round",
    "quark": "amd-quark",
    "fbgemm_fp8": "fbgemm-gpu-genai",
}
"""By `quant_method` of a checkpoint's configuration, the package that transformers needs to read it."""


def package_of(name: str) -> str:
    """The package that does this quantisation."""
    return "bitsandbytes" if name.startswith("bnb-") else "torchao"


def check_quantize(name: str, device: str) -> None:
    """Raises `UserError` for an unknown name, and for one that this machine does not support."""
    if name not in METHODS:
        raise unknown("quantisation", name, list(METHODS))
    package = package_of(name)
    if package == "bitsandbytes" and not device.startswith("cuda"):
        raise UserError(
            f"--quantize {name}: bitsandbytes is used on CUDA devices only, and the model runs on {device}: use int8 or int4, "
            "which torchao supports everywhere."
        )
    if find_spec(package) is None:
        extra = "'lsm-eval[quantize]'" if package == "torchao" else package
        raise UserError(f"--quantize {name} needs the package {package}: pip install {extra}.")


def own_quantisation(config: Any) -> str | None:
    """How a checkpoint's weights are quantised already, according to its configuration; None if they are not."""
    found = getattr(config, "quantization_config", None)
    if found is None:
        return None
    method = found.get("quant_method") if isinstance(found, dict) else getattr(found, "quant_method", None)
    return str(getattr(method, "value", method) or "a method that its configuration does not name")


def check_not_twice(name: str, config: Any) -> None:
    """Raises `UserError` if the checkpoint is quantised already."""
    own = own_quantisation(config)
    if own is not None:
        raise UserError(
            f"--quantize {name}: the checkpoint's weights are quantised already ({own}): leave it out."
        )


def loading_options(name: str | None, dtype: str, device: str) -> dict[str, Any]:
    """Arguments for transformers' loading of the weights, during which bitsandbytes quantises them."""
    if name is None or package_of(name) != "bitsandbytes":
        return {}
    import torch
    from transformers import BitsAndBytesConfig

    own: Any = BitsAndBytesConfig
    config = (
        own(load_in_8bit=True)
        if name == "bnb-8bit"
        else own(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=getattr(torch, dtype))
    )
    return {"quantization_config": config, "device_map": {"": device}}


def quantise(model: Any, name: str, folder: Path) -> None:
    """Quantises the linear layers of `model` except its output head by torchao, in place. Raises `UserError` if none can be."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchao.quantization import Int8WeightOnlyConfig, IntxWeightOnlyConfig, quantize_
        from torchao.quantization.granularity import PerGroup

        head = model.get_output_embeddings()
        layers = [
            module
            for module in model.modules()
            if isinstance(module, torch.nn.Linear)
            and module is not head
            and (name == "int8" or module.in_features % GROUP == 0)
        ]
        if not layers:
            raise UserError(
                f"--quantize {name}: {folder.name} has no linear layer that can be quantised so: leave it out, or use int8."
            )
        config = (
            Int8WeightOnlyConfig(set_inductor_config=False)
            if name == "int8"
            else IntxWeightOnlyConfig(
                weight_dtype=getattr(torch, "int4"),  # noqa: B009 (its stubs lack it)
                granularity=PerGroup(GROUP),
            )
        )
        chosen = {id(layer) for layer in layers}
        quantize_(model, config, filter_fn=lambda module, _: id(module) in chosen)


def lacking_package(config: Any, error: BaseException) -> str | None:
    """The package that is missing to read a checkpoint that is quantised already, as a sentence; None if the error has another
    cause."""
    method = own_quantisation(config)
    package = _NEEDS.get(method or "")
    if method is None or package is None:
        return None
    lacking = isinstance(error, ImportError) or (
        find_spec(package.replace("-", "_")) is None and "install" in str(error).lower()
    )
    if not lacking:
        return None
    return (
        f"its weights are quantised ({method}), and transformers reads such with the package {package}: pip install "
        f"{package}, or name a checkpoint that is not quantised."
    )
