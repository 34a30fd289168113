"""A checkpoint folder brought into memory through transformers, with every fault as one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.models.family import Family, family_of

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
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoConfig

    if not (folder / "config.json").is_file():
        raise UserError(f"{folder}: has no config.json; name a folder that holds a transformers checkpoint.")
    _quiet()
    try:
        config = AutoConfig.from_pretrained(
            folder, trust_remote_code=trust_remote_code, local_files_only=True
        )
    except (
        OSError,
        ValueError,
        TypeError,
        AttributeError,
        KeyError,
        ImportError,
        StrictDataclassError,
    ) as error:
        raise _unusable(folder, "its configuration", error) from error
    family_of(config, folder)
    return config


def vocabulary_size(config: Any) -> int | None:
    """Tokens that the model has an embedding for; None where the configuration does not say."""
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    size = getattr(text, "vocab_size", None)
    return size if isinstance(size, int) and size > 0 else None


def load_tokenizer(folder: Path, *, trust_remote_code: bool) -> Any:
    """The checkpoint's tokenizer."""
    from transformers import AutoTokenizer

    _quiet()
    try:
        return AutoTokenizer.from_pretrained(
            folder, trust_remote_code=trust_remote_code, local_files_only=True
        )
    except Exception as error:  # the tokenizers library raises nothing narrower on a broken file
        raise _unusable(folder, "its tokenizer", error) from error


def load_weights(
    folder: Path,
    config: Any,
    family: Family,
    *,
    dtype: str,
    device: str,
    adapter: Path | None,
    trust_remote_code: bool,
) -> Any:
    """The language model of a checkpoint on its device, in evaluation mode.

    Raises `UserError` for weights that are missing, damaged or too large, for an architecture that is no
    language model of `family`, and for an adapter that cannot be merged.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM

    from lsm_eval.inference.heap import keep_freed_memory
    from lsm_eval.inference.memory import out_of_memory

    _quiet()
    if device == "cpu":
        keep_freed_memory()
    try:
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
        if adapter is not None:
            model = _with_adapter(model, adapter)
        model = model.to(device).eval()
        _read_all(model)
        if family == "decoder" and not _causal(model, device):
            raise _no_decoder(folder, config)
    except SafetensorError as error:
        raise UserError(
            f"{folder}: a weights file is damaged or cut short ({error}); fetch the checkpoint again."
        ) from error
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, EOFError) as error:
        if out_of_memory(error):
            raise UserError(
                f"not enough memory on {device} for the weights of {folder.name} in {dtype}: use a smaller "
                "model, another --device, or --dtype bfloat16."
            ) from error
        raise _unusable(folder, "its weights", error) from error
    return model


def check_adapter(adapter: Path) -> None:
    """Raise `UserError` for a folder that is no PEFT adapter, before weights are read."""
    if not (adapter / "adapter_config.json").is_file():
        raise UserError(
            f"--adapter {adapter}: has no adapter_config.json; name the folder of a PEFT adapter."
        )


def context_length(config: Any, tokenizer: Any) -> int | None:
    """Tokens that the model can attend to; None where neither configuration nor tokenizer says."""
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
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
    for parameter in model.parameters():
        if parameter.device.type == "cpu":
            parameter.detach().flatten()[:: _PAGE // parameter.element_size()].sum()


def _with_adapter(model: Any, adapter: Path) -> Any:
    try:
        from peft import PeftModel
    except ImportError as error:
        raise UserError("--adapter needs the peft package: pip install 'lsm-eval[peft]'.") from error
    check_adapter(adapter)
    try:
        # Merged, the adapter costs nothing at run time, and every way of scoring sees a plain model.
        return PeftModel.from_pretrained(model, adapter).merge_and_unload()
    except (AttributeError, NotImplementedError) as error:
        raise UserError(
            f"--adapter {adapter}: this kind of adapter cannot be merged ({error}); use LoRA."
        ) from error
    except (ValueError, RuntimeError, KeyError, OSError) as error:
        raise UserError(f"--adapter {adapter}: does not fit the model ({_first_line(error)}).") from error


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
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
