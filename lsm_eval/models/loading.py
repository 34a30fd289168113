"""A checkpoint folder brought into memory through transformers, with every fault as one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.models.adapter import merge_adapter
from lsm_eval.models.family import Family, family_of
from lsm_eval.models.generation_settings import check_generation_settings
from lsm_eval.models.quantised import lacking_package, loading_options, package_of, quantise
from lsm_eval.models.shared_weights import SharedWeights
from lsm_eval.models.unused_weights import beyond_the_model
from lsm_eval.models.weight_files import check_weight_files

_PAGE = 4096  # bytes; the least that systems map
_DTYPES = ("float32", "bfloat16", "float16")
_POSITIONS_AFTER_PADDING = frozenset(
    ("roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "camembert", "data2vec-text", "xmod",
     "ibert", "longformer", "mpnet", "luke", "esm")
)  # fmt: skip
"""Types whose positions count from the padding token's number plus one, so that as many are never used."""


def resolve_device(device: str) -> str:
    """The device to use, `auto` resolved. Raises `UserError` for one that this machine lacks."""
    import torch

    if device == "auto":
        if torch.cuda.is_available():
            return "cuda:0"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, index = device.partition(":")
    if kind == "cpu" and not index:
        return device
    if kind == "mps" and not index:
        if torch.backends.mps.is_available():
            return device
        raise UserError("--device mps: this machine has no Apple GPU that PyTorch can use; try --device cpu.")
    if kind == "cuda" and (not index or index.isdecimal()):
        count = torch.cuda.device_count()
        if int(index or 0) < count:
            return f"cuda:{index or 0}"
        have = f"only {count} CUDA device(s)" if count else "no CUDA device that PyTorch can use"
        raise UserError(f"--device {device}: this machine has {have}; try --device auto.")
    raise UserError(f"--device {device}: no such device; use auto, cpu, cuda, cuda:0 or mps.")


def resolve_dtype(dtype: str, device: str, config: Any) -> str:
    """The weights' dtype, `auto` resolved: float32 on a CPU (the faster one there), else the checkpoint's own."""
    if dtype == "auto":
        own = str(getattr(config, "dtype", None) or "float32").removeprefix("torch.")
        return "float32" if device == "cpu" or own not in _DTYPES else own
    if dtype not in _DTYPES:
        raise UserError(f"--dtype {dtype}: unknown; use auto, {', '.join(_DTYPES)}.")
    return dtype


def load_config(folder: Path, *, trust_remote_code: bool) -> Any:
    """The checkpoint's configuration, of a family that can be asked something (`family.family_of`)."""
    from transformers import AutoConfig

    _check_folder(folder)
    _quiet()
    try:
        config = AutoConfig.from_pretrained(
            folder, trust_remote_code=trust_remote_code, local_files_only=True
        )
        family_of(config, folder)
    except UserError:
        raise
    except Exception as error:  # whatever a value of another type than expected, or code of its own, leads to
        raise _unusable(folder, "its configuration", error) from error
    check_generation_settings(folder)
    return config


def _check_folder(folder: Path) -> None:
    try:
        configured = (folder / "config.json").is_file()
        adapter = (folder / "adapter_config.json").is_file()
    except OSError as error:
        raise UserError(f"{folder}: cannot be read ({error.strerror}).") from error
    if adapter:
        # transformers would load the model that the adapter names, from wherever that lies.
        but = "; if its weights are merged, remove adapter_config.json" if configured else ""
        raise UserError(
            f"{folder}: holds a PEFT adapter: name its base model as --model, and this folder as --adapter{but}."
        )
    if not configured:
        raise UserError(f"{folder}: has no config.json; name a folder that holds a transformers checkpoint.")


def text_config(config: Any) -> Any:
    """The part of a configuration that is about text."""
    return config.get_text_config() if hasattr(config, "get_text_config") else config


def vocabulary_size(config: Any) -> int | None:
    """Tokens that the model has an embedding for; None where the configuration does not say."""
    size = getattr(text_config(config), "vocab_size", None)
    return size if isinstance(size, int) and size > 0 else None


def load_tokenizer(folder: Path, *, trust_remote_code: bool, config: Any = None) -> Any:
    """The tokenizer in `folder`; `config` says of which kind it is where the folder is an adapter's."""
    from transformers import AutoTokenizer

    _quiet()
    own = {} if config is None else {"config": config}
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=trust_remote_code, local_files_only=True, **own
        )
    except Exception as error:  # the tokenizers library raises nothing narrower on a broken file
        raise _unusable(folder, "its tokenizer", error) from error
    template = tokenizer.chat_template
    texts = list(template.values()) if isinstance(template, dict) else [template or ""]
    for name, fits in (
        ("model_max_length", isinstance(tokenizer.model_max_length, (int, float))),
        ("chat_template", all(isinstance(text, str) for text in texts)),
    ):
        if not fits:
            raise UserError(
                f"{folder}: its tokenizer cannot be used ({name} is {getattr(tokenizer, name)!r}); fetch the "
                "checkpoint again, or name another --model."
            )
    return tokenizer


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
    """The language model of a checkpoint on its device, in evaluation mode; and the names of weights in the
    checkpoint that it has no place for, and that were left unused.

    Raises `UserError` for weights that are missing, damaged or too large, for layers beyond those that the
    configuration names, for an architecture that is no language model of `family`, and for an adapter that does
    not fit or cannot be merged.
    """
    from lsm_eval.inference.heap import keep_freed_memory
    from lsm_eval.inference.memory import out_of_memory

    _quiet()
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
    except (
        Exception
    ) as error:  # whatever damaged files, or a configuration of other types than expected, lead to
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
    """The model as the checkpoint has it, and the names of weights that it has no place for."""
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM

    # With the loading info it returns a pair, which its annotation does not say.
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
        # So that they are named in `found`; otherwise the error points to a table in a log.
        ignore_mismatched_sizes=True,
        **more,
    )
    missing = sorted(found["missing_keys"])
    if family == "masked" and missing and not any(_of_body(model, name) for name in missing):
        raise _no_masked_head(folder, config)
    if missing:
        # transformers fills missing weights with random numbers and says so in a log line only.
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


def context_length(config: Any, tokenizer: Any) -> int | None:
    """Tokens that the model can attend to; None where neither configuration nor tokenizer says."""
    text = text_config(config)
    for name in ("n_positions", "max_position_embeddings", "n_ctx", "max_seq_len", "max_sequence_length"):
        value = getattr(text, name, None)
        if isinstance(value, int) and value > 0:
            if config.model_type in _POSITIONS_AFTER_PADDING:
                return value - (getattr(config, "pad_token_id", None) or 0) - 1
            return value
    limit = getattr(tokenizer, "model_max_length", None)
    return int(limit) if isinstance(limit, int) and limit < 10**9 else None


def _read_all(model: Any) -> None:
    """Bring every page of the weights into memory: they are mapped from their file, and would else be read in the
    first pass, which is not what its seconds are to tell."""
    import torch

    for parameter in model.parameters():
        if parameter.device.type == "cpu" and type(parameter) is torch.nn.Parameter:  # not packed ones
            parameter.detach().flatten()[:: _PAGE // parameter.element_size()].sum()


def _causal(model: Any, device: str) -> bool:
    """Whether what comes later changes nothing of what the model says before.

    transformers runs encoders (BERT) under `AutoModelForCausalLM` too, and then each token sees the answer.
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
    # The same kernels on the same shapes: a causal model gives the same to a rounding or two.
    near = 1e-4 if model.dtype == torch.float32 else 2e-2
    change = (one - other).abs().max() / one.abs().max().clamp(min=1e-9)
    return bool(change.isnan() or change <= near)


def _of_body(model: Any, name: str) -> bool:
    """Whether a weight belongs to the encoder that the head stands on."""
    return name.startswith(f"{model.base_model_prefix}.")


def _no_masked_head(folder: Path, config: Any) -> UserError:
    heads = ", ".join(getattr(config, "architectures", None) or ()) or f"model of type {config.model_type!r}"
    return UserError(
        f"{folder}: the weights (of a {heads}) have no masked-language-model head, without which an encoder "
        "scores no text: name another --model."
    )


def _unreadable(folder: Path, error: BaseException) -> UserError:
    """What is wrong with weights that could not be loaded."""
    from safetensors import SafetensorError

    if isinstance(error, SafetensorError) and "not valid UTF-8" in str(error):
        return UserError(
            f"{folder}: its weights cannot be read, since its path is no UTF-8: rename the folder."
        )
    if isinstance(error, SafetensorError):
        return UserError(
            f"{folder}: a weights file is damaged or cut short ({error}); fetch the checkpoint again."
        )
    return _unusable(folder, "its weights", error)


def _too_many(folder: Path, beyond: Mapping[str, int]) -> UserError:
    name, size = next(iter(beyond.items()))
    return UserError(
        f"{folder}: the checkpoint holds {len(beyond)} weights (such as {name}) of layers beyond the {size} that "
        "config.json names; check that config.json belongs to these weights, or fetch the checkpoint again."
    )


def _no_decoder(folder: Path, config: Any) -> UserError:
    return UserError(
        f"{folder}: a model of type {config.model_type!r} under a causal head is no decoder-only language model "
        "(its tokens see what comes after them), and cannot be scored so: name another --model."
    )


def _unusable(folder: Path, part: str, error: BaseException) -> UserError:
    text = _first_line(error)
    if "trust_remote_code" in str(error):
        return UserError(
            f"{folder}: the checkpoint brings its own code, which is not run unless you pass "
            "--trust-remote-code; do so only if you trust its author."
        )
    if "Unrecognized configuration class" in text:
        kind = text.partition("configuration_")[2].partition(".")[0]
        return UserError(
            f"{folder}: a model of type {kind!r} is no language model that transformers can score: name another --model."
        )
    return UserError(
        f"{folder}: {part} cannot be used ({type(error).__name__}: {text.rstrip('.:')}); fetch the checkpoint "
        "again, or name another --model."
    )


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).strip().splitlines()]
    if not lines:
        return type(error).__name__
    text = " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
    return text[:300]


def _quiet() -> None:
    """transformers speaks through log lines and bars of its own; what matters of it is an error here."""
    import logging as of_python

    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    # torchao, which peft imports where it is installed, names every kernel that was built for another PyTorch.
    for name in ("torchao", "torch.utils._pytree"):
        of_python.getLogger(name).setLevel(of_python.ERROR)
