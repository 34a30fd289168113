"""Loads a checkpoint's weights by transformers, and reports every fault as one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.models.adapter import merge_adapter
from lsm_eval.models.family import Family
from lsm_eval.models.quantised import lacking_package, loading_options, package_of, quantise
from lsm_eval.models.shared_weights import SharedWeights
from lsm_eval.models.unusable import quiet, unusable
from lsm_eval.models.unused_weights import beyond_the_model
from lsm_eval.models.weight_files import check_weight_files

_PAGE = 4096  # bytes; the smallest page size of systems


def load_weights(
    folder: Path,
    config: Any,
    family: Family,
    *,
    dtype: str,
    device: str,
    adapter: Path | None,
    trust_remote_code: bool,
    quantize: str | None = None,
    shared: SharedWeights | None = None,
) -> tuple[Any, list[str]]:
    """The language model of a checkpoint on its device, in evaluation mode, and the names of unused weights, which the model
    has no place for.

    Raises `UserError` for weights that are missing, damaged or too large, for more layers than the configuration has, for an
    architecture that is not a language model of `family`, and for an adapter that does not fit or cannot be merged.
    """
    from lsm_eval.inference.heap import keep_freed_memory
    from lsm_eval.inference.memory import out_of_memory

    quiet()
    check_weight_files(folder)
    if device == "cpu":
        keep_freed_memory()
    try:
        read = partial(
            _read_checkpoint,
            folder,
            config,
            family,
            dtype=dtype,
            trust_remote_code=trust_remote_code,
            more=loading_options(quantize, dtype, device),
        )
        if shared is None or loading_options(quantize, dtype, device):
            model, unused = read()
        else:
            model, unused = shared.read((str(folder), family, dtype, trust_remote_code), read)
        if adapter is not None:
            model = merge_adapter(model, adapter)
        if quantize is None or package_of(quantize) == "torchao":
            model = model.to(device)
        model = model.eval()
        if quantize is not None and package_of(quantize) == "torchao":
            quantise(model, quantize, folder)
        _read_all(model)
        if family == "decoder" and not _causal(model, device):
            raise _no_decoder(folder, config)
    except UserError:
        raise
    except Exception as error:  # damaged files and values of wrong types raise exceptions of many kinds
        if out_of_memory(error):
            raise UserError(
                f"not enough memory on {device} for the weights of {folder.name} in {dtype}: use a smaller "
                "model, another --device, or --dtype bfloat16."
            ) from error
        lacking = lacking_package(config, error)
        if lacking is not None:
            raise UserError(f"{folder}: {lacking}") from error
        raise _unreadable(folder, error) from error
    return model, unused


def _read_checkpoint(
    folder: Path, config: Any, family: Family, *, dtype: str, trust_remote_code: bool, more: Mapping[str, Any]
) -> tuple[Any, list[str]]:
    """The checkpoint's model, and the names of weights that it has no place for."""
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM

    # With `output_loading_info` it returns a pair, which its annotation does not say.
    read: Any = {
        "decoder": AutoModelForCausalLM,
        "encoder-decoder": AutoModelForSeq2SeqLM,
        "masked": AutoModelForMaskedLM,
    }[family].from_pretrained
    model, found = read(
        folder,
        config=config,
        dtype=getattr(torch, dtype),
        trust_remote_code=trust_remote_code,
        local_files_only=True,
        output_loading_info=True,
        # So that they are listed in `found`; otherwise the error refers to a table in a log.
        ignore_mismatched_sizes=True,
        **more,
    )
    missing = sorted(found["missing_keys"])
    if family == "masked" and missing and not any(_of_body(model, name) for name in missing):
        raise _no_masked_head(folder, config)
    if missing:
        # transformers fills missing weights with random numbers, and mentions it only in its log.
        raise UserError(
            f"{folder}: the checkpoint lacks {len(missing)} of its model's weights (such as {missing[0]}); "
            "fetch it again, or check that config.json belongs to these weights."
        )
    mismatched = sorted(str(key[0]) for key in found.get("mismatched_keys", ()))
    if mismatched:
        raise UserError(
            f"{folder}: {len(mismatched)} weights (such as {mismatched[0]}) do not have the shape that config.json says; fetch "
            "the checkpoint again."
        )
    unused = sorted(found["unexpected_keys"])
    beyond = beyond_the_model(model, config, unused)
    if beyond:
        raise _too_many(folder, beyond)
    return model, unused


def _read_all(model: Any) -> None:
    """Reads every page of the weights into memory: they are mapped from their file, and would otherwise be read during the
    first pass and counted in its time."""
    import torch

    for parameter in model.parameters():
        if parameter.device.type == "cpu" and type(parameter) is torch.nn.Parameter:  # not packed ones
            parameter.detach().flatten()[:: _PAGE // parameter.element_size()].sum()


def _causal(model: Any, device: str) -> bool:
    """Whether later tokens do not change the model's earlier outputs.

    transformers also loads encoders (BERT) with `AutoModelForCausalLM`, and then each token sees the answer.
    """
    import torch

    size = int(model.get_input_embeddings().weight.shape[0])
    start = [size // 2, size // 3, size // 4]
    ends = (size // 5, size // 6)
    with torch.inference_mode():
        one, other = (
            model(input_ids=torch.tensor([[*start, end]], device=device), use_cache=False)
            .logits[0, :3]
            .float()
            for end in ends
        )
    # With the same kernels and shapes, a causal model's outputs differ only by rounding.
    near = 1e-4 if model.dtype == torch.float32 else 2e-2
    change = (one - other).abs().max() / one.abs().max().clamp(min=1e-9)
    return bool(change.isnan() or change <= near)


def _of_body(model: Any, name: str) -> bool:
    """Whether a weight belongs to the encoder below the head."""
    return name.startswith(f"{model.base_model_prefix}.")


def _no_masked_head(folder: Path, config: Any) -> UserError:
    heads = ", ".join(getattr(config, "architectures", None) or ()) or f"model of type {config.model_type!r}"
    return UserError(
        f"{folder}: the weights (of a {heads}) have no masked-language-model head, without which an encoder "
        "scores no text: name another --model."
    )


def _unreadable(folder: Path, error: BaseException) -> UserError:
    """The error for weights that could not be loaded."""
    from safetensors import SafetensorError

    if isinstance(error, SafetensorError) and "not valid UTF-8" in str(error):
        return UserError(
            f"{folder}: its weights cannot be read, since its path is no UTF-8: rename the folder."
        )
    if isinstance(error, SafetensorError):
        return UserError(
            f"{folder}: a weights file is damaged or cut short ({error}); fetch the checkpoint again."
        )
    return unusable(folder, "its weights", error)


def _too_many(folder: Path, beyond: Mapping[str, int]) -> UserError:
    name, size = next(iter(beyond.items()))
    return UserError(
        f"{folder}: the checkpoint holds {len(beyond)} weights (such as {name}) of layers beyond the {size} in "
        "config.json; check that config.json belongs to these weights, or fetch the checkpoint again."
    )


def _no_decoder(folder: Path, config: Any) -> UserError:
    return UserError(
        f"{folder}: a model of type {config.model_type!r} under a causal head is no decoder-only language model "
        "(its tokens see what comes after them), and cannot be scored so: name another --model."
    )
